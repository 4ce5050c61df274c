package cond

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"guanxi/internal/base/fault"
)

var testSchema = NewSchema(
	Field{Name: "order.amount_fen", Zh: "订单金额", En: "Order amount", Type: Int, Column: "o.amount", Unit: "fen"},
	Field{Name: "member.level", Zh: "等级", En: "Level", Type: Int, Column: "level", Options: []Option{{Value: "2", Zh: "金卡", En: "Gold"}}},
	Field{Name: "order.channel", Zh: "渠道", En: "Channel", Type: Text, Column: "channel", Options: []Option{{Value: "pos", Zh: "门店", En: "Store"}}},
	Field{Name: "member.city", Zh: "城市", En: "City", Type: Text, Column: "city"},
	Field{Name: "order.first", Zh: "首单", En: "First order", Type: Bool, Column: "first_order"},
	Field{Name: "order.skus", Zh: "商品", En: "SKUs", Type: Set},
	Field{Name: "order.weekday", Zh: "星期", En: "Weekday", Type: Int},
)

// row is a Source over optional values, by place in testSchema.
type row struct {
	ints  map[int]int64
	texts map[int]string
	sets  map[int][]string
}

func (r *row) Int(field int) (int64, bool)   { v, ok := r.ints[field]; return v, ok }
func (r *row) Text(field int) (string, bool) { v, ok := r.texts[field]; return v, ok }
func (r *row) Set(field int) []string        { return r.sets[field] }

var (
	fullRow = &row{
		ints:  map[int]int64{0: 10000, 1: 2, 4: 1, 6: 3},
		texts: map[int]string{2: "pos", 3: "上海市"},
		sets:  map[int][]string{5: {"a", "b"}},
	}
	emptyRow = &row{}
)

func mustParse(t testing.TB, text string) *Cond {
	t.Helper()
	c, err := Parse(testSchema, []byte(text))
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return c
}

// ask writes a leaf.
func ask(field, op, value string) string {
	return fmt.Sprintf(`{"field":%q,"op":%q,"value":%s}`, field, op, value)
}

func TestEval(t *testing.T) {
	t.Parallel()
	yes, no := ask("order.first", "eq", "true"), ask("order.first", "eq", "false")
	cases := []struct {
		text        string
		full, empty bool
	}{
		{``, true, true}, {`null`, true, true}, {`{}`, true, true}, {`{"all":[]}`, true, true}, {`{"not":{}}`, false, false},
		{`{"all":[` + yes + `,` + no + `]}`, false, false},
		{`{"all":[` + yes + `,{}]}`, true, false},
		{`{"any":[` + no + `,` + yes + `]}`, true, false},
		{`{"any":[` + no + `,` + no + `]}`, false, false},
		{`{"not":` + no + `}`, true, true},
		{ask("order.amount_fen", "eq", "10000"), true, false},
		{ask("order.amount_fen", "ne", "10000"), false, true},
		{ask("order.amount_fen", "lt", "10000"), false, false},
		{ask("order.amount_fen", "lt", "10001"), true, false},
		{ask("order.amount_fen", "lte", "10000"), true, false},
		{ask("order.amount_fen", "lte", "9999"), false, false},
		{ask("order.amount_fen", "gt", "10000"), false, false},
		{ask("order.amount_fen", "gt", "9999"), true, false},
		{ask("order.amount_fen", "gte", "10000"), true, false},
		{ask("order.amount_fen", "gte", "10001"), false, false},
		{ask("order.amount_fen", "between", "[10000,10001]"), true, false},
		{ask("order.amount_fen", "between", "[9999,10000]"), true, false},
		{ask("order.amount_fen", "between", "[10001,9999]"), false, false},
		{ask("order.amount_fen", "in", "[1,10000]"), true, false},
		{ask("order.amount_fen", "nin", "[1,10000]"), false, true},
		{ask("order.channel", "eq", `"pos"`), true, false},
		{ask("order.channel", "eq", `"POS"`), false, false},
		{ask("order.channel", "ne", `"app"`), true, true},
		{ask("order.channel", "in", `["app","pos"]`), true, false},
		{ask("order.channel", "nin", `["app","pos"]`), false, true},
		{ask("member.city", "prefix", `"上海"`), true, false},
		{ask("member.city", "prefix", `"海"`), false, false},
		{ask("order.skus", "any_of", `["x","b"]`), true, false},
		{ask("order.skus", "any_of", `["x"]`), false, false},
		{ask("order.skus", "all_of", `["b","a"]`), true, false},
		{ask("order.skus", "all_of", `["a","x"]`), false, false},
		{ask("order.skus", "none_of", `["x","b"]`), false, true},
		{ask("order.skus", "none_of", `["x"]`), true, true},
	}
	for _, c := range cases {
		cond := mustParse(t, c.text)
		if cond.Eval(fullRow) != c.full || cond.Eval(emptyRow) != c.empty {
			t.Errorf("%s: %v %v, want %v %v", c.text, cond.Eval(fullRow), cond.Eval(emptyRow), c.full, c.empty)
		}
	}
	if none := (*Cond)(nil); !none.Eval(emptyRow) || none.Explain("en") != "always" || none.Why(emptyRow, "en") != "" {
		t.Error("a nil condition is not always true")
	}
}

func TestParseRefuses(t *testing.T) {
	t.Parallel()
	good := ask("order.amount_fen", "gte", "1")
	deep := func(n int) string { return strings.Repeat(`{"not":`, n-1) + good + strings.Repeat("}", n-1) }
	kids := func(n int, kid string) string { return `{"all":[` + strings.Repeat(kid+",", n-1) + kid + `]}` }
	ones := func(n int) string { return "[" + strings.Repeat("1,", n-1) + "1]" }
	cases := []struct{ text, code, field string }{
		{deep(MaxDepth), "", ""},
		{deep(MaxDepth + 1), "too_deep", strings.Repeat("not.", MaxDepth)[:4*MaxDepth-1]},
		{kids(MaxNodes-1, good), "", ""},
		{kids(MaxNodes, good), "too_large", "all[199]"},
		{ask("order.amount_fen", "in", ones(MaxList)), "", ""},
		{ask("order.amount_fen", "in", ones(MaxList+1)), "too_many", "value"},
		{kids(11, ask("order.amount_fen", "in", ones(MaxList))), "too_many", "all[10].value"},
		{`{`, "malformed", ""}, {`[]`, "malformed", ""}, {`5`, "malformed", ""}, {`{} {}`, "malformed", ""}, {"{\"\xff\":1}", "malformed", ""},
		{`{"any":[]}`, "malformed", "any"}, {`{"all":null}`, "malformed", "all"}, {`{"all":{}}`, "malformed", "all"},
		{`{"not":[]}`, "malformed", "not"}, {`{"all":[{},7]}`, "malformed", "all[1]"},
		{`{"all":[],"any":[{}]}`, "unknown_key", "any"},
		{`{"and":[]}`, "unknown_key", "and"},
		{`{"all":[{},{"not":{"feild":"x"}}]}`, "unknown_key", "all[1].not.feild"},
		{`{"field":"order.first","op":"eq","op":"eq","value":true}`, "malformed", "op"},
		{`{"op":"eq","value":1}`, "unknown_field", "field"},
		{ask("nope", "eq", "1"), "unknown_field", "field"},
		{ask("order.amount_fen", "prefix", "1"), "unknown_op", "op"},
		{ask("order.first", "ne", "true"), "unknown_op", "op"},
		{ask("order.skus", "in", `["a"]`), "unknown_op", "op"},
		{`{"field":"order.first","value":true}`, "unknown_op", "op"},
		{`{"field":"order.first","op":"eq"}`, "wrong_value", "value"},
		{`{"all":[{},` + ask("order.amount_fen", "gte", `"1"`) + `]}`, "wrong_value", "all[1].value"},
		{ask("order.amount_fen", "eq", "1.0"), "wrong_value", "value"},
		{ask("order.amount_fen", "eq", "1e3"), "wrong_value", "value"},
		{ask("order.amount_fen", "eq", "null"), "wrong_value", "value"},
		{ask("order.amount_fen", "eq", "9223372036854775808"), "wrong_value", "value"},
		{ask("order.amount_fen", "between", "[1]"), "wrong_value", "value"},
		{ask("order.amount_fen", "between", "[1,2,3]"), "wrong_value", "value"},
		{ask("order.amount_fen", "in", "[]"), "wrong_value", "value"},
		{ask("order.amount_fen", "in", "1"), "wrong_value", "value"},
		{ask("order.amount_fen", "in", `[1,"2"]`), "wrong_value", "value[1]"},
		{ask("order.channel", "eq", "1"), "wrong_value", "value"},
		{ask("order.channel", "eq", "null"), "wrong_value", "value"},
		{ask("order.channel", "in", `["a",null]`), "wrong_value", "value[1]"},
		{ask("order.channel", "eq", `"pos "`), "wrong_value", "value"},
		{ask("order.channel", "eq", `"a\u0000"`), "wrong_value", "value"},
		{ask("order.channel", "eq", `"`+strings.Repeat("字", MaxText)+`"`), "", ""},
		{ask("order.channel", "eq", `"`+strings.Repeat("字", MaxText+1)+`"`), "wrong_value", "value"},
		{ask("order.channel", "prefix", `""`), "wrong_value", "value"},
		{ask("order.first", "eq", "1"), "wrong_value", "value"},
	}
	for _, c := range cases {
		_, err := Parse(testSchema, []byte(c.text))
		code, field := "", ""
		if e := fault.As(err); e != nil {
			code, field = strings.TrimPrefix(e.Kind.Code, "cond."), e.Field
		}
		if code != c.code || field != c.field {
			t.Errorf("%.120s: %s at %q, want %s at %q", c.text, code, field, c.code, c.field)
		}
	}
}

func TestSQL(t *testing.T) {
	t.Parallel()
	cases := []struct{ text, where, args string }{
		{`{}`, "1 = 1", "[]"},
		{`{"not":{}}`, "NOT (1 = 1)", "[]"},
		{ask("order.amount_fen", "gte", "5"), "(o.amount IS NOT NULL AND o.amount >= ?)", "[5]"},
		{ask("order.amount_fen", "ne", "5"), "NOT (o.amount IS NOT NULL AND o.amount = ?)", "[5]"},
		{ask("member.level", "between", "[1,2]"), "(level IS NOT NULL AND level BETWEEN ? AND ?)", "[1 2]"},
		{ask("order.first", "eq", "false"), "(first_order IS NOT NULL AND first_order = 0)", "[]"},
		{ask("member.city", "prefix", `"上海"`), "(city IS NOT NULL AND SUBSTR(city, 1, ?) = ?)", "[2 上海]"},
		{
			`{"any":[` + ask("member.level", "in", "[1,2]") + `,` + ask("member.city", "eq", `"x"`) + `]}`,
			"((level IS NOT NULL AND level IN (?, ?)) OR (city IS NOT NULL AND city = ? AND LENGTH(city) = LENGTH(RTRIM(city))))", "[1 2 x]",
		},
	}
	for _, c := range cases {
		where, args, err := mustParse(t, c.text).SQL()
		if where != c.where || fmt.Sprint(args) != c.args || err != nil {
			t.Errorf("%s: %s %v %v", c.text, where, args, err)
		}
	}
	for _, leaf := range []string{ask("order.skus", "any_of", `["a"]`), ask("order.weekday", "eq", "1")} {
		where, _, err := mustParse(t, `{"all":[{},`+leaf+`]}`).SQL()
		if !fault.Is(err, ErrNotInSQL) || where != "" {
			t.Errorf("%s: %q, %v", leaf, where, err)
		}
	}
}

func TestExplain(t *testing.T) {
	t.Parallel()
	level, channel := ask("member.level", "in", "[2,3]"), ask("order.channel", "ne", `"pos"`)
	cases := []struct{ text, zh, en string }{
		{`{}`, "无条件", "always"},
		{ask("order.amount_fen", "gte", "10050"), "订单金额 不小于 ¥100.50", "Order amount is at least ¥100.50"},
		{ask("order.amount_fen", "between", "[100,200]"), "订单金额 介于 ¥1.00 至 ¥2.00", "Order amount is between ¥1.00 and ¥2.00"},
		{ask("order.first", "eq", "true"), "首单 为 是", "First order is yes"},
		{ask("order.skus", "none_of", `["a","b"]`), "商品 不含 a、b", "SKUs has none of a, b"},
		{
			`{"all":[` + level + `,{"any":[` + channel + `,{"not":` + level + `}]}]}`,
			"等级 属于 金卡、3 且 (渠道 不为 门店 或 并非(等级 属于 金卡、3))",
			"Level is one of Gold, 3 and (Channel is not Store or not (Level is one of Gold, 3))",
		},
		{
			ask("order.weekday", "in", "[1,2,3,4,5,6,7,8,9,10,11]"),
			"星期 属于 1、2、3、4、5、6、7、8、9、10 等 11 项", "Weekday is one of 1, 2, 3, 4, 5, 6, 7, 8, 9, 10 … (11 in all)",
		},
	}
	for _, c := range cases {
		cond := mustParse(t, c.text)
		if cond.Explain("zh") != c.zh || cond.Explain("en") != c.en {
			t.Errorf("%s\n%s\n%s", c.text, cond.Explain("zh"), cond.Explain("en"))
		}
	}
}

func TestWhy(t *testing.T) {
	t.Parallel()
	yes, no, dear := ask("order.first", "eq", "true"), ask("order.first", "eq", "false"), ask("order.amount_fen", "gt", "20000")
	cases := []struct{ text, why string }{
		{yes, ""},
		{`{"all":[` + yes + `,` + dear + `,` + no + `]}`, "Order amount is more than ¥200.00"},
		{`{"all":[{"all":[{}]},{"any":[` + dear + `]}]}`, "Order amount is more than ¥200.00"},
		{`{"any":[` + no + `,` + dear + `]}`, "First order is no or Order amount is more than ¥200.00"},
		{`{"all":[` + yes + `,{"not":` + yes + `}]}`, "not (First order is yes)"},
	}
	for _, c := range cases {
		if got := mustParse(t, c.text).Why(fullRow, "en"); got != c.why {
			t.Errorf("%s: %q, want %q", c.text, got, c.why)
		}
	}
}

func TestRoundTrip(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		`{}`,
		`{"not":{}}`,
		`{"any":[{"not":{"field":"order.first","op":"eq","value":true}},{"all":[{"field":"member.level","op":"in","value":[3,1]}]}]}`,
		`{"all":[{"field":"order.amount_fen","op":"gte","value":-5},{"field":"order.skus","op":"all_of","value":["b","a"]},{"field":"member.city","op":"prefix","value":"上"}]}`,
	} {
		want := strings.ReplaceAll(text, `{"not":{}}`, `{"not":{"all":[]}}`)
		if got, err := json.Marshal(mustParse(t, text)); string(got) != want || err != nil {
			t.Errorf("%s became %s, %v", text, got, err)
		}
	}
}

func TestSchema(t *testing.T) {
	t.Parallel()
	small := NewSchema(Field{Name: "a.b", Zh: "甲", En: "A", Type: Bool, Column: "secret_column"})
	got, err := json.Marshal(small)
	if want := `[{"name":"a.b","zh":"甲","en":"A","type":"bool","ops":["eq"]}]`; string(got) != want || err != nil {
		t.Errorf("%s, %v", got, err)
	}
	if place, ok := testSchema.Lookup("order.skus"); place != 5 || !ok || testSchema.Fields()[5].Type != Set {
		t.Errorf("order.skus is at %d, %v", place, ok)
	}
	ok := Field{Name: "a", Zh: "甲", En: "A", Type: Int, Column: "a"}
	for name, change := range map[string]func(*Field){
		"no name":            func(f *Field) { f.Name = "" },
		"no zh":              func(f *Field) { f.Zh = "" },
		"unknown type":       func(f *Field) { f.Type = "float" },
		"column with SQL":    func(f *Field) { f.Column = "a OR 1" },
		"set with a column":  func(f *Field) { f.Type = Set },
		"name already there": func(*Field) {},
	} {
		bad := ok
		change(&bad)
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: accepted", name)
				}
			}()
			NewSchema(ok, bad)
		}()
	}
}

// fixedRow answers without a map, so that only Eval could allocate.
type fixedRow struct{}

func (*fixedRow) Int(int) (int64, bool)   { return 7, true }
func (*fixedRow) Text(int) (string, bool) { return "pos", true }
func (*fixedRow) Set(int) []string        { return nil }

func TestEvalDoesNotAllocate(t *testing.T) { // not parallel: it counts the allocations of the process
	c := mustParse(t, `{"all":[`+ask("order.amount_fen", "in", "[1,7]")+`,{"not":`+ask("order.channel", "prefix", `"a"`)+`},`+
		ask("order.skus", "none_of", `["a"]`)+`]}`)
	src := &fixedRow{}
	if n := testing.AllocsPerRun(100, func() {
		if !c.Eval(src) {
			t.Fatal("the condition should hold")
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestPossibleTakesEitherAnswerOfWhatIsNotKnown(t *testing.T) {
	t.Parallel()
	gold, plain := ask("member.level", "eq", "2"), ask("member.level", "eq", "1")
	big := ask("order.amount_fen", "gte", "99999999")
	for text, want := range map[string]bool{
		`{"all":[` + gold + `,` + big + `]}`:           true,
		`{"all":[` + plain + `,` + big + `]}`:          false,
		`{"any":[` + plain + `,` + big + `]}`:          true,
		`{"not":` + big + `}`:                          true,
		`{"not":{"any":[` + gold + `,` + big + `]}}`:   false,
		`{"not":{"all":[` + gold + `,` + big + `]}}`:   true,
		`{"not":{"all":[` + gold + `,` + gold + `]}}`:  false,
		`{"any":[` + plain + `,{"not":` + gold + `}]}`: false,
		`{"all":[]}`:                            true,
		`{"any":[` + plain + `,` + plain + `]}`: false,
		`{"all":[` + ask("order.skus", "any_of", `["zz"]`) + `]}`: true,
	} {
		c := mustParse(t, text)
		if got := c.Possible(fullRow, func(f Field) bool { return strings.HasPrefix(f.Name, "member.") }); got != want {
			t.Errorf("%s: %v", text, got)
		}
		if got := c.Possible(fullRow, func(Field) bool { return true }); got != c.Eval(fullRow) {
			t.Errorf("%s: with all known %v, yet it is %v", text, got, !got)
		}
	}
}
