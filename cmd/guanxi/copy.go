package main

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/schollz/progressbar/v3"

	"guanxi/internal/app"
	"guanxi/internal/base/db"
	"guanxi/internal/base/fault"
)

var (
	errCopyUsage = fault.Define("copy.usage", fault.Invalid,
		"用法：guanxi copy --to mysql://用户:口令@主机:端口/库（或 --to 目录；--to - 从标准输入读取地址）",
		"Usage: guanxi copy --to mysql://user:password@host:port/database (or --to FOLDER; --to - reads the address from standard input)")
	errBackupUsage = fault.Define("backup.usage", fault.Invalid,
		"用法：guanxi backup --to 目录 [--keys-to 目录]；guanxi restore --from 目录 [--keys-from 目录]",
		"Usage: guanxi backup --to FOLDER [--keys-to FOLDER]; guanxi restore --from FOLDER [--keys-from FOLDER]")
	errBackupThere = fault.Define("backup.there", fault.Conflict,
		"{path} 已存在，不会覆盖", "{path} is there already; nothing is overwritten")
	errBackupBroken = fault.Define("backup.broken", fault.Conflict,
		"备份不完整或已损坏：{what}", "The backup is not whole, or damaged: {what}")
)

const (
	databaseFile = "guanxi.db"
	manifestFile = "backup.json"
	keysFile     = "fields.json"
)

// copyAll moves an installation to another database: up to a server, or back to a file.
func copyAll(ctx context.Context, c *cli) (any, error) {
	to := c.flags.String("to", "", "mysql://… or a folder; - reads it from standard input")
	if _, err := c.parse(); err != nil {
		return nil, err
	}
	if *to == "-" {
		line, err := bufio.NewReader(os.Stdin).ReadString('\n')
		if err != nil && !errors.Is(err, io.EOF) {
			return nil, err
		}
		*to = strings.TrimSpace(line)
	}
	if *to == "" {
		return nil, errCopyUsage.New()
	}
	opt := db.Options{Dir: *to, URL: db.Embedded, Log: c.log}
	if strings.HasPrefix(*to, "mysql://") {
		opt.Dir, opt.URL = c.cfg.Data, *to
	}
	a, err := c.open(ctx, false) // alone: a server must not write meanwhile
	if err != nil {
		return nil, err
	}
	defer func() { _ = a.Close() }()
	books, err := a.CopyTo(ctx, opt, c.copying())
	if err != nil {
		return nil, err
	}
	c.say("已复制并逐行核对 %d 行；流水 %d，链头 %s，两侧一致。", "%d rows copied and compared one by one; %d entries, head of the chain %s, the same on both sides.", books.Rows, books.Entries, books.Head)
	c.say("密钥不在数据库里：新的安装须使用同一个密钥目录 %s（--keys-dir）。", "The keys are not in the database: the new installation takes the same folder of keys %s (--keys-dir).", c.cfg.KeysDir)
	return books, nil
}

// copying draws a bar over the tables: copied first, then compared.
func (c *cli) copying() func(db.Copied) {
	if c.json {
		return func(db.Copied) {}
	}
	bar := progressbar.NewOptions(1, progressbar.OptionSetWriter(c.note), progressbar.OptionSetPredictTime(true), progressbar.OptionClearOnFinish(), progressbar.OptionSetWidth(30))
	return func(p db.Copied) {
		done := p.Tables
		if p.Comparing {
			done += p.Of
		}
		bar.ChangeMax(2 * p.Of)
		bar.Describe(fmt.Sprintf("%s %d", p.Table, p.Rows))
		_ = bar.Set(done)
	}
}

// manifest is what a backup says of itself.
type manifest struct {
	Version string    `json:"version"`
	SHA256  string    `json:"sha256"`
	Books   app.Books `json:"books"`
}

// backup writes the database as it is at one commit, beside a running server, and verifies what it wrote.
func backup(ctx context.Context, c *cli) (any, error) {
	to := c.flags.String("to", "", "folder of the backup; it must not hold one already")
	keys := c.flags.String("keys-to", "", "folder for a copy of the keys; keep it apart from the backup")
	if _, err := c.parse(); err != nil {
		return nil, err
	}
	if *to == "" {
		return nil, errBackupUsage.New()
	}
	path := filepath.Join(*to, databaseFile)
	if _, err := os.Stat(path); err == nil {
		return nil, errBackupThere.With("path", path)
	}
	if err := os.MkdirAll(*to, 0o700); err != nil {
		return nil, err
	}
	a, err := c.open(ctx, true)
	if err != nil {
		return nil, err
	}
	defer func() { _ = a.Close() }()
	if err := a.DB.Backup(ctx, path); err != nil {
		return nil, err
	}
	m := manifest{Version: version}
	if m.SHA256, err = digest(path); err != nil {
		return nil, err
	}
	if m.Books, err = booksIn(ctx, *to); err != nil {
		return nil, err
	}
	text, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return nil, err
	}
	if err := os.WriteFile(filepath.Join(*to, manifestFile), text, 0o600); err != nil {
		return nil, err
	}
	if *keys != "" {
		if err := copyFile(filepath.Join(c.cfg.KeysDir, keysFile), filepath.Join(*keys, keysFile)); err != nil {
			return nil, err
		}
	} else {
		c.say("密钥未备份：没有 %s 里的密钥，备份中的个人信息无法读取。", "The keys were not saved: without those in %s no personal data in the backup can be read.", c.cfg.KeysDir)
	}
	c.say("已备份并核对：流水 %d，链头 %s", "Backed up and verified: %d entries, head of the chain %s", m.Books.Entries, m.Books.Head)
	return m, nil
}

// restore puts a backup into an empty data folder, and verifies it there.
func restore(ctx context.Context, c *cli) (any, error) {
	from := c.flags.String("from", "", "folder of the backup")
	keys := c.flags.String("keys-from", "", "folder with the copy of the keys; empty: they are where they belong")
	if _, err := c.parse(); err != nil {
		return nil, err
	}
	if *from == "" {
		return nil, errBackupUsage.New()
	}
	path := filepath.Join(c.cfg.Data, databaseFile)
	for _, f := range []string{path, path + "-wal"} {
		if _, err := os.Stat(f); err == nil {
			return nil, errBackupThere.With("path", f)
		}
	}
	var m manifest
	text, err := os.ReadFile(filepath.Join(*from, manifestFile))
	if err == nil {
		err = json.Unmarshal(text, &m)
	}
	if err != nil {
		return nil, errBackupBroken.With("what", manifestFile).Because(err)
	}
	if sum, err := digest(filepath.Join(*from, databaseFile)); err != nil || sum != m.SHA256 {
		return nil, errBackupBroken.With("what", databaseFile).Because(err)
	}
	if err := copyFile(filepath.Join(*from, databaseFile), path); err != nil {
		return nil, err
	}
	if *keys != "" {
		if err := copyFile(filepath.Join(*keys, keysFile), filepath.Join(c.cfg.KeysDir, keysFile)); err != nil {
			return nil, err
		}
	}
	books, err := booksIn(ctx, c.cfg.Data)
	if err == nil {
		err = books.Same(m.Books)
	}
	if err != nil {
		return nil, err
	}
	c.say("已恢复并核对：流水 %d，链头 %s", "Restored and verified: %d entries, head of the chain %s", books.Entries, books.Head)
	return books, nil
}

func booksIn(ctx context.Context, dir string) (app.Books, error) {
	d, err := db.Open(ctx, db.Options{Dir: dir, URL: db.Embedded, ReadOnly: true})
	if err != nil {
		return app.Books{}, err
	}
	defer func() { _ = d.Close() }()
	return app.BooksOf(ctx, d)
}

func digest(path string) (string, error) {
	f, err := os.Open(filepath.Clean(path))
	if err != nil {
		return "", err
	}
	defer func() { _ = f.Close() }()
	h := sha256.New()
	_, err = io.Copy(h, f)
	return hex.EncodeToString(h.Sum(nil)), err
}

// copyFile copies a file that must not be there yet, durably.
func copyFile(from, to string) error {
	if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
		return err
	}
	in, err := os.Open(filepath.Clean(from))
	if err != nil {
		return err
	}
	defer func() { _ = in.Close() }()
	out, err := os.OpenFile(filepath.Clean(to), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return errBackupThere.With("path", to)
	}
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Sync(), out.Close())
}
