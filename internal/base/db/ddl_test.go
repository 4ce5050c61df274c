package db

import (
	"strings"
	"testing"
)

// TestTheEngineGetsTheTablesItIsFastWith holds the forms that sqliteDDL makes of the portable ones.
func TestTheEngineGetsTheTablesItIsFastWith(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ in, want string }{
		{"CREATE TABLE t (\n  id bigint NOT NULL,\n  note text NOT NULL,\n  PRIMARY KEY (id)\n)",
			"CREATE TABLE t (\n  id INTEGER NOT NULL,\n  note text NOT NULL DEFAULT '',\n  PRIMARY KEY (id)\n)"},
		{"CREATE TABLE t (\n  m bigint NOT NULL,\n  n integer NOT NULL,\n  PRIMARY KEY (m, n)\n)",
			"CREATE TABLE t (\n  m bigint NOT NULL DEFAULT 0,\n  n integer NOT NULL DEFAULT 0,\n  PRIMARY KEY (m, n)\n) WITHOUT ROWID"},
		{"CREATE TABLE t (\n  id varchar(9) NOT NULL,\n  PRIMARY KEY (id)\n)",
			"CREATE TABLE t (\n  id varchar(9) NOT NULL DEFAULT '',\n  PRIMARY KEY (id)\n) WITHOUT ROWID"},
		{"WIDEN t id varchar(90) NOT NULL", ""},
		{"ALTER TABLE t ADD COLUMN n bigint NOT NULL DEFAULT 0", "ALTER TABLE t ADD COLUMN n bigint NOT NULL DEFAULT 0"},
	} {
		if got := strings.Join(sqliteDDL(c.in), ";"); got != c.want {
			t.Errorf("%s\nbecame %s", c.in, got)
		}
	}
	if got := MySQLDDL("WIDEN t id varchar(90) NOT NULL"); len(got) != 1 || got[0] != "ALTER TABLE t MODIFY id varchar(90) NOT NULL" {
		t.Error(got)
	}
}

// TestARefusedRowLeavesNothingOfItsStatement: rows that stood before a duplicate in one statement are gone with the group.
func TestARefusedRowLeavesNothingOfItsStatement(t *testing.T) {
	t.Parallel()
	d := open(t)
	put := func(keys ...string) error {
		return d.Write(t.Context(), Op{}, func(tx *Tx) error {
			for i, k := range keys {
				if err := notes.Insert(tx, note{k, int64(i) + int64(len(keys))*100, 1}); err != nil {
					return err
				}
			}
			return nil
		})
	}
	if err := put("b"); err != nil {
		t.Fatal(err)
	}
	if err := put("a", "b"); err == nil {
		t.Fatal("the second b was taken")
	}
	if err := d.View(t.Context(), func(v *View) error {
		if all := notes.Select(v, Query[note]{}); len(all) != 1 || all[0].Key != "b" {
			t.Error(all)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
}
