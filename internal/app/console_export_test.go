package app

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/xuri/excelize/v2"

	"guanxi/internal/base/clock"
	"guanxi/internal/base/db"
	"guanxi/internal/base/id"
	"guanxi/internal/base/vault"
	"guanxi/internal/base/web"
	"guanxi/internal/loyalty/member"
	"guanxi/internal/loyalty/order"
	"guanxi/internal/loyalty/staff"
)

type exported struct {
	State          string
	Task, Approval web.ID
}

// export asks for a file and gives its bytes.
func (w *house) export(login, body string) []byte {
	w.t.Helper()
	var out exported
	w.ask(login, "POST", "/exports", body, 201, &out)
	w.work()
	var page struct{ Data []struct{ ID web.ID } }
	w.ask(login, "GET", "/exports?limit=1", "", 200, &page)
	return w.ask(login, "GET", fmt.Sprintf("/exports/%s/file", page.Data[0].ID), "", 200, nil).Body.Bytes()
}

func TestExportsOpenInExcelAndRunNoFormula(t *testing.T) {
	t.Parallel()
	w := openShop(t)
	w.write(func(tx *db.Tx) error {
		_, _, err := w.app.Orders.Take(tx, order.In{Source: "pos", No: `=HYPERLINK("x")`, Amount: 1_230, Channel: "@sum", Store: `a<b>&"c"`, Occurred: tx.Now()})
		return err
	})
	w.buy(w.join("13800138000", "S5"), "n2", 5)
	raw := w.export("ops", `{"list":"orders","format":"csv"}`)
	if !bytes.HasPrefix(raw, []byte("\xef\xbb\xbf订单,")) {
		t.Errorf("%q", raw[:20])
	}
	lines, err := csv.NewReader(bytes.NewReader(raw[3:])).ReadAll()
	if err != nil || len(lines) != 3 || lines[1][3] != "n2" || lines[1][5] != "0.05" || lines[2][3] != `'=HYPERLINK("x")` || lines[2][9] != "'@sum" || lines[2][1] != "" {
		t.Errorf("%v %q", err, lines)
	}
	book, err := excelize.OpenReader(bytes.NewReader(w.export("ops", `{"list":"orders","format":"xlsx","filter":[{"name":"store","value":"a<b>&\"c\""}]}`)))
	if err != nil {
		t.Fatal(err)
	}
	rows, err := book.GetRows("Sheet1")
	formula, _ := book.GetCellFormula("Sheet1", "D2")
	kind, _ := book.GetCellType("Sheet1", "D2")
	if err != nil || len(rows) != 2 || rows[0][3] != "单号" || rows[1][3] != `=HYPERLINK("x")` || rows[1][5] != "12.30" || rows[1][10] != `a<b>&"c"` || formula != "" || kind != excelize.CellTypeInlineString {
		t.Errorf("%v %q formula %q type %v", err, rows, formula, kind)
	}
	if n := len(w.export("shop5", `{"list":"orders","format":"csv"}`)); n >= len(raw) {
		t.Errorf("the manager of store 5 gets %d bytes of %d", n, len(raw))
	}
	w.ask("ops", "POST", "/exports", `{"list":"orders","format":"csv","filter":[{"name":"colour","value":"x"}]}`, 422, nil)
	w.ask("ops", "POST", "/exports", `{"list":"orders","format":"csv","filter":[{"name":"from","value":"x"}]}`, 422, nil)
	w.ask("ops", "POST", "/exports", `{"list":"secrets","format":"csv"}`, 404, nil)
	w.ask("ops", "POST", "/exports", `{"list":"log","format":"csv"}`, 403, nil)
}

func TestEveryListIsExported(t *testing.T) {
	t.Parallel()
	w := openShop(t)
	ann := w.join("13800138000", "S5")
	w.buy(ann, "1", 1_000)
	w.hire("all", staff.Grant{Role: staff.SystemAdmin}, staff.Grant{Role: staff.Operations}, staff.Grant{Role: staff.Finance})
	w.hire("watch", staff.Grant{Role: staff.Auditor})
	w.ask("all", "POST", "/terminals", `{"code":"T1","name":"=1+1","store":"`+id.String(w.store.ID)+`"}`, 201, nil)
	w.ask("all", "POST", "/partners", `{"name":"shop","scopes":["members.read"],"reason":"x"}`, 200, nil)
	w.ask("all", "POST", "/webhooks", `{"url":"https://example.com/hook"}`, 201, nil)
	w.ask("all", "POST", "/links", `{"code":"poster","name":"=1+1","page":"home","opens":"h5"}`, 201, nil)
	bob := w.join("13900139000", "S5")
	w.buy(bob, "2", 1_000)
	taken := member.ErrIdentityTaken.New()
	if err := w.app.Members.AfterRefusal(t.Context(), w.app.DB, "system:test", ann, []member.Identity{{Kind: member.KindPhone, Value: vault.Hide("13900139000"), Verified: true}}, taken); !errors.Is(err, taken) {
		t.Fatal(err)
	}
	filters := map[string]string{"tiers": `{"name":"member","value":"` + id.String(ann) + `"}`, "refusals": `{"name":"import","value":"` + w.uploaded() + `"}`, "ending": `{"name":"day","value":"20270131"}`}
	least := map[string]int{"members": 1, "orders": 1, "entries": 3, "operators": 5, "stores": 1, "log": 1, "terminals": 1, "partners": 1, "rules": 1, "campaigns": 2, "imports": 1, "refusals": 1, "links": 1, "suspects": 1, "webhooks": 1}
	for _, l := range w.app.Exporter.Lists() {
		who := "all"
		if l.Name == "log" {
			who = "watch"
		}
		lines, err := csv.NewReader(bytes.NewReader(w.export(who, fmt.Sprintf(`{"list":%q,"format":"csv","reason":"monthly report","filter":[%s]}`, l.Name, filters[l.Name]))[3:])).ReadAll()
		if err != nil || len(lines) < 1+least[l.Name] || len(lines[0]) != len(l.Columns) {
			t.Errorf("%s: %v, %q", l.Name, err, lines)
		}
		if l.Name == "suspects" && (lines[1][0] != id.String(ann) || lines[1][2] != id.String(bob) || lines[1][4] != "phone") {
			t.Errorf("%q", lines)
		}
		if l.Name == "links" && (lines[1][0] != "'=1+1" || !strings.HasSuffix(lines[1][1], "/l/poster")) {
			t.Errorf("%q", lines)
		}
		if l.Name == "terminals" && (lines[1][1] != "'=1+1" || lines[1][2] != w.store.Code) {
			t.Errorf("%q", lines)
		}
	}
	for filter, want := range map[string]string{fmt.Sprintf(`{"name":"member","value":"%d"}`, ann): "1", `{"name":"status","value":"paid"},` + fmt.Sprintf(`{"name":"member","value":"%d"}`, bob): "2"} {
		lines, err := csv.NewReader(bytes.NewReader(w.export("all", `{"list":"orders","format":"csv","filter":[`+filter+`]}`)[3:])).ReadAll()
		if err != nil || len(lines) != 2 || lines[1][3] != want {
			t.Errorf("%s: %v, %q", filter, err, lines)
		}
	}
	one := w.export("all", fmt.Sprintf(`{"list":"entries","format":"csv","filter":[{"name":"member","value":"%d"},{"name":"asset","value":"growth"}]}`, ann))
	if n := bytes.Count(one, []byte("\n")); n != 2 {
		t.Errorf("%s", one)
	}
}

func TestMembersAreExportedMaskedAndManyByTwo(t *testing.T) {
	t.Parallel()
	w := openShop(t)
	w.hire("both", staff.Grant{Role: staff.Operations}, staff.Grant{Role: staff.CustomerService})
	w.hire("sec", staff.Grant{Role: staff.SecurityAdmin})
	for i := range 3 {
		w.join(fmt.Sprintf("1380013800%d", i), "S5")
	}
	order := `{"list":"members","format":"csv","reason":"a letter"}`
	w.ask("ops", "POST", "/exports", `{"list":"members","format":"csv"}`, 422, nil)
	if text := string(w.export("ops", order)); strings.Count(text, "138****800") != 3 || strings.Contains(text, "0013800") {
		t.Errorf("%s", text)
	}
	w.ask("ops", "POST", "/exports", `{"list":"members","format":"csv","clear":true,"reason":"a letter"}`, 403, nil)
	w.ask("care", "POST", "/exports", order, 403, nil)
	w.write(func(tx *db.Tx) error {
		return w.app.Staff.SetLimit(tx, staff.Who{Operator: w.ids["root"]}, staff.ExportRows, 2, "small house")
	})
	var out exported
	w.ask("ops", "POST", "/exports", order, 202, &out)
	if out.State != "waiting" || out.Approval == 0 {
		t.Fatalf("%+v", out)
	}
	since := w.logged()
	w.agree("sec", out.Approval)
	w.work()
	var page struct {
		Data []struct {
			ID    web.ID
			State string
		}
	}
	w.ask("ops", "GET", "/exports?limit=1", "", 200, &page)
	file := fmt.Sprintf("/exports/%s/file", page.Data[0].ID)
	w.ask("both", "GET", file, "", 404, nil)
	w.ask("ops", "GET", file, "", 200, nil)
	if got := fmt.Sprint(w.acts(since)); got != "[approval.approve approval.execute export.run export.download]" {
		t.Error(got)
	}
	if raw, err := os.ReadFile(filepath.Join(w.app.Exporter.Folder, page.Data[0].ID.String()+".sealed")); err != nil || bytes.Contains(raw, []byte("138****")) {
		t.Errorf("%v: the file stands there in the clear", err)
	}
	w.clock.Add(clock.Day)
	w.enter("ops")
	w.ask("ops", "GET", file, "", 404, nil)
}

func TestLongExportSaysSo(t *testing.T) {
	t.Parallel()
	w := openShop(t)
	w.app.Exporter.MaxRows = 2
	for i := range 3 {
		w.buy(w.join(fmt.Sprintf("1380013800%d", i), "S5"), fmt.Sprint(i), 100)
	}
	var out exported
	w.ask("ops", "POST", "/exports", `{"list":"orders","format":"csv"}`, 201, &out)
	w.work()
	has(t, w.ask("ops", "GET", fmt.Sprintf("/tasks/%s", out.Task), "", 200, nil), `"state":"failed"`, `"code":"export.too_long"`)
	if left, _ := os.ReadDir(w.app.Exporter.Folder); len(left) != 0 {
		t.Errorf("half a file was left: %v", left)
	}
}

// uploaded takes in a file of which a line is refused, and gives its number.
func (w *house) uploaded() string {
	path := w.upload(twoOrders)
	w.ask("ops", "POST", path+"/check", `{"source":"till","mapping":[{"field":"order","column":"单号"},{"field":"time","column":"时间"},{"field":"member","column":"会员"},{"field":"amount","column":"实付金额"}]}`, 200, nil)
	w.work()
	return strings.TrimPrefix(path, "/imports/")
}

func TestNobodyExportsWhatTheyMayNotSee(t *testing.T) {
	t.Parallel()
	w := openShop(t)
	w.hire("sys", staff.Grant{Role: staff.SystemAdmin})
	lists := func(who string) (names string) {
		var out struct{ Data []struct{ Name string } }
		w.ask(who, "GET", "/exports/lists", "", 200, &out)
		for _, l := range out.Data {
			names += l.Name + " "
		}
		return names
	}
	for who, want := range map[string]string{
		"shop5": "approvals tiers orders entries ",
		"care":  "terminals payments payment-incidents waiting approvals imports refusals tiers orders entries stores ",
		"books": "terminals rules campaigns payments payment-incidents waiting approvals imports refusals tiers expiring demotions ending links channel-incidents orders entries stores ",
	} {
		if got := lists(who); got != want {
			t.Errorf("%s exports %s", who, got)
		}
	}
	for who, list := range map[string]string{"care": "rules", "shop5": "payments", "books": "partners"} {
		w.ask(who, "POST", "/exports", `{"list":"`+list+`","format":"csv"}`, 403, nil)
	}
	w.ask("books", "POST", "/exports", `{"list":"ending","format":"csv","filter":[{"name":"day","value":"x"}]}`, 422, nil)
	elsewhere := w.join("13900139000", "S9")
	w.ask("shop5", "POST", "/exports", fmt.Sprintf(`{"list":"tiers","format":"csv","filter":[{"name":"member","value":"%d"}]}`, elsewhere), 404, nil)

	// An adjustment above the limit of one waits; who may neither decide it nor asked for it exports nothing of it.
	m := w.join("13800138000", "S5")
	w.ask("ops", "POST", fmt.Sprintf("/members/%d/adjustments", m), `{"points":900000,"reason":"a great deal"}`, 202, nil)
	for who, n := range map[string]int{"ops": 1, "books": 1, "care": 0, "sys": 0} {
		if got := bytes.Count(w.export(who, `{"list":"approvals","format":"csv"}`), []byte("a great deal")) / 2; got != n { // as the reason and in the content
			t.Errorf("%s exports %d approvals, not %d", who, got, n)
		}
	}
}
