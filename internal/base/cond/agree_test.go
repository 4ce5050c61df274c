package cond

import (
	"bytes"
	"database/sql"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	_ "modernc.org/sqlite"
)

// The values that rows and conditions share, chosen to collide and to sit on borders.
var (
	someInts  = []int64{math.MinInt64, -1, 0, 1, 2, 10000, math.MaxInt64}
	someTexts = []string{"", "a", "A", "ab", "ab c", "a\tb", "é", "e", "中", "中文", "中文字", "😀", "%", "a_"}
)

// onlyRows are texts that rows may hold though conditions may not ask for them.
var onlyRows = []string{"a ", "ab ", " ", "中 "}

func pick[T any](r *rand.Rand, from []T) T { return from[r.IntN(len(from))] }

func randomRow(r *rand.Rand) *row {
	out := &row{ints: map[int]int64{}, texts: map[int]string{}}
	for place, f := range testSchema.fields {
		switch {
		case f.Column == "" || r.IntN(4) == 0: // missing
		case f.Type == Text:
			out.texts[place] = pick(r, append(someTexts, onlyRows...))
		case f.Type == Bool:
			out.ints[place] = r.Int64N(3)
		default:
			out.ints[place] = pick(r, someInts)
		}
	}
	return out
}

func randomTree(r *rand.Rand, depth int) any {
	if depth == 1 || r.IntN(3) == 0 {
		return randomLeaf(r)
	}
	kids := make([]any, 1+r.IntN(3))
	for i := range kids {
		kids[i] = randomTree(r, depth-1)
	}
	switch r.IntN(3) {
	case 0:
		return map[string]any{"all": kids[1:]}
	case 1:
		return map[string]any{"any": kids}
	default:
		return map[string]any{"not": kids[0]}
	}
}

func randomLeaf(r *rand.Rand) any {
	for {
		f := pick(r, testSchema.fields)
		if f.Column == "" {
			continue
		}
		op := pick(r, f.Type.Ops())
		value := func() any {
			switch f.Type {
			case Bool:
				return r.IntN(2) == 0
			case Int:
				return pick(r, someInts)
			}
			// "" begins every text, so no condition may ask for it as a beginning.
			return pick(r, someTexts[map[bool]int{true: 1}[op == Prefix]:])
		}
		switch questionOf(op, f.Type).shape {
		case pair:
			return written{f.Name, op, []any{value(), value()}}
		case many:
			return written{f.Name, op, []any{value(), value(), value()}[:1+r.IntN(3)]}
		default:
			return written{f.Name, op, value()}
		}
	}
}

// table is a real table with its rows also at hand in Go.
type table struct {
	db   *sql.DB
	rows []*row
}

func newTable(t testing.TB, r *rand.Rand, n int) *table {
	t.Helper()
	db, err := sql.Open("sqlite", ":memory:")
	if err != nil {
		t.Fatal(err)
	}
	db.SetMaxOpenConns(1)
	t.Cleanup(func() { db.Close() })
	if _, err := db.Exec(`CREATE TABLE o (id bigint, amount bigint, level integer, channel varchar(40), city text, first_order integer)`); err != nil {
		t.Fatal(err)
	}
	out := &table{db: db}
	for id := range n {
		src := randomRow(r)
		args := []any{id}
		for place, f := range testSchema.fields {
			if f.Column != "" {
				args = append(args, src.column(place))
			}
		}
		if _, err := db.Exec(`INSERT INTO o VALUES (?, ?, ?, ?, ?, ?)`, args...); err != nil {
			t.Fatal(err)
		}
		out.rows = append(out.rows, src)
	}
	return out
}

func (r *row) column(place int) any {
	if v, ok := r.ints[place]; ok {
		return v
	}
	if v, ok := r.texts[place]; ok {
		return v
	}
	return nil
}

func (tb *table) selected(t testing.TB, c *Cond) []int {
	t.Helper()
	where, args, err := c.SQL()
	if err != nil {
		t.Fatal(err)
	}
	rows, err := tb.db.Query("SELECT id FROM o WHERE "+where+" ORDER BY id", args...)
	if err != nil {
		t.Fatalf("%s: %v", where, err)
	}
	defer rows.Close()
	var out []int
	for rows.Next() {
		var id int
		if err := rows.Scan(&id); err != nil {
			t.Fatal(err)
		}
		out = append(out, id)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return out
}

type evaluator func(*Cond, Source) bool

// disagreement tells the first row on which eval and the database differ, or "".
func (tb *table) disagreement(t testing.TB, c *Cond, eval evaluator) string {
	t.Helper()
	chosen := tb.selected(t, c)
	for id, src := range tb.rows {
		if _, inSQL := slices.BinarySearch(chosen, id); inSQL != eval(c, src) {
			where, args, _ := c.SQL()
			return fmt.Sprintf("%s\n%s %q\n%+v: SQL says %v", c.Explain("en"), where, args, src, inSQL)
		}
	}
	return ""
}

func randomCond(t testing.TB, r *rand.Rand) *Cond {
	t.Helper()
	data, err := json.Marshal(randomTree(r, 1+r.IntN(5)))
	if err != nil {
		t.Fatal(err)
	}
	return mustParse(t, string(data))
}

// search gives the first disagreement among n random conditions.
func search(t *testing.T, n int, eval evaluator) string {
	r := rand.New(rand.NewPCG(7, 11))
	tb := newTable(t, r, 80)
	for range n {
		if found := tb.disagreement(t, randomCond(t, r), eval); found != "" {
			return found
		}
	}
	return ""
}

func TestGoAndSQLAgree(t *testing.T) {
	t.Parallel()
	if found := search(t, 1500, (*Cond).Eval); found != "" {
		t.Fatal(found)
	}
}

// zeroed takes a missing value for zero, a folded one ignores case, a trimmed one ignores blanks at the end.
type (
	zeroed  struct{ *row }
	folded  struct{ *row }
	trimmed struct{ *row }
)

func (z zeroed) Int(field int) (int64, bool)   { return z.ints[field], true }
func (z zeroed) Text(field int) (string, bool) { return z.texts[field], true }

func (f folded) Text(field int) (string, bool) {
	v, ok := f.row.Text(field)
	return strings.ToLower(v), ok
}

func (s trimmed) Text(field int) (string, bool) {
	v, ok := s.row.Text(field)
	return strings.TrimRight(v, " "), ok
}

func TestPlantedMistakesAreFound(t *testing.T) {
	t.Parallel()
	for name, wrong := range map[string]evaluator{
		"a missing value is zero":   func(c *Cond, src Source) bool { return c.Eval(zeroed{src.(*row)}) },
		"case is ignored":           func(c *Cond, src Source) bool { return c.Eval(folded{src.(*row)}) },
		"blanks are ignored":        func(c *Cond, src Source) bool { return c.Eval(trimmed{src.(*row)}) },
		"a denial needs a value":    func(c *Cond, src Source) bool { return c.Eval(src) && (c.root.kind != leaf || present(&c.root, src)) },
		"any is taken for all":      func(c *Cond, src Source) bool { return withKind(c, some, all).Eval(src) },
		"gte is taken for gt":       func(c *Cond, src Source) bool { return withAsk(c, Gte, Gt).Eval(src) },
		"between leaves out an end": func(c *Cond, src Source) bool { return withAsk(c, Between, Gt).Eval(src) },
	} {
		if search(t, 1500, wrong) == "" {
			t.Errorf("%s, and the checker does not notice", name)
		}
	}
}

func present(n *node, src Source) bool {
	_, isInt := src.Int(n.field)
	_, isText := src.Text(n.field)
	return isInt || isText
}

// altered copies the tree, changing each node.
func altered(n node, change func(*node)) node {
	kids := make([]node, len(n.kids))
	for i := range n.kids {
		kids[i] = altered(n.kids[i], change)
	}
	n.kids = kids
	change(&n)
	return n
}

func withKind(c *Cond, from, to kind) *Cond {
	return &Cond{c.schema, altered(c.root, func(n *node) {
		if n.kind == from {
			n.kind = to
		}
	})}
}

func withAsk(c *Cond, from, to Op) *Cond {
	return &Cond{c.schema, altered(c.root, func(n *node) {
		if n.kind == leaf && n.q.ask == from {
			q := *n.q
			q.ask = to
			n.q = &q
		}
	})}
}

func FuzzGoAndSQLAgree(f *testing.F) {
	for seed := range uint64(8) {
		f.Add(seed, seed*seed)
	}
	tb := newTable(f, rand.New(rand.NewPCG(1, 1)), 60)
	f.Fuzz(func(t *testing.T, a, b uint64) {
		c := randomCond(t, rand.New(rand.NewPCG(a, b)))
		if found := tb.disagreement(t, c, (*Cond).Eval); found != "" {
			t.Fatal(found)
		}
	})
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(`{"all":[{"field":"order.amount_fen","op":"between","value":[1,2]},{"any":[{"not":{}},null]}]}`))
	f.Add([]byte(`{"field":"member.city","op":"prefix","value":"\ud800<\u2028"}`))
	f.Add([]byte(`{"field":"order.skus","op":"none_of","value":["a","é"]}`))
	f.Add([]byte(`{"field":"order.first","op":"eq","value":true,"value":false}`))
	f.Add([]byte(`{"not":{"not":{"field":"member.city","op":"nin","value":["",""]}}}`))
	tb := newTable(f, rand.New(rand.NewPCG(2, 2)), 30)
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := Parse(testSchema, data)
		if err != nil {
			return
		}
		once, err := json.Marshal(c)
		if err != nil {
			t.Fatal(err)
		}
		back := mustParse(t, string(once))
		if twice, err := json.Marshal(back); !bytes.Equal(once, twice) || err != nil {
			t.Fatalf("%s\n%s\n%v", once, twice, err)
		}
		for _, src := range append(tb.rows, fullRow, emptyRow) {
			if holds := c.Eval(src); back.Eval(src) != holds || (c.Why(src, "zh") == "") != holds {
				t.Fatalf("%s answers differently after writing, or its reason does not fit: %+v", once, src)
			}
		}
		if _, _, err := c.SQL(); err == nil {
			if found := tb.disagreement(t, c, (*Cond).Eval); found != "" {
				t.Fatal(found)
			}
		}
	})
}
