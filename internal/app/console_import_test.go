package app

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"guanxi/internal/base/clock"
	"guanxi/internal/base/web"
)

// work runs all jobs that are due.
func (w *house) work() {
	w.t.Helper()
	for range 1000 {
		if n, err := w.app.Jobs.Step(context.Background()); err != nil || n == 0 {
			if err != nil {
				w.t.Fatal(err)
			}
			return
		}
	}
	w.t.Fatal("the jobs never end")
}

// send uploads raw bytes.
func (w *house) send(login, path string, body []byte, status int) *httptest.ResponseRecorder {
	w.t.Helper()
	w.keys++
	r := httptest.NewRequest(http.MethodPut, "/api/console"+path, bytes.NewReader(body))
	r.Header.Set("Content-Type", "application/octet-stream")
	r.Header.Set("Idempotency-Key", fmt.Sprint("k", w.keys))
	r.Header.Set("Authorization", "Bearer "+w.tokens[login])
	rec := httptest.NewRecorder()
	w.front.Handler().ServeHTTP(rec, r)
	if rec.Code != status {
		w.t.Fatalf("PUT %s: %d, want %d: %s", path, rec.Code, status, rec.Body)
	}
	return rec
}

const twoOrders = "单号,时间,会员,实付金额\nA1,2026-01-01 10:00:00,c1,12.30\nA2,2026-01-01 11:00:00,c2,zwölf\nA3,2026-01-01 12:00:00,c1,5\n"

func (w *house) upload(text string) (path string) {
	w.t.Helper()
	var f struct{ ID web.ID }
	w.ask("ops", "POST", "/imports", fmt.Sprintf(`{"name":"C:\\tills\\day.csv","size":%d}`, len(text)), 201, &f)
	path = fmt.Sprintf("/imports/%s", f.ID)
	for n := 0; len(text) > 0; n++ {
		size := min(len(text), 1<<20)
		w.send("ops", fmt.Sprintf("%s/parts/%d", path, n), []byte(text[:size]), 200)
		text = text[size:]
	}
	return path
}

func TestImportOverHTTPIsTriedAndTaken(t *testing.T) {
	t.Parallel()
	w := openShop(t)
	w.clock.Add(10 * clock.Day)
	w.enter("ops")
	path := w.upload(twoOrders)
	has(t, w.ask("ops", "GET", path, "", 200, nil), `"name":"day.csv"`, `"state":"ready"`)
	has(t, w.ask("ops", "GET", path+"/head", "", 200, nil), `"columns":["单号","时间","会员","实付金额"]`, `"guess":{"amount":"实付金额","member":"会员","order":"单号","time":"时间"}`, `["A1","2026-01-01 10:00:00","c1","12.30"]`)
	body := `{"source":"till","mapping":[{"field":"order","column":"单号"},{"field":"time","column":"时间"},{"field":"member","column":"会员"},{"field":"amount","column":"实付金额"}]}`
	w.ask("ops", "POST", path+"/check", `{"source":"till","mapping":[{"field":"colour","column":"单号"}]}`, 422, nil)
	before := w.fingerprint()
	w.ask("ops", "POST", path+"/check", body, 200, nil)
	w.work()
	tried := w.ask("ops", "GET", path, "", 200, nil)
	has(t, tried, `"orders":2,"refunds":0,"guest_orders":0,"repeated":0,"new_members":1,"amount_fen":1730`, `"refused":1`, `"line":3`)
	if after := w.fingerprint(); strings.Split(after, "\n")[0] != strings.Split(before, "\n")[0] {
		t.Errorf("trying made members: %s, before %s", after, before)
	}
	w.ask("ops", "POST", path+"/run", body, 200, nil)
	w.ask("ops", "POST", path+"/run", body, 409, nil)
	w.work()
	has(t, w.ask("ops", "GET", path, "", 200, nil), `"state":"done"`, `"orders":2`, `"members_joined":1`, `"refused":1`)
	has(t, w.ask("ops", "GET", "/orders?source=till&no=A3", "", 200, nil), `"amount":500`)
	again := w.upload(twoOrders)
	w.ask("ops", "POST", again+"/check", body, 200, nil)
	w.work()
	has(t, w.ask("ops", "GET", again, "", 200, nil), `"repeated":2`)
	w.ask("ops", "DELETE", again, "", 200, nil)
	w.ask("ops", "GET", again, "", 404, nil)
}

func TestUploadGoesOnWhereItWasCutOff(t *testing.T) {
	t.Parallel()
	w := openShop(t)
	var b strings.Builder
	b.WriteString("单号,时间,会员,实付金额\n")
	for i := range 60_000 {
		fmt.Fprintf(&b, "A%d,2026-01-01 10:00:00,13800138000,12.30\n", i)
	}
	text := b.String()
	var f struct{ ID web.ID }
	w.ask("ops", "POST", "/imports", fmt.Sprintf(`{"name":"big.csv","size":%d}`, len(text)), 201, &f)
	path := fmt.Sprintf("/imports/%s", f.ID)
	w.send("ops", path+"/parts/1", []byte(text[1<<20:2<<20]), 409)
	w.send("ops", path+"/parts/0", []byte(text[:1000]), 422)
	w.send("ops", path+"/parts/0", []byte(text[:1<<20]), 200)
	w.send("ops", path+"/parts/0", []byte(text[:1<<20]), 200) // came twice
	w.ask("ops", "GET", path+"/head", "", 409, nil)
	file := filepath.Join(w.app.Importer.Folder, fmt.Sprintf("%s.sealed", f.ID))
	half, err := os.OpenFile(file, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = half.WriteString("what a crash has left behind")
	_ = half.Close()
	w.send("ops", path+"/parts/1", []byte(text[1<<20:2<<20]), 200)
	has(t, w.send("ops", path+"/parts/2", []byte(text[2<<20:]), 200), `"state":"ready"`)
	w.ask("ops", "POST", path+"/check", `{"source":"till"}`, 200, nil)
	w.work()
	has(t, w.ask("ops", "GET", path, "", 200, nil), `"orders":60000,`, `"refused":0`)
	if raw, err := os.ReadFile(file); err != nil || bytes.Contains(raw, []byte("13800138000")) {
		t.Errorf("%v: the file stands there in the clear", err)
	}
}

func TestVerificationIsATaskWithAnOutcome(t *testing.T) {
	t.Parallel()
	w := openShop(t)
	w.buy(w.join("13800138000", "S5"), "1", 1_000)
	var made struct{ ID web.ID }
	w.ask("books", "POST", "/verifications", `{"what":"ledger"}`, 201, &made)
	w.ask("books", "POST", "/verifications", `{"what":"log"}`, 201, nil)
	has(t, w.ask("books", "GET", "/verifications", "", 200, nil), `"state":"waiting"`)
	w.ask("ops", "POST", fmt.Sprintf("/tasks/%s/cancellation", made.ID), "", 404, nil)
	w.work()
	var page struct {
		Data []struct {
			State  string
			Result json.RawMessage
		}
	}
	w.ask("books", "GET", "/verifications", "", 200, &page)
	if len(page.Data) != 1 || page.Data[0].State != "done" || !strings.HasPrefix(string(page.Data[0].Result), `{"ok":true,"checked":3,`) {
		t.Errorf("%+v", page)
	}
	has(t, w.ask("books", "GET", "/overview", "", 200, nil), `"ledger":{"state":"ok","at":`, `"log":{"state":"ok","at":`)
	w.ask("books", "POST", fmt.Sprintf("/tasks/%s/cancellation", made.ID), "", 409, nil)
	w.ask("books", "POST", "/verifications", `{"what":"ledger"}`, 201, &made)
	has(t, w.ask("books", "POST", fmt.Sprintf("/tasks/%s/cancellation", made.ID), "", 200, nil), `"state":"cancelled"`)
	w.work()
	has(t, w.ask("books", "GET", fmt.Sprintf("/tasks/%s", made.ID), "", 200, nil), `"state":"cancelled"`, `"mine":true`)
	w.ask("ops", "GET", fmt.Sprintf("/tasks/%s", made.ID), "", 200, nil) // sees all jobs
	w.ask("care", "GET", fmt.Sprintf("/tasks/%s", made.ID), "", 404, nil)
}
