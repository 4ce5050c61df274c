package app

import (
	"io/fs"
	"regexp"
	"testing"

	"guanxi/internal/base/db"

	"github.com/pingcap/tidb/pkg/parser"
	_ "github.com/pingcap/tidb/pkg/parser/test_driver" // the values the parser makes
)

// TestTiDBReadsEveryTable parses, with TiDB's own grammar, every table and index in the words of the MySQL family and
// of TiDB, and every statement that the row cache makes for them. A TiDB server can't be had in a test.
func TestTiDBReadsEveryTable(t *testing.T) {
	t.Parallel()
	p := parser.New()
	parse := func(text string) {
		if _, _, err := p.Parse(text, "utf8mb4", "utf8mb4_bin"); err != nil {
			t.Errorf("%v\n%s", err, text)
		}
	}
	n, spread := 0, 0
	trigger := regexp.MustCompile(`^CREATE TRIGGER \w+ BEFORE (UPDATE|DELETE) ON \w+ FOR EACH ROW SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = '[^']+'$`)
	for _, s := range Schemas {
		names, err := fs.Glob(s.Files, "schema/*.sql")
		if err != nil || len(names) == 0 {
			t.Fatal(s.Feature, err)
		}
		for _, name := range names {
			text, err := fs.ReadFile(s.Files, name)
			if err != nil {
				t.Fatal(err)
			}
			for _, stmt := range db.Statements(string(text)) {
				for _, said := range db.MySQLDDL(stmt) {
					if !trigger.MatchString(said) { // TiDB has none, and its grammar does not know them
						parse(said)
					}
				}
				for _, said := range db.TiDBDDL(stmt) {
					parse(said)
					if regexp.MustCompile("SHARD_ROW_ID_BITS").MatchString(said) {
						spread++
					}
				}
				n++
			}
		}
	}
	for _, l := range db.Layouts() {
		for _, text := range l.Texts() {
			parse(text)
			n++
		}
	}
	t.Logf("%d statements; rows spread in %d tables", n, spread)
	if n < 200 || spread < 5 {
		t.Errorf("only %d statements and %d spread tables were found", n, spread)
	}
	if _, _, err := p.Parse("SELECT a FROM t ORDER BY a LIMIT ? RETURNING a", "", ""); err == nil {
		t.Error("the parser takes anything")
	}
}
