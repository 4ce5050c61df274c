package web_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"guanxi/internal/base/fault"
	"guanxi/internal/base/web"
)

func TestPagesShowEverySaleOnce(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	for i := range 7 {
		s.post(fmt.Sprint("k", i), fmt.Sprintf(`{"no":"n%d","fen":1}`, i))
	}
	var seen []string
	path := "/api/partner/sales?limit=3"
	for range 3 {
		var page web.Page[struct{ No string }]
		if err := json.Unmarshal(s.ask("GET", path, seven, "").Body.Bytes(), &page); err != nil {
			t.Fatal(err)
		}
		for _, row := range page.Data {
			seen = append(seen, row.No)
		}
		path = "/api/partner/sales?limit=3&cursor=" + page.Next
		if (page.Next == "") != (len(seen) == 7) {
			t.Fatalf("next %q after %d", page.Next, len(seen))
		}
	}
	if got := strings.Join(seen, " "); got != "n0 n1 n2 n3 n4 n5 n6" {
		t.Error(got)
	}
}

func TestAFullLastPageHasNoNext(t *testing.T) {
	t.Parallel()
	next := func(int) string { return "more" }
	if p := web.PageOf([]int{1, 2}, 2, next); p.Next != "" || len(p.Data) != 2 {
		t.Errorf("%+v", p)
	}
	if p := web.PageOf([]int{1, 2, 3}, 2, next); p.Next != "more" || len(p.Data) != 2 {
		t.Errorf("%+v", p)
	}
	if b, err := json.Marshal(web.PageOf[int](nil, 2, next)); string(b) != `{"data":[]}` {
		t.Error(string(b), err)
	}
}

func TestCursorsComeBackWhole(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		at, name, id := rapid.Int64().Draw(t, "at"), rapid.String().Draw(t, "name"), rapid.Int64().Draw(t, "id")
		var gotAt, gotID int64
		var gotName string
		if err := web.DecodeCursor(web.EncodeCursor(at, name, id), &gotAt, &gotName, &gotID); err != nil || gotAt != at || gotName != name || gotID != id {
			t.Fatal(err, gotAt, gotName, gotID)
		}
	})
}

func TestTamperedCursorsAreRefused(t *testing.T) {
	t.Parallel()
	good := web.EncodeCursor(int64(1_700_000_000_000), "名", int64(7))
	decode := func(cursor string) error {
		at, id, name := int64(-1), int64(-1), "untouched"
		err := web.DecodeCursor(cursor, &at, &name, &id)
		if err != nil && (at != -1 || id != -1 || name != "untouched") {
			t.Error("a refused cursor has set something")
		}
		return err
	}
	if err := decode(good); err != nil {
		t.Fatal(err)
	}
	if err := decode(""); err != nil {
		t.Error("the first page", err)
	}
	bad := []string{good + "A", good[1:], good[:len(good)-1], " " + good, good + "=", web.EncodeCursor(int64(1), "x"),
		web.EncodeCursor(int64(1), "x", int64(2), int64(3)), web.EncodeCursor("x", int64(1), int64(2)), "!"}
	for i := range good {
		for _, c := range []byte("AQz-") {
			if good[i] != c {
				bad = append(bad, good[:i]+string(c)+good[i+1:])
			}
		}
	}
	for _, cursor := range bad {
		if err := decode(cursor); !fault.Is(err, web.ErrCursor) {
			t.Errorf("%s gives %v", cursor, err)
		}
	}
}

func FuzzDecodeCursor(f *testing.F) {
	f.Add(web.EncodeCursor(int64(5), "x"))
	f.Add("AAAAAA")
	f.Add("LM8cA2\rkKcwF4")
	f.Fuzz(func(t *testing.T, cursor string) {
		var n int64
		var s string
		if cursor == "" || web.DecodeCursor(cursor, &n, &s) != nil {
			return
		}
		if web.EncodeCursor(n, s) != cursor {
			t.Errorf("%q is a second way to write (%d, %q)", cursor, n, s)
		}
	})
}

func TestIDsAreText(t *testing.T) {
	t.Parallel()
	b, err := json.Marshal(web.ID(9_007_199_254_740_993))
	if err != nil || string(b) != `"9007199254740993"` {
		t.Error(string(b), err)
	}
	for text, want := range map[string]web.ID{`"1"`: 1, `"9223372036854775807"`: 1<<63 - 1, `1`: 0, `"0"`: 0, `"-1"`: 0, `"9223372036854775808"`: 0, `""`: 0, `"`: 0} {
		var got web.ID
		if err := json.Unmarshal([]byte(text), &got); got != want || (err == nil) != (want != 0) {
			t.Errorf("%s gives %d, %v", text, got, err)
		}
	}
}
