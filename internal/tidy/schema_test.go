package tidy

import (
	"fmt"
	"path"
	"regexp"
	"strings"
)

// Words that MySQL, MariaDB or TiDB keep for themselves and a table or column is easily named after.
var reserved = words(`accessible add all alter analyze and as asc before between both by call cascade case change character check
	collate column condition constraint continue convert create cross cube current_user cursor database databases declare default delayed
	delete dense_rank desc describe distinct div double drop dual each else elseif empty enclosed escaped except exists exit explain
	false fetch float for force foreign from fulltext function generated get grant group grouping groups having if ignore in index
	infile inner inout insert int integer intersect interval into is iterate join keys key kill lag last_value lateral lead leading leave
	left like limit linear lines load lock long loop manual match maxvalue mod modifies natural not ntile null numeric of offset on
	optimize option or order out outer outfile over partition percent_rank precision primary procedure purge range rank read reads
	real recursive references regexp release rename repeat replace require resignal restrict return returning revoke right rlike row
	row_number rows schema schemas select sensitive separator set show signal smallint spatial specific sql sqlexception sqlstate
	sqlwarning starting stored system table terminated then to trailing trigger true undo union unique unlock unsigned update usage
	use using values varying virtual when where while window with write xor year_month zerofill`)

func words(s string) map[string]bool {
	out := map[string]bool{}
	for _, w := range strings.Fields(s) {
		out[w] = true
	}
	return out
}

var (
	createTable = regexp.MustCompile(`^create table (?:if not exists )?(\S+) ?\((.*)\)(?: without rowid)?$`)
	createIndex = regexp.MustCompile(`^create (?:unique )?index (\S+) on (\S+) ?\(([^()]*)\)`)
	appendOnly  = regexp.MustCompile(`^append only \w+$`)
	widen       = regexp.MustCompile(`^widen \w+ (\w+ .*)$`)
	addColumn   = regexp.MustCompile(`^alter table \S+ add column (.*)$`)
	columnType  = regexp.MustCompile(`^(bigint|integer|text|varchar ?\(\d+\))( |$)`)
	keyClause   = regexp.MustCompile(`^(primary key|unique(?: key| index)?|index|key)\b[^(]*\((.*)\)`)
)

var schemaCheck = check{
	name: "schemas are portable",
	find: func(tree []*source) (found []string) {
		for _, s := range tree {
			if path.Base(s.dir()) != "schema" || !strings.HasSuffix(s.path, ".sql") {
				continue
			}
			tables := map[string]map[string]string{}
			for stmt := range strings.SplitSeq(remark.ReplaceAllString(s.text, ""), ";") {
				if stmt = plain(stmt); stmt == "" {
					continue
				}
				for _, why := range append(dialectsIn(stmt, s.dir()), faultsOfDDL(stmt, tables)...) {
					found = append(found, fmt.Sprintf("%s: %s in: %.60s", s.path, why, stmt))
				}
			}
		}
		return found
	},
	plants: schemaPlants(),
}

// faultsOfDDL reads one plain statement; tables gathers the columns seen so far in the file.
func faultsOfDDL(stmt string, tables map[string]map[string]string) []string {
	if m := createTable.FindStringSubmatch(stmt); m != nil {
		return faultsOfTable(m[1], m[2], tables)
	}
	if m := createIndex.FindStringSubmatch(stmt); m != nil {
		return faultsOfKey(m[3], tables[m[2]])
	}
	if m := addColumn.FindStringSubmatch(stmt); m != nil {
		return faultsOfColumn(m[1], map[string]string{})
	}
	if m := widen.FindStringSubmatch(stmt); m != nil {
		return faultsOfColumn(m[1], map[string]string{})
	}
	if appendOnly.MatchString(stmt) || strings.HasPrefix(stmt, "insert into ") || strings.HasPrefix(stmt, "update ") ||
		strings.HasPrefix(stmt, "drop table ") || strings.HasPrefix(stmt, "delete from ") {
		return nil
	}
	return []string{"a statement that migrations do not use"}
}

func faultsOfTable(name, body string, tables map[string]map[string]string) (why []string) {
	if reserved[name] {
		why = append(why, name+" is a reserved word of MySQL")
	}
	columns := map[string]string{}
	tables[name] = columns
	keyed := false
	for _, part := range splitTop(body) {
		if m := keyClause.FindStringSubmatch(part); m != nil {
			keyed = keyed || m[1] == "primary key"
			why = append(why, faultsOfKey(m[2], columns)...)
			continue
		}
		keyed = keyed || strings.Contains(part, " primary key")
		why = append(why, faultsOfColumn(part, columns)...)
	}
	if !keyed {
		why = append(why, "no primary key")
	}
	return why
}

func faultsOfColumn(part string, columns map[string]string) (why []string) {
	name, kind, _ := strings.Cut(part, " ")
	columns[name] = kind
	if reserved[name] {
		why = append(why, name+" is a reserved word of MySQL")
	}
	if !columnType.MatchString(kind) {
		why = append(why, fmt.Sprintf("column %s: types are bigint, integer, varchar(n) and text", name))
	}
	if strings.HasPrefix(kind, "text") && strings.Contains(kind, " default ") {
		why = append(why, fmt.Sprintf("column %s: MySQL gives text no default", name))
	}
	return why
}

// faultsOfKey holds that only what MySQL can index is indexed.
func faultsOfKey(list string, columns map[string]string) (why []string) {
	for _, c := range splitTop(list) {
		name, _, _ := strings.Cut(c, " ")
		if strings.HasPrefix(columns[name], "text") {
			why = append(why, fmt.Sprintf("column %s: text can't be indexed, use varchar(n)", name))
		}
	}
	return why
}

// splitTop splits at the commas outside parentheses.
func splitTop(s string) (parts []string) {
	depth, from := 0, 0
	for i, r := range s {
		switch r {
		case '(':
			depth++
		case ')':
			depth--
		case ',':
			if depth == 0 {
				parts = append(parts, strings.TrimSpace(s[from:i]))
				from = i + 1
			}
		}
	}
	return append(parts, strings.TrimSpace(s[from:]))
}

func schemaPlants() []plant {
	file := func(want, sql string) plant { return one(want, "internal/loyalty/coupon/schema/0001.sql", sql) }
	return []plant{
		file("types are", "CREATE TABLE t (id bigint NOT NULL, at datetime NOT NULL, PRIMARY KEY (id));"),
		file("types are", "CREATE TABLE t (id bigint PRIMARY KEY, price decimal(10,2));"),
		file("types are", "ALTER TABLE t ADD COLUMN ok boolean"),
		file("AUTOINCREMENT", "CREATE TABLE t (id bigint AUTO_INCREMENT PRIMARY KEY)"),
		file("CHECK", "CREATE TABLE t (id bigint NOT NULL CHECK (id > 0), PRIMARY KEY (id))"),
		file("no primary key", "CREATE TABLE t (id bigint NOT NULL)"),
		file("rank is a reserved word", "CREATE TABLE t (id bigint NOT NULL PRIMARY KEY, rank integer)"),
		file("groups is a reserved word", "CREATE TABLE groups (id bigint NOT NULL PRIMARY KEY)"),
		file("no default", "CREATE TABLE t (id bigint NOT NULL PRIMARY KEY, note text NOT NULL DEFAULT '')"),
		file("can't be indexed", "CREATE TABLE t (name text NOT NULL, PRIMARY KEY (name))"),
		file("can't be indexed", "CREATE TABLE t (id bigint PRIMARY KEY, name text); CREATE INDEX i ON t (id, name)"),
		file("partial index", "CREATE INDEX i ON t (a) WHERE b = 1"),
		file("WITHOUT ROWID", "CREATE TABLE t (id bigint PRIMARY KEY) WITHOUT ROWID"),
		file("types are", "WIDEN t at datetime NOT NULL"),
		file("do not use", "CREATE VIEW v AS SELECT a FROM t"),
		file("", `-- coupons / 券: what "is" held
			CREATE TABLE coupon (
				member_id bigint      NOT NULL, -- 会员
				id        bigint      NOT NULL,
				code      varchar(32) NOT NULL,
				note      text        NOT NULL,
				PRIMARY KEY (member_id, id)
			);
			CREATE UNIQUE INDEX coupon_code ON coupon (code);
			APPEND ONLY coupon;
			ALTER TABLE coupon ADD COLUMN used integer NOT NULL DEFAULT 0;
			WIDEN coupon code varchar(64) NOT NULL;`),
		one("", "docs/0001.sql", "CREATE VIEW v AS SELECT * FROM t"),
	}
}
