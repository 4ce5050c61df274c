package db

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io/fs"
	"sort"
	"strings"

	"guanxi/internal/base/fault"
)

// Schema is the tables of one feature: numbered .sql files, applied once, in order.
type Schema struct {
	Feature string
	Files   fs.FS // holds schema/0001.sql, schema/0002.sql …
}

// ErrNewer refuses to run an older program on a newer database.
var ErrNewer = fault.Define("storage.newer", fault.Down,
	"数据库由更新的版本写入（{feature} {step}），请升级程序", "The database was written by a newer version ({feature} {step}); upgrade the program")

const migrationTable = "CREATE TABLE IF NOT EXISTS db_migration (feature varchar(64) NOT NULL, step varchar(64) NOT NULL, at bigint NOT NULL, PRIMARY KEY (feature, step))"

// Migrate brings all features up to date. Each statement is recorded in the transaction that runs it,
// so that a migration cut off anywhere goes on from the statement it had reached.
func (d *DB) Migrate(ctx context.Context, schemas ...Schema) error {
	d.gate.Lock() // no group runs meanwhile; Migrate is called before serving
	defer d.gate.Unlock()
	return d.eng.migrate(d.w, func() error { return d.migrateAll(ctx, schemas) })
}

func (d *DB) migrateAll(ctx context.Context, schemas []Schema) error {
	for _, table := range []string{migrationTable, versionTable} {
		if _, err := d.w.exec(d.eng.ddl(table)[0]); err != nil {
			return outward(err)
		}
	}
	if err := d.resume(); err != nil {
		return outward(err)
	}
	done := map[string]bool{}
	var all []string
	err := d.w.query("SELECT feature, step FROM db_migration", nil, func(v []driver.Value) error {
		var f, s string
		if err := scan(v, []any{&f, &s}); err != nil {
			return err
		}
		done[f+"/"+s] = true
		all = append(all, f+"/"+s)
		return nil
	})
	if err != nil {
		return outward(err)
	}
	known := map[string]bool{}
	for _, sc := range schemas {
		if err := d.migrateOne(ctx, sc, done, known); err != nil {
			return fmt.Errorf("migrating %s: %w", sc.Feature, outward(err))
		}
	}
	return refuseNewer(all, known, schemas)
}

// refuseNewer finds recorded steps that this program does not know.
func refuseNewer(recorded []string, known map[string]bool, schemas []Schema) error {
	ours := map[string]bool{}
	for _, s := range schemas {
		ours[s.Feature] = true
	}
	for _, r := range recorded {
		feature, step, _ := strings.Cut(r, "/")
		if ours[feature] && !known[r] {
			return ErrNewer.With("feature", feature, "step", step)
		}
	}
	return nil
}

func (d *DB) migrateOne(ctx context.Context, sc Schema, done, known map[string]bool) error {
	names, err := fs.Glob(sc.Files, "schema/*.sql")
	if err != nil {
		return err
	}
	sort.Strings(names)
	for _, name := range names {
		text, err := fs.ReadFile(sc.Files, name)
		if err != nil {
			return err
		}
		for i, stmt := range Statements(string(text)) {
			step := fmt.Sprintf("%s#%d", strings.TrimSuffix(strings.TrimPrefix(name, "schema/"), ".sql"), i+1)
			known[sc.Feature+"/"+step] = true
			if done[sc.Feature+"/"+step] {
				continue
			}
			if err := ctx.Err(); err != nil {
				return err
			}
			if err := d.step(sc.Feature, step, stmt); err != nil {
				return fmt.Errorf("%s %s: %w", name, step, err)
			}
		}
	}
	return nil
}

// statements are those of all files, in order.
func (sc *Schema) statements() (out []string, err error) {
	names, err := fs.Glob(sc.Files, "schema/*.sql")
	sort.Strings(names)
	for _, name := range names {
		text, rerr := fs.ReadFile(sc.Files, name)
		if rerr != nil {
			return nil, rerr
		}
		out = append(out, Statements(string(text))...)
	}
	return out, err
}

func (d *DB) step(feature, step, stmt string) error {
	if err := d.eng.begin(d); err != nil {
		return err
	}
	err := func() error {
		for _, s := range d.eng.ddl(stmt) {
			if _, err := d.w.exec(s); err != nil && !d.eng.there(err) {
				return err
			}
		}
		_, err := d.w.exec("INSERT INTO db_migration (feature, step, at) VALUES (?, ?, ?)", feature, step, d.tick())
		if IsDuplicate(err) {
			return errDone
		}
		return err
	}()
	if err != nil {
		_, rerr := d.w.exec("ROLLBACK")
		if errors.Is(err, errDone) {
			err = rerr
		}
		return err
	}
	_, err = d.w.exec("COMMIT")
	return err
}

// errDone is that another process, on another node of a cluster, was first with a step.
var errDone = errors.New("done by another")

// Statements splits a schema file at semicolons; "--" lines are comments.
func Statements(text string) []string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		if i := strings.Index(line, "--"); i >= 0 {
			line = line[:i] + "\n"
		}
		b.WriteString(line)
	}
	var out []string
	for s := range strings.SplitSeq(b.String(), ";") {
		if s = strings.TrimSpace(s); s != "" {
			out = append(out, s)
		}
	}
	return out
}
