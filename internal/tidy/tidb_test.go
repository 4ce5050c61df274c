package tidy

import (
	"regexp"
	"strings"
	"testing"

	"github.com/pingcap/tidb/pkg/parser"
	_ "github.com/pingcap/tidb/pkg/parser/test_driver" // the values the parser makes
)

// wholeSQL says what to parse for a text of Go: a statement as it is, a condition or an order within one. What the
// program puts together out of pieces has "?" for what is no text, and can't always be read.
func wholeSQL(text string) string {
	switch {
	case piece.MatchString(text):
		return ""
	case startsSQL.MatchString(text):
		return text
	case strings.HasPrefix(text, "?") || text == "":
		return ""
	}
	return "SELECT a FROM t WHERE " + text
}

// piece is a text that is no statement yet: the table is not named in it, or it goes on. Those of the row cache are
// parsed where the tables are known.
var piece = regexp.MustCompile(`\b(from|into|update|alter table) \?|( values|\()$`)

// TestTiDBReadsTheStatementsInGo parses every statement that stands in Go with TiDB's own grammar.
func TestTiDBReadsTheStatementsInGo(t *testing.T) {
	t.Parallel()
	tree, err := repository()
	if err != nil {
		t.Fatal(err)
	}
	p, n := parser.New(), 0
	for _, s := range tree {
		if !s.isOurs() || !s.isGo() || s.isTest() {
			continue
		}
		for _, l := range sqlLiterals(s) {
			text := wholeSQL(l.text)
			if text == "" {
				continue
			}
			if _, _, err := p.Parse(text, "utf8mb4", "utf8mb4_bin"); err != nil {
				if _, _, asOrder := p.Parse("SELECT a FROM t ORDER BY "+l.text, "utf8mb4", "utf8mb4_bin"); asOrder != nil {
					t.Error(s.at(l.pos, "%v", err))
				}
			}
			n++
		}
	}
	t.Log(n, "statements and conditions")
	if n < 100 {
		t.Errorf("only %d were found", n)
	}
}
