package db

import (
	"context"
	"database/sql"
	"os"
	"path/filepath"

	"guanxi/internal/base/fault"
)

// ErrBackupServer refuses to back a server's database up from here.
var ErrBackupServer = fault.Define("backup.server", fault.Invalid,
	"数据库在服务器上：请用服务器自己的备份工具（见 docs/operations/scale.md）",
	"The database is on a server: use the server's own tools (see docs/operations/scale.md)")

// Backup writes a copy of the database file as it was at one commit, beside a running server or without one, and
// returns when the copy is durable.
func (d *DB) Backup(ctx context.Context, path string) error {
	if _, embedded := d.eng.(sqliteEngine); !embedded {
		return ErrBackupServer.New()
	}
	pool, err := sql.Open("sqlite", "file:"+d.path+"?_pragma=busy_timeout(60000)")
	if err != nil {
		return err
	}
	defer func() { _ = pool.Close() }()
	part := path + ".part"
	if err := os.RemoveAll(part); err != nil {
		return err
	}
	if _, err := pool.ExecContext(ctx, "VACUUM INTO ?", part); err != nil {
		return outward(err)
	}
	if err := durably(part); err != nil {
		return err
	}
	if err := os.Rename(part, path); err != nil {
		return err
	}
	return durably(filepath.Dir(path))
}

// durably makes a file, or the names in a folder, survive a power cut.
func durably(path string) error {
	f, err := os.Open(filepath.Clean(path))
	if err != nil {
		return err
	}
	err = f.Sync()
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	return err
}
