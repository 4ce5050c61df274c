package form

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"guanxi/internal/base/fault"
	"guanxi/internal/base/money"
)

type overflow string

type window struct {
	From int    `json:"from" zh:"从" en:"From" min:"1" max:"31" required:"true"`
	Note string `json:"note" zh:"备注" en:"Note" max:"4"`
}

type settings struct {
	Points  int64                 `json:"points" zh:"每元积分" en:"Points per yuan" help:"整数" help_en:"whole" min:"0" max:"1000" required:"true" unit:"points"`
	Floor   money.Fen             `json:"floor" zh:"起点" en:"From" min:"0" max:"500000" unit:"fen"`
	Title   string                `json:"title" zh:"名称" en:"Title" min:"2" max:"5" required:"true"`
	Over    overflow              `json:"over" zh:"超出时" en:"When over" options:"clip=截断/Clip,reject=拒绝/Reject"`
	On      bool                  `json:"on" zh:"启用" en:"On"`
	Factor  money.Rate            `json:"factor" zh:"倍率" en:"Factor" min:"0" max:"9.5"`
	Skus    []string              `json:"skus" zh:"商品" en:"SKUs" max:"3"`
	Days    []int64               `json:"days" zh:"日" en:"Days" options:"1=一/One,2=二/Two"`
	ByTier  map[string]money.Rate `json:"by_tier" zh:"等级倍率" en:"By tier" min:"1" options:"gold=金/Gold,silver=银/Silver"`
	Open    window                `json:"open" zh:"开放" en:"Open"`
	Windows []window              `json:"windows" zh:"时段" en:"Windows" max:"2"`
	When    json.RawMessage       `json:"when" zh:"条件" en:"Condition" kind:"cond"`
	Hidden  chan int              `json:"-"`
}

const good = `{"points":5,"title":"双倍","over":"clip","on":true,"factor":"1.5","skus":["a"],"days":[1,2],
	"by_tier":{"gold":2},"open":{"from":3},"windows":[{"from":1,"note":"早"}],"when":{"field": "x"}}`

func TestDecode(t *testing.T) {
	t.Parallel()
	got := settings{Floor: 100}
	if err := Decode([]byte(good), &got); err != nil {
		t.Fatal(err, fault.As(err).Fields)
	}
	want := settings{
		Points: 5, Floor: 100, Title: "双倍", Over: "clip", On: true, Factor: 1_500_000, Skus: []string{"a"}, Days: []int64{1, 2},
		ByTier: map[string]money.Rate{"gold": 2_000_000}, Open: window{From: 3},
		Windows: []window{{From: 1, Note: "早"}}, When: json.RawMessage(`{"field":"x"}`),
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("\n%+v\n%+v", got, want)
	}
}

// with gives the good input with one key changed or added.
func with(t *testing.T, key, value string) []byte {
	t.Helper()
	all := map[string]json.RawMessage{}
	if err := json.Unmarshal([]byte(good), &all); err != nil {
		t.Fatal(err)
	}
	all[key] = json.RawMessage(value)
	data, err := json.Marshal(all)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// wrong lists "path code" of each wrong field.
func wrong(err error) string {
	e := fault.As(err)
	if e == nil {
		return ""
	}
	out := []string{}
	for _, f := range e.Fields {
		out = append(out, f.Field+" "+strings.TrimPrefix(f.Code, "form."))
	}
	return strings.Join(out, ", ")
}

func TestDecodeRefuses(t *testing.T) {
	t.Parallel()
	cases := []struct{ key, value, want string }{
		{"points", `1001`, "points out_of_range"},
		{"points", `-1`, "points out_of_range"},
		{"points", `99999999999999999999`, "points out_of_range"},
		{"points", `1.0`, "points wrong_type"},
		{"points", `1e2`, "points wrong_type"},
		{"points", `"5"`, "points wrong_type"},
		{"points", `null`, "points required"},
		{"Points", `5`, "Points unknown_field"},
		{"title", `""`, "title required"},
		{"title", `"  "`, "title required"},
		{"title", `"一"`, "title out_of_range"},
		{"title", `"一二三四五"`, ""},
		{"title", `"一二三四五六"`, "title out_of_range"},
		{"title", `7`, "title wrong_type"},
		{"over", `"drop"`, "over not_an_option"},
		{"over", `""`, ""},
		{"on", `1`, "on wrong_type"},
		{"on", `"true"`, "on wrong_type"},
		{"factor", `9.500001`, "factor out_of_range"},
		{"factor", `9.50`, ""},
		{"factor", `"1e1"`, "factor wrong_type"},
		{"factor", `true`, "factor wrong_type"},
		{"factor", `99999999999999`, "factor out_of_range"},
		{"skus", `["ok","long!"]`, "skus[1] out_of_range"},
		{"skus", `["a",null,3]`, "skus[1] wrong_type, skus[2] wrong_type"},
		{"skus", `{"a":1}`, "skus wrong_type"},
		{"skus", `[` + strings.Repeat(`"a",`, MaxItems) + `"a"]`, "skus too_many"},
		{"days", `[1,3]`, "days[1] not_an_option"},
		{"by_tier", `{"gold":"0.5","tin":2}`, "by_tier.gold out_of_range, by_tier.tin not_an_option"},
		{"by_tier", `{"gold":null}`, "by_tier.gold wrong_type"},
		{"by_tier", `[]`, "by_tier wrong_type"},
		{"open", `{}`, "open.from required"},
		{"open", `null`, "open.from required"},
		{"open", `{"from":32,"to":1}`, "open.to unknown_field, open.from out_of_range"},
		{"open", `5`, "open wrong_type"},
		{"windows", `[{"from":1},{"from":0,"note":"abcde"}]`, "windows[1].from out_of_range, windows[1].note out_of_range"},
		{"windows", `[{"from":1},{"from":1},{"from":1}]`, "windows out_of_range"},
		{"windows", `[null]`, "windows[0] wrong_type"},
		{"when", `"x"`, "when wrong_type"},
		{"when", `[]`, "when wrong_type"},
		{"floor", `500001`, "floor out_of_range"},
	}
	for _, c := range cases {
		into := settings{Title: "before"}
		err := Decode(with(t, c.key, c.value), &into)
		if got := wrong(err); got != c.want {
			t.Errorf("%s = %s: %q, want %q", c.key, c.value, got, c.want)
		}
		if err != nil && (into.Title != "before" || !fault.Is(err, ErrInvalid)) {
			t.Errorf("%s = %s: into changed to %+v, or the wrong fault %v", c.key, c.value, into, err)
		}
	}
}

func TestDecodeCollectsAll(t *testing.T) {
	t.Parallel()
	err := Decode([]byte(`{"points":5000,"extra":1,"extra":2,"open":{"from":"x"}}`), &settings{})
	want := "extra unknown_field, extra duplicate_field, points out_of_range, title required, open.from wrong_type"
	if got := wrong(err); got != want {
		t.Errorf("%q\n%q", got, want)
	}
	if first := fault.As(err).Fields[2]; first.Zh != "超出允许范围（0 至 1000）" || first.En != "out of range (0 to 1000)" {
		t.Errorf("%+v", first)
	}
}

func TestBoundsAreShownInTheUnit(t *testing.T) {
	t.Parallel()
	err := Decode(with(t, "floor", "-1"), &settings{})
	if got := fault.As(err).Fields[0].En; got != "out of range (¥0.00 to ¥5000.00)" {
		t.Error(got)
	}
	err = Decode(with(t, "by_tier", `{"gold":0}`), &settings{})
	if got := fault.As(err).Fields[0].En; got != "out of range (1 to —)" {
		t.Error(got)
	}
}

func TestDecodeReportsAtMostAHundred(t *testing.T) {
	t.Parallel()
	var keys []string
	for i := range 300 {
		keys = append(keys, fmt.Sprintf(`"k%d":0`, i))
	}
	err := Decode([]byte(`{`+strings.Join(keys, ",")+`}`), &settings{})
	if got := len(fault.As(err).Fields); got != maxErrors {
		t.Errorf("%d wrong fields", got)
	}
}

func TestDecodeRefusesWhatIsNotAnObject(t *testing.T) {
	t.Parallel()
	for _, data := range []string{``, `null`, `[]`, `5`, `{`, `{"a"}`, `{"points":1}{}`, `{"points":1,}`, `{} x`, "{\"title\":\"\xff\"}"} {
		if err := Decode([]byte(data), &settings{}); !fault.Is(err, ErrMalformed) {
			t.Errorf("%q: %v", data, err)
		}
	}
}

func TestOf(t *testing.T) {
	t.Parallel()
	got, err := json.Marshal(Of(&struct {
		Points int64                 `json:"points" zh:"积分" en:"Points" help:"帮" help_en:"help" min:"0" max:"1000" required:"true" unit:"points"`
		Over   string                `json:"over" zh:"超出" en:"Over" options:"clip=截断/Clip"`
		Rates  map[string]money.Rate `json:"rates" zh:"倍率" en:"Rates" max:"2.50"`
		Parts  []struct {
			On bool `json:"on" zh:"开" en:"On"`
		} `json:"parts" zh:"部分" en:"Parts"`
	}{}))
	want := `{"fields":[` +
		`{"name":"points","type":"int","zh":"积分","en":"Points","help":"帮","help_en":"help","required":true,"unit":"points","min":0,"max":1000},` +
		`{"name":"over","type":"text","zh":"超出","en":"Over","max":2000,"options":[{"value":"clip","zh":"截断","en":"Clip"}]},` +
		`{"name":"rates","type":"rates","zh":"倍率","en":"Rates","max":2.5},` +
		`{"name":"parts","type":"list","zh":"部分","en":"Parts","max":500,"fields":[{"name":"on","type":"bool","zh":"开","en":"On"}]}]}`
	if string(got) != want || err != nil {
		t.Errorf("%v\n%s\n%s", err, got, want)
	}
	types := []Type{}
	for _, f := range Of(settings{}).Fields {
		types = append(types, f.Type)
	}
	if want := []Type{Int, Int, Text, Text, Bool, Rate, Texts, Ints, Rates, Object, List, Cond}; !reflect.DeepEqual(types, want) {
		t.Errorf("%v, want %v", types, want)
	}
}

type endless struct {
	Next []endless `json:"next" zh:"下" en:"Next"`
}

func TestMistakesInTheStructPanic(t *testing.T) {
	t.Parallel()
	for name, v := range map[string]any{
		"not a struct": 5,
		"no json":      struct{ A int }{},
		"json option": struct {
			A int `json:"a,omitempty" zh:"一" en:"a"`
		}{},
		"no en": struct {
			A int `json:"a" zh:"一"`
		}{},
		"help in one language": struct {
			A int `json:"a" zh:"一" en:"a" help:"帮"`
		}{},
		"float": struct {
			A float64 `json:"a" zh:"一" en:"a"`
		}{},
		"raw without kind": struct {
			A json.RawMessage `json:"a" zh:"一" en:"a"`
		}{},
		"unknown unit": struct {
			A int `json:"a" zh:"一" en:"a" unit:"miles"`
		}{},
		"bounds that can't be read": struct {
			A int `json:"a" zh:"一" en:"a" min:"x"`
		}{},
		"bounds upside down": struct {
			A int `json:"a" zh:"一" en:"a" min:"2" max:"1"`
		}{},
		"bounds of a bool": struct {
			A bool `json:"a" zh:"一" en:"a" min:"1"`
		}{},
		"broken options": struct {
			A string `json:"a" zh:"一" en:"a" options:"x=一"`
		}{},
		"one name twice": reflect.Zero(reflect.StructOf([]reflect.StructField{
			{Name: "A", Type: reflect.TypeFor[int](), Tag: `json:"a" zh:"一" en:"a"`},
			{Name: "B", Type: reflect.TypeFor[int](), Tag: `json:"a" zh:"一" en:"a"`},
		})).Interface(),
		"endless": endless{},
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: drawn without complaint", name)
				}
			}()
			Of(v)
		}()
	}
}

func TestMembersKeepsOrderAndRepeats(t *testing.T) {
	t.Parallel()
	got, err := Members([]byte(` {"b": [1] ,"a":null,"b":"x"} `))
	want := []Member{{"b", json.RawMessage(`[1]`)}, {"a", json.RawMessage(`null`)}, {"b", json.RawMessage(`"x"`)}}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%s, %v", got, err)
	}
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte(good))
	f.Add([]byte(`{"points":1,"title":"ab","open":{"from":1},"when":{"a":"<\u2028>","b":[{}]},"by_tier":{},"days":[]}`))
	f.Add([]byte(`{"points":1e3,"title":null,"open":[],"windows":[{"from":1},{}]}`))
	f.Add([]byte(`{"points":-0,"title":"\ud800x","open":{"from":31},"factor":"+1.50","skus":["",""]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		var once, twice settings
		if Decode(data, &once) != nil {
			return
		}
		again, err := json.Marshal(once)
		if err != nil {
			t.Fatal(err)
		}
		if err := Decode(again, &twice); err != nil {
			t.Fatalf("%s becomes %s: %v %s", data, again, err, wrong(err))
		}
		if !reflect.DeepEqual(once, twice) {
			t.Fatalf("%s\n%+v\n%+v", data, once, twice)
		}
	})
}
