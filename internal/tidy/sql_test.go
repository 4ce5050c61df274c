package tidy

import (
	"fmt"
	"go/ast"
	"go/token"
	"regexp"
	"slices"
	"strings"
)

// A dialect is something that not every engine reads, or reads otherwise.
type dialect struct {
	re  *regexp.Regexp
	why string
}

// What stands in no statement: SQLite, MySQL, MariaDB and TiDB must read each alike. Matched against a statement in
// lower case, on one line, with its quoted texts emptied.
var dialects = compile([][2]string{
	{`\|\|`, "|| is OR on MySQL: join texts in Go"},
	{`\breturning\b`, "RETURNING: ids come from the Tx"},
	{`\bon conflict\b`, "ON CONFLICT: insert and know the duplicate, or create the row beforehand"},
	{`\bon duplicate key\b`, "ON DUPLICATE KEY: insert and know the duplicate, or create the row beforehand"},
	{`\binsert (or|ignore)\b`, "INSERT OR / IGNORE: insert and know the duplicate"},
	{`^replace\b`, "REPLACE: write rows through db.Table"},
	{`\bfor (update|share)\b`, "FOR UPDATE: rows of a Tx are the lane's business"},
	{`\bskip locked\b`, "SKIP LOCKED: TiDB ignores it"},
	{`\bin ?\( ?select\b[^)]*\blimit\b`, "IN (SELECT … LIMIT): MySQL refuses it"},
	{`^create (unique )?index\b.*\bwhere\b`, "partial index"},
	{`^create (unique )?index if\b`, "CREATE INDEX IF NOT EXISTS: MySQL refuses it, and a migration runs once"},
	{`^drop index\b`, "DROP INDEX is written differently on each engine"},
	{`\bauto_?increment\b`, "AUTOINCREMENT: ids come from the Tx"},
	{`^(update|delete)\b.*\blimit\b`, "LIMIT in UPDATE or DELETE"},
	{`/`, "integer / is a fraction on MySQL: divide in Go"},
	{`->`, "->: JSON is text and never queried inside"},
	{`\bjson_table\b`, "JSON_TABLE: JSON is text and never queried inside"},
	{`\bselect (\w+\.)?\*`, "SELECT *: name the columns, they will grow"},
	{`\bcheck ?\(`, "CHECK: TiDB does not hold it by default"},
	{`\bwithout rowid\b`, "WITHOUT ROWID: the SQLite seam adds it"},
	{`\b(now|strftime|datetime|unix_timestamp|random|rand|uuid) ?\(|\bcurrent_(timestamp|date|time)\b`, "time and chance come from the Tx"},
	{`\b(max|min) ?\([^()]*,`, "max(a, b) is an aggregate on MySQL: use case when"},
	{`\b(greatest|least|iif|ilike|glob)\b`, "a function that only some engines have"},
	{`\bcast ?\(.* as (integer|int|bigint|text)`, "CAST: the types have other names on MySQL"},
	{`"`, `"x" is a text on MySQL and a name elsewhere`},
})

func compile(pairs [][2]string) (out []dialect) {
	for _, p := range pairs {
		out = append(out, dialect{regexp.MustCompile(p[0]), p[1]})
	}
	return out
}

// seams are the places where the database layer speaks to one engine on purpose, or writes what both understand
// in its own way: the folder, and what it may say.
var seams = map[string][]string{
	"internal/base/db": {"replace", "for update"}, // the row cache writes whole rows; the MySQL seam locks the turn
	"internal/bench":   {"replace"},               // what the row cache writes, written by hand to be compared with
}

var (
	startsSQL = regexp.MustCompile(`^(select .* from |select [\d?(]|insert [\w ]*into |update [\w?]+ set |delete from |replace into |` +
		`create (unique )?(table|index) |alter table |drop (table|index) |with \w+ (\([^)]*\) )?as \()`)
	quoted = regexp.MustCompile(`'[^']*'`)
	blanks = regexp.MustCompile(`\s+`)
	remark = regexp.MustCompile(`(?m)--.*$`)
)

// plain brings a statement into the form that dialects are matched against.
func plain(sql string) string {
	sql = quoted.ReplaceAllString(remark.ReplaceAllString(sql, ""), "''")
	return strings.ToLower(strings.TrimSpace(blanks.ReplaceAllString(sql, " ")))
}

// dialectsIn lists what is not portable in a statement that is already plain.
func dialectsIn(sql, dir string) (why []string) {
	for _, d := range dialects {
		said := d.re.FindString(sql)
		if said != "" && !slices.ContainsFunc(seams[dir], func(ok string) bool { return strings.HasPrefix(said, ok) }) {
			why = append(why, d.why)
		}
	}
	return why
}

var sqlCheck = check{
	name: "SQL in Go is portable",
	find: eachOurs(func(s *source) (found []string) {
		for _, l := range sqlLiterals(s) {
			for _, why := range dialectsIn(l.text, s.dir()) {
				found = append(found, s.at(l.pos, "%s", why))
			}
		}
		return found
	}),
	plants: sqlPlants(),
}

func sqlPlants() []plant {
	file := func(want, sql string) plant {
		return one(want, "internal/loyalty/coupon/store.go", fmt.Sprintf("package coupon\nvar q = %q", sql))
	}
	return []plant{
		file("||", "SELECT a || b FROM t"),
		file("RETURNING", "INSERT INTO t (a) VALUES (?) RETURNING a"),
		file("ON CONFLICT", "insert into t (a) values (?)\n on conflict do nothing"),
		file("ON DUPLICATE", "INSERT INTO t (a) VALUES (?) ON DUPLICATE KEY UPDATE a = 1"),
		file("INSERT OR", "INSERT OR IGNORE INTO t (a) VALUES (?)"),
		file("REPLACE", "REPLACE INTO t (a) VALUES (?)"),
		file("FOR UPDATE", "SELECT a FROM t WHERE id = ? FOR UPDATE"),
		file("SKIP LOCKED", "SELECT a FROM t WHERE id = ? SKIP LOCKED"),
		file("IN (SELECT", "SELECT a FROM t WHERE id IN (SELECT id FROM u LIMIT 3)"),
		file("partial index", "CREATE UNIQUE INDEX i ON t (a) WHERE b = 1"),
		file("LIMIT in", "DELETE FROM t WHERE a = ? LIMIT 10"),
		file("LIMIT in", "UPDATE t SET a = 1 LIMIT 10"),
		file("integer /", "SELECT a / 100 FROM t"),
		file("->", "SELECT a->'$.b' FROM t"),
		file("SELECT *", "SELECT * FROM t"),
		file("SELECT *", "SELECT t.* FROM t"),
		file("aggregate", "UPDATE t SET a = max(a, ?) WHERE id = ?"),
		file("time and chance", "SELECT a FROM t WHERE at < CURRENT_TIMESTAMP"),
		one("||", "internal/loyalty/coupon/store.go", "package coupon\nfunc f(cols string) string { return `SELECT ` + cols + ` FROM t WHERE a ` + `|| b` }"),
		one("integer /", "internal/loyalty/coupon/store.go", "package coupon\nvar q = Query{Where: `a / 2 > ?`}"),
		one("SELECT *", "internal/base/db/x.go", "package db\nvar q = `SELECT * FROM t`"),
		file("", "SELECT a, count(*), max(b) FROM t WHERE c = 'x/y || z' ORDER BY a LIMIT ?"),
		file("", "Select what you like: points / coupons"),
		file("", "UPDATE t SET issued = issued + 1 WHERE id = ? AND issued < total"),
		one("", "internal/base/db/sheet.go", "package db\nvar q = `REPLACE INTO ` + name + ` (a) VALUES (?)`"),
	}
}

// A literal is a statement, or a part of one, found in Go.
type literal struct {
	text string // plain
	pos  token.Pos
}

// sqlLiterals finds the statements of a file: texts that begin like one, joined over "+", and the conditions and orders
// of a db.Query. What is not a text in a joined one becomes "?".
func sqlLiterals(s *source) (found []literal) {
	ast.Inspect(s.ast, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.KeyValueExpr:
			if key, ok := n.Key.(*ast.Ident); ok && (key.Name == "Where" || key.Name == "Order") {
				if text, has := joined(n.Value); has {
					found = append(found, literal{plain(text), n.Pos()})
				}
			}
		case *ast.BinaryExpr, *ast.BasicLit:
			text, has := joined(n.(ast.Expr))
			if text = plain(text); has && startsSQL.MatchString(text) {
				found = append(found, literal{text, n.Pos()})
			}
			return false
		}
		return true
	})
	return found
}

// joined gives the text of an expression of texts and "+"; false when there is no text in it.
func joined(e ast.Expr) (string, bool) {
	switch e := e.(type) {
	case *ast.BasicLit:
		if e.Kind == token.STRING {
			return unquote(e.Value), true
		}
	case *ast.ParenExpr:
		return joined(e.X)
	case *ast.BinaryExpr:
		if e.Op == token.ADD {
			left, a := joined(e.X)
			right, b := joined(e.Y)
			return left + right, a || b
		}
	}
	return "?", false
}

// sqlPlaceCheck keeps SQL together: whoever looks for a statement of a feature opens its store.
var sqlPlaceCheck = check{
	name: "SQL of a feature stands in its store",
	find: eachOurs(func(s *source) (found []string) {
		if !s.under("internal/loyalty", "internal/edge", "internal/app") || strings.HasPrefix(s.base(), "store") {
			return nil
		}
		for _, l := range sqlLiterals(s) {
			if startsSQL.MatchString(l.text) {
				found = append(found, s.at(l.pos, "SQL outside store.go"))
			}
		}
		return found
	}),
	plants: []plant{
		one("outside store.go", "internal/loyalty/coupon/service.go", "package coupon\nvar q = `DELETE FROM t WHERE a = ?`"),
		one("outside store.go", "internal/app/x.go", "package app\nvar q = `SELECT count(*) FROM t`"),
		one("", "internal/loyalty/coupon/store.go", "package coupon\nvar q = `DELETE FROM t WHERE a = ?`"),
		one("", "internal/loyalty/coupon/store_stock.go", "package coupon\nvar q = `DELETE FROM t WHERE a = ?`"),
	},
}
