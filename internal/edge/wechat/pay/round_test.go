package pay_test

import (
	"context"
	"encoding/base64"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"guanxi/internal/base/clock"
	"guanxi/internal/edge/wechat/pay"
	emulated "guanxi/internal/emulator/pay"
	"guanxi/internal/emulator/world"
)

const (
	start  = 1_790_000_000_000 // a Monday of 2026
	mchID  = "1900001001"
	brand  = "40001001"
	appID  = "wx0123456789abcdef"
	apiv3  = "0123456789abcdef0123456789ABCDEF"
	notify = "https://shop.example/hooks/wechat/pay/" + appID
)

// Keys are made once: they are the slow part.
var keys = sync.OnceValue(func() (out struct {
	platform emulated.Keys
	set      emulated.Set
}) {
	var err error
	if out.platform, err = emulated.MakeKeys(start); err != nil {
		panic(err)
	}
	if out.set, err = out.platform.MakeSet(mchID, brand, apiv3, appID); err != nil {
		panic(err)
	}
	return out
})

// stage is a client and the platform, with nothing but handlers between them.
type stage struct {
	t        *testing.T
	clock    *clock.Fake
	world    *world.World
	platform *emulated.Pay
	client   *pay.Client
	account  pay.Account
	waits    []int64
	got      []*http.Request // notifications
	bodies   [][]byte
	answer   int
	cut      func(r *http.Request) bool // requests that don't arrive
	hosts    []string
}

func (s *stage) RoundTrip(r *http.Request) (*http.Response, error) {
	s.hosts = append(s.hosts, r.URL.Host)
	if s.cut != nil && s.cut(r) {
		return nil, errors.New("connection refused")
	}
	q := r.Clone(r.Context())
	q.RequestURI = r.URL.RequestURI()
	if q.Body == nil {
		q.Body = http.NoBody
	}
	rec := httptest.NewRecorder()
	s.world.Record.Around(s.world.Faults.Around(s.platform)).ServeHTTP(rec, q)
	return rec.Result(), nil
}

// shop receives notifications.
func (s *stage) shop(r *http.Request) (*http.Response, error) {
	body, _ := io.ReadAll(r.Body)
	s.got, s.bodies = append(s.got, r), append(s.bodies, body)
	return &http.Response{StatusCode: s.answer, Body: http.NoBody, Header: http.Header{}}, nil
}

type tripper func(*http.Request) (*http.Response, error)

func (f tripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func open(t *testing.T, change func(*pay.Account, *emulated.Merchant)) *stage {
	t.Helper()
	k := keys()
	s := &stage{t: t, clock: clock.NewFake(start), answer: http.StatusNoContent}
	s.world = world.New("round", s.clock)
	s.world.Clock.Scale(0) // it moves when travelled
	s.world.AddPerson(world.Person{ID: "anna", Phone: "13800000001"})
	s.world.AddPerson(world.Person{ID: "bob", Phone: "13800000002"})
	s.world.Client = &http.Client{Transport: tripper(s.shop)}
	s.platform = emulated.New(s.world, k.platform)
	m := k.set.Merchant
	a := pay.Account{MchID: mchID, Serial: m.Serial, AppIDs: []string{appID}, PlatformID: k.set.PublicID, Host: "https://pay.example", Backup: "https://pay2.example",
		Card: &pay.Card{BrandID: brand, Serial: m.Brand.Serial, AppID: appID}}
	if change != nil {
		change(&a, &m)
	}
	s.platform.AddMerchant(m)
	if err := a.Use(k.set.Key, apiv3, k.set.Platform, k.set.Brand); err != nil {
		t.Fatal(err)
	}
	s.account = a
	s.client = pay.New(a, pay.Options{HTTP: &http.Client{Transport: s}, Clock: s.clock,
		Wait: func(_ context.Context, ms int64) error { s.waits = append(s.waits, ms); return nil }})
	return s
}

func (s *stage) order(no string, fen int64) pay.Order {
	return pay.Order{AppID: appID, Description: "测试商品", No: no, NotifyURL: notify, Amount: pay.Money{Total: fen, Currency: "CNY"},
		Payer: &pay.Payer{OpenID: s.world.OpenID(appID, "anna")}, Attach: "a=1"}
}

// paid makes an order and lets Anna pay it.
func (s *stage) paid(no string, fen int64) {
	s.t.Helper()
	prepay, err := s.client.JSAPI(s.t.Context(), s.order(no, fen))
	if err != nil {
		s.t.Fatal(err)
	}
	if err := s.platform.Tap(prepay, "anna"); err != nil {
		s.t.Fatal(err)
	}
}

func (s *stage) travel(ms int64) { s.world.Travel(ms); s.clock.Set(s.world.Clock.Now()) }

// refused checks a failure's class, code and number.
func refused(t *testing.T, what string, err error, class pay.Class, code, number string) {
	t.Helper()
	var e *pay.Error
	if !errors.As(err, &e) || e.Class != class || e.Code != code || number != "" && e.Numeric() != number {
		t.Errorf("%s: %v, want %s %s %s", what, err, class, code, number)
	}
}

func TestOrderFromButtonToBill(t *testing.T) {
	t.Parallel()
	s := open(t, nil)
	ctx := t.Context()
	prepay, err := s.client.JSAPI(ctx, s.order("gx000001", 12_345))
	if err != nil {
		t.Fatal(err)
	}
	again, err := s.client.JSAPI(ctx, s.order("gx000001", 12_345))
	if err != nil || again == "" {
		t.Fatal("the same order again", err)
	}
	b, err := s.client.Button(appID, again)
	if err != nil {
		t.Fatal(err)
	}
	button := emulated.Button{AppID: b.AppID, TimeStamp: b.TimeStamp, Nonce: b.Nonce, Package: b.Package, SignType: b.SignType, Sign: b.Sign}
	sheet, err := s.platform.Open(button)
	if err != nil || sheet.Total != 12_345 || sheet.Words != "测试商品" {
		t.Fatalf("%+v, %v", sheet, err)
	}
	for name, change := range map[string]func(*emulated.Button){
		"another app": func(b *emulated.Button) { b.AppID = "wx1" }, "another time": func(b *emulated.Button) { b.TimeStamp += "0" },
		"another nonce": func(b *emulated.Button) { b.Nonce += "0" }, "an old prepay id": func(b *emulated.Button) { b.Package = "prepay_id=" + prepay },
		"MD5": func(b *emulated.Button) { b.SignType = "MD5" }, "no signature": func(b *emulated.Button) { b.Sign = "" },
	} {
		wrong := button
		change(&wrong)
		if _, err := s.platform.Open(wrong); err == nil {
			t.Errorf("%s opens the payment", name)
		}
	}
	if q, err := s.client.Query(ctx, "gx000001"); err != nil || q.State != pay.StateNotPay {
		t.Fatalf("%+v, %v", q, err)
	}
	if err := s.platform.Tap(sheet.Prepay, "bob"); err == nil {
		t.Error("somebody else pays an order of Anna's")
	}
	if err := s.platform.Tap(sheet.Prepay, "anna"); err != nil {
		t.Fatal(err)
	}
	q, err := s.client.Query(ctx, "gx000001")
	if err != nil || q.State != pay.StateSuccess || q.Amount.Total != 12_345 || q.Payer.OpenID != s.world.OpenID(appID, "anna") || q.Attach != "a=1" {
		t.Fatalf("%+v, %v", q, err)
	}
	if byID, err := s.client.QueryID(ctx, q.ID); err != nil || byID.No != "gx000001" {
		t.Fatalf("%+v, %v", byID, err)
	}
	s.world.Settle()
	s.checkNotice(q)
	s.checkRefund(q)
	s.checkBill()
}

func (s *stage) checkNotice(q pay.Transaction) {
	s.t.Helper()
	if len(s.got) != 1 || s.got[0].URL.String() != notify {
		s.t.Fatalf("%d notifications", len(s.got))
	}
	n, err := s.client.Open(s.t.Context(), s.got[0].Header, s.bodies[0])
	var told pay.Transaction
	if err == nil {
		err = n.Into(&told)
	}
	if err != nil || n.Event != pay.EventPaid || told != q {
		s.t.Fatalf("%+v, %v", n, err)
	}
}

func (s *stage) checkRefund(q pay.Transaction) {
	t, ctx := s.t, s.t.Context()
	t.Helper()
	in := pay.RefundOrder{TransactionID: q.ID, RefundNo: "r1", Reason: "退货", NotifyURL: notify, Amount: pay.RefundMoney{Refund: 5_000, Total: 12_345, Currency: "CNY"}}
	r, err := s.client.Refund(ctx, in)
	if err != nil || r.Status != pay.RefundProcessing {
		t.Fatalf("%+v, %v", r, err)
	}
	if again, err := s.client.Refund(ctx, in); err != nil || again.ID != r.ID {
		t.Fatalf("the same number again: %+v, %v", again, err)
	}
	s.travel(5_000)
	r, err = s.client.QueryRefund(ctx, "r1")
	if err != nil || r.Status != pay.RefundSuccess || r.Amount.Refund != 5_000 || r.SuccessTime == "" {
		t.Fatalf("%+v, %v", r, err)
	}
	n, err := s.client.Open(ctx, s.got[1].Header, s.bodies[1])
	var told pay.RefundNotice
	if err == nil {
		err = n.Into(&told)
	}
	if err != nil || n.Event != pay.EventRefunded || told.RefundNo != "r1" || told.Amount.Refund != 5_000 || told.Status != pay.RefundSuccess || told.MchID != mchID {
		t.Fatalf("%+v, %v", told, err)
	}
	over := in
	over.RefundNo, over.Amount.Refund = "r2", 7_346
	_, err = s.client.Refund(ctx, over)
	refused(t, "more than is left", err, pay.Permanent, "INVALID_REQUEST", "")
	other := in
	other.Amount.Refund = 4_999
	_, err = s.client.Refund(ctx, other)
	refused(t, "the number with another amount", err, pay.Permanent, "INVALID_REQUEST", "268498688")
}

func (s *stage) checkBill() {
	t, ctx := s.t, s.t.Context()
	t.Helper()
	day := clock.Shanghai.Format("2006-01-02", start)
	_, err := s.client.TradeBill(ctx, day)
	refused(t, "before ten o'clock", err, pay.Permanent, "STATEMENT_CREATING", "")
	s.travel(48 * clock.Hour)
	b, err := s.client.TradeBill(ctx, day)
	if err != nil || len(b.Lines) != 2 || b.Total != 12_345 || b.Refund != 5_000 {
		t.Fatalf("%+v, %v", b, err)
	}
	sold, back := b.Lines[0], b.Lines[1]
	if sold.State != "SUCCESS" || sold.No != "gx000001" || sold.Total != 12_345 || sold.AppID != appID || sold.OpenID == "" || sold.Attach != "a=1" {
		t.Errorf("%+v", sold)
	}
	if back.State != "REFUND" || back.RefundNo != "r1" || back.Refund != 5_000 || back.RefundState != "SUCCESS" {
		t.Errorf("%+v", back)
	}
	if b, err := s.client.TradeBill(ctx, "2026-01-01"); err != nil || len(b.Lines) != 0 {
		t.Errorf("a day without trade: %+v, %v", b, err)
	}
}

// The platform goes on for a day and four minutes, then falls silent.
func TestNotificationsComeSixteenTimes(t *testing.T) {
	t.Parallel()
	s := open(t, nil)
	s.answer = http.StatusInternalServerError
	s.paid("gx000001", 100)
	first := s.world.Clock.Now()
	s.travel(48 * clock.Hour)
	if len(s.got) != 16 {
		t.Fatalf("%d tries", len(s.got))
	}
	var wait, last int64
	for _, x := range s.world.Record.Since(0, "/hooks/") {
		wait, last = x.At-first-last, x.At-first
	}
	if last != (24*60+4)*clock.Minute || wait != 6*clock.Hour {
		t.Errorf("the last try is after %d ms, %d after the one before", last, wait)
	}
}

func TestDisturbedNotifications(t *testing.T) {
	t.Parallel()
	s := open(t, nil)
	s.platform.Disturb(emulated.Trouble{Twice: 30, Lost: 20, Probe: 25, Spread: 10_000})
	for i := range 40 {
		s.paid("gx0000"+strings.Repeat("x", i%9)+string(rune('A'+i%26)), 100)
	}
	s.travel(clock.Minute)
	c := s.platform.Counts()
	if c.Lost == 0 || c.Probes == 0 || c.Twice == 0 || c.Sent != len(s.got) {
		t.Fatalf("%+v", c)
	}
	probes := 0
	for i, r := range s.got {
		_, err := s.client.Open(t.Context(), r.Header, s.bodies[i])
		if strings.HasPrefix(r.Header.Get("Wechatpay-Signature"), "WECHATPAY/SIGNTEST/") {
			probes++
			if err == nil {
				t.Error("a probe was taken")
			}
		} else if err != nil && !strings.Contains(err.Error(), "not near ours") {
			t.Error(err)
		}
	}
	if probes != c.Probes {
		t.Errorf("%d probes of %d", probes, c.Probes)
	}
}

func TestCloseAndCodePayment(t *testing.T) {
	t.Parallel()
	s := open(t, nil)
	ctx := t.Context()
	if _, err := s.client.JSAPI(ctx, s.order("gx000001", 100)); err != nil {
		t.Fatal(err)
	}
	if err := s.client.Close(ctx, "gx000001"); err != nil {
		t.Fatal(err)
	}
	_, err := s.client.JSAPI(ctx, s.order("gx000001", 100))
	refused(t, "again after closing", err, pay.Permanent, "ORDER_CLOSED", "268447914")
	s.paid("gx000002", 100)
	refused(t, "close what is paid", s.client.Close(ctx, "gx000002"), pay.Permanent, "ORDERPAID", "268449538")
	_, err = s.client.JSAPI(ctx, s.order("gx000002", 100))
	refused(t, "order what is paid", err, pay.Permanent, "ORDERPAID", "268498689")

	code := pay.CodeOrder{AppID: appID, Description: "门店", No: "gx000003", Amount: pay.Money{Total: 500, Currency: "CNY"}, Scene: pay.CodeScene{Store: pay.CodeStore{OutID: "SH01"}}}
	code.Payer.Code = s.platform.Code("anna")
	if q, err := s.client.CodePay(ctx, code); err != nil || q.State != pay.StateSuccess {
		t.Fatalf("%+v, %v", q, err)
	}
	refused(t, "close a code payment", s.client.Close(ctx, "gx000003"), pay.Permanent, "INVALID_REQUEST", "268449641")
	code.No, code.Amount.Total, code.Payer.Code = "gx000004", 200_000, s.platform.Code("anna")
	_, err = s.client.CodePay(ctx, code)
	refused(t, "a password is asked", err, pay.Pending, "USERPAYING", "")
	if q, err := s.client.Query(ctx, "gx000004"); err != nil || q.State != pay.StateUserPaying {
		t.Fatalf("%+v, %v", q, err)
	}
	s.platform.GiveUp(mchID, "gx000004")
	if q, err := s.client.Query(ctx, "gx000004"); err != nil || q.State != pay.StatePayError {
		t.Fatalf("%+v, %v", q, err)
	}
	if err := s.client.Reverse(ctx, appID, "gx000004"); err != nil {
		t.Fatal(err)
	}
	if q, err := s.client.Query(ctx, "gx000004"); err != nil || q.State != pay.StateRevoked {
		t.Fatalf("%+v, %v", q, err)
	}
	code.No, code.Payer.Code = "gx000005", s.platform.Code("anna")
	s.travel(clock.Minute)
	_, err = s.client.CodePay(ctx, code)
	refused(t, "a code of a minute ago", err, pay.Permanent, "PARAM_ERROR", "")
}

func TestPlatformRefuses(t *testing.T) {
	t.Parallel()
	s := open(t, nil)
	ctx := t.Context()
	for name, c := range map[string]struct {
		change func(*pay.Order)
		class  pay.Class
		code   string
		number string
	}{
		"number too short":     {func(o *pay.Order) { o.No = "12345" }, pay.Permanent, "PARAM_ERROR", "268435461"},
		"number with a sign":   {func(o *pay.Order) { o.No = "gx0000#1" }, pay.Permanent, "PARAM_ERROR", "268435461"},
		"no description":       {func(o *pay.Order) { o.Description = "" }, pay.Permanent, "PARAM_ERROR", ""},
		"long description":     {func(o *pay.Order) { o.Description = strings.Repeat("长", 128) }, pay.Permanent, "PARAM_ERROR", ""},
		"long attach":          {func(o *pay.Order) { o.Attach = strings.Repeat("x", 129) }, pay.Permanent, "PARAM_ERROR", ""},
		"nothing to pay":       {func(o *pay.Order) { o.Amount.Total = 0 }, pay.Permanent, "PARAM_ERROR", ""},
		"dollars":              {func(o *pay.Order) { o.Amount.Currency = "USD" }, pay.Permanent, "PARAM_ERROR", ""},
		"notify with a query":  {func(o *pay.Order) { o.NotifyURL += "?a=1" }, pay.Permanent, "PARAM_ERROR", ""},
		"notify without TLS":   {func(o *pay.Order) { o.NotifyURL = "http://shop.example/x" }, pay.Permanent, "PARAM_ERROR", ""},
		"no payer":             {func(o *pay.Order) { o.Payer = nil }, pay.Permanent, "PARAM_ERROR", "268501013"},
		"a stranger":           {func(o *pay.Order) { o.Payer.OpenID = "oNobody" }, pay.Permanent, "PARAM_ERROR", ""},
		"an app of others":     {func(o *pay.Order) { o.AppID = "wxother" }, pay.Config, "APPID_MCHID_NOT_MATCH", "268445527"},
		"over before it began": {func(o *pay.Order) { o.Expire = pay.Time(start - 1000) }, pay.Permanent, "PARAM_ERROR", ""},
	} {
		o := s.order("gx000001", 100)
		c.change(&o)
		_, err := s.client.JSAPI(ctx, o)
		refused(t, name, err, c.class, c.code, c.number)
	}
	if _, err := s.client.JSAPI(ctx, s.order("gx000009", 100)); err != nil {
		t.Fatal(err)
	}
	_, err := s.client.JSAPI(ctx, s.order("gx000009", 101))
	refused(t, "the number with another amount", err, pay.Permanent, "INVALID_REQUEST", "268498688")
	_, err = s.client.Query(ctx, "gx999999")
	refused(t, "unknown order", err, pay.Missing, "ORDER_NOT_EXIST", "268512771")
	if err := s.client.Check(ctx); err != nil {
		t.Errorf("the doctor: %v", err)
	}
	_, err = s.client.QueryRefund(ctx, "r9")
	refused(t, "unknown refund", err, pay.Missing, "RESOURCE_NOT_EXISTS", "")
	unpaid := pay.RefundOrder{No: "gx000009", RefundNo: "r1", Amount: pay.RefundMoney{Refund: 1, Total: 100, Currency: "CNY"}}
	_, err = s.client.Refund(ctx, unpaid)
	refused(t, "refund what is not paid", err, pay.Business, "TRADE_ERROR", "")
	s.paid("gx000010", 100)
	unpaid.No = "gx000010"
	s.platform.Poor(mchID, true)
	_, err = s.client.Refund(ctx, unpaid)
	refused(t, "no money", err, pay.Business, "NOT_ENOUGH", "")
	s.platform.Poor(mchID, false)
	if _, err := s.client.Refund(ctx, unpaid); err != nil {
		t.Errorf("the same number later: %v", err)
	}
	if len(s.waits) != 0 {
		t.Errorf("what can't help was tried again: %v", s.waits)
	}
}

// A field that the documents don't know is refused, as are other bytes than those signed.
func TestPlatformVerifiesByteByByte(t *testing.T) {
	t.Parallel()
	s := open(t, nil)
	change := func(what string, f func(*http.Request), code string) {
		t.Helper()
		s.client = pay.New(s.account, pay.Options{Clock: s.clock, HTTP: &http.Client{Transport: tripper(func(r *http.Request) (*http.Response, error) {
			f(r)
			return s.RoundTrip(r)
		})}})
		_, err := s.client.JSAPI(t.Context(), s.order("gx000001", 100))
		if !pay.IsCode(err, code) {
			t.Errorf("%s: %v", what, err)
		}
	}
	body := func(from, to string) func(*http.Request) {
		return func(r *http.Request) {
			b, _ := io.ReadAll(r.Body)
			r.Body = io.NopCloser(strings.NewReader(strings.Replace(string(b), from, to, 1)))
		}
	}
	change("another amount", body(`"total":100`, `"total":101`), "SIGN_ERROR")
	change("a blank more", body(`{`, `{ `), "SIGN_ERROR")
	change("another path", func(r *http.Request) { r.URL.RawQuery = "a=1" }, "SIGN_ERROR")
	change("no header", func(r *http.Request) { r.Header.Del("Authorization") }, "SIGN_ERROR")
	for _, part := range []string{"timestamp=\"1", "nonce_str=\"", "serial_no=\"", "WECHATPAY2"} {
		change("another "+part, func(r *http.Request) {
			r.Header.Set("Authorization", strings.Replace(r.Header.Get("Authorization"), part, part+"1", 1))
		}, "SIGN_ERROR")
	}
	change("another merchant", func(r *http.Request) {
		r.Header.Set("Authorization", strings.Replace(r.Header.Get("Authorization"), mchID, "1900009999", 1))
	}, "MCH_NOT_EXISTS")
	s.world.Travel(6 * clock.Minute)
	change("a clock that is late", func(*http.Request) {}, "SIGN_ERROR")
	s.travel(0)
	s.client = pay.New(s.account, pay.Options{Clock: s.clock, HTTP: &http.Client{Transport: s}})
	if _, err := s.client.JSAPI(t.Context(), s.order("gx000001", 100)); err != nil {
		t.Errorf("all right: %v", err)
	}
}

// Each class of failure: what is tried again, what is not, and where.
func TestRetriesAreBounded(t *testing.T) {
	t.Parallel()
	s := open(t, nil)
	ctx := t.Context()
	const at = "/v3/pay/transactions/jsapi"
	s.world.Faults.Add(world.Fault{Path: at, Status: 500, Times: 2})
	if _, err := s.client.JSAPI(ctx, s.order("gx000001", 100)); err != nil || len(s.waits) != 2 || s.waits[1] != 2*s.waits[0] {
		t.Errorf("two failures: %v, %v", err, s.waits)
	}
	s.waits = nil
	s.world.Faults.Add(world.Fault{Path: at, Status: 502, Times: 3})
	_, err := s.client.JSAPI(ctx, s.order("gx000002", 100))
	refused(t, "three failures", err, pay.Unknown, "", "")
	if len(s.waits) != 2 {
		t.Errorf("%v", s.waits)
	}
	s.waits = nil
	s.world.Faults.Add(world.Fault{Path: at, Lost: true})
	s.world.Faults.Add(world.Fault{Path: at, Broken: true})
	if _, err := s.client.JSAPI(ctx, s.order("gx000003", 100)); err != nil || len(s.waits) != 2 {
		t.Errorf("a lost answer, a broken one: %v, %v", err, s.waits)
	}
	s.world.Faults.Add(world.Fault{Path: at, Twist: true, Times: 3})
	_, err = s.client.JSAPI(ctx, s.order("gx000004", 100))
	refused(t, "an answer with a wrong signature", err, pay.Unknown, "ANSWER_UNSIGNED", "")
	s.world.Faults.Add(world.Fault{Path: at, Status: 429, Times: 3})
	_, err = s.client.JSAPI(ctx, s.order("gx000005", 100))
	refused(t, "too many", err, pay.Busy, "", "")
	s.hosts = nil
	s.cut = func(r *http.Request) bool { return r.URL.Host == "pay.example" }
	if _, err := s.client.JSAPI(ctx, s.order("gx000006", 100)); err != nil || strings.Join(s.hosts, " ") != "pay.example pay2.example" {
		t.Errorf("the host is away: %v, %v", err, s.hosts)
	}
	s.cut = func(*http.Request) bool { return true }
	_, err = s.client.Query(ctx, "gx000006")
	refused(t, "both are away", err, pay.Unknown, "", "")
	if err == nil || strings.Contains(err.Error(), "gx000006") {
		t.Errorf("the error tells the address: %v", err)
	}
}

func TestPlatformCertificates(t *testing.T) {
	t.Parallel()
	s := open(t, func(a *pay.Account, m *emulated.Merchant) { a.PlatformID, m.Certificates, a.Card = "", true, nil })
	ctx := t.Context()
	list, err := s.client.Certificates(ctx)
	if err != nil || len(list) != 1 || list[0].Serial != keys().platform.Serial {
		t.Fatalf("%+v, %v", list, err)
	}
	s.paid("gx000001", 100)
	s.world.Settle()
	if _, err := s.client.Open(ctx, s.got[0].Header, s.bodies[0]); err != nil {
		t.Fatal(err)
	}
	fetches := func() (n int) { return len(s.world.Record.Since(0, "/v3/certificates")) }
	if n := fetches(); n != 2 {
		t.Errorf("fetched %d times", n)
	}
	h := s.got[0].Header.Clone()
	h.Set("Wechatpay-Serial", "ABCDEF")
	for range 50 {
		if _, err := s.client.Open(ctx, h, s.bodies[0]); err == nil {
			t.Fatal("an unknown serial number was taken")
		}
	}
	if n := fetches(); n > 3 {
		t.Errorf("forged serial numbers made us ask %d times", n)
	}
	s.travel(13 * clock.Hour)
	if _, err := s.client.Query(ctx, "gx000001"); err != nil || fetches() != 3 {
		t.Errorf("after twelve hours: %v, %d fetches", err, fetches())
	}
	s.travel(6 * 365 * clock.Day)
	if _, err := s.client.Query(ctx, "gx000001"); err == nil {
		t.Error("a certificate that is over was believed")
	}
}

func TestAccountsAreChecked(t *testing.T) {
	t.Parallel()
	good := pay.Account{MchID: mchID, Serial: "A", AppIDs: []string{appID}}
	for name, c := range map[string]struct {
		change func(*pay.Account)
		apiv3  string
	}{
		"merchant": {func(a *pay.Account) { a.MchID = "x" }, apiv3}, "serial": {func(a *pay.Account) { a.Serial = "" }, apiv3},
		"short key": {func(*pay.Account) {}, apiv3[:31]}, "no app": {func(a *pay.Account) { a.AppIDs = nil }, apiv3},
		"platform id": {func(a *pay.Account) { a.PlatformID = "AB" }, apiv3}, "host": {func(a *pay.Account) { a.Host = "pay.example" }, apiv3},
		"a path": {func(a *pay.Account) { a.NotifyBase = "https://shop.example/x" }, apiv3},
		"card":   {func(a *pay.Account) { a.Card = &pay.Card{} }, apiv3},
	} {
		a := good
		c.change(&a)
		if err := a.Use(keys().set.Key, c.apiv3, keys().set.Platform, nil); err == nil {
			t.Errorf("%s: taken", name)
		} else if strings.Contains(err.Error(), apiv3[:31]) {
			t.Errorf("%s: the error tells the key", name)
		}
	}
	if err := good.Use(keys().set.Key, apiv3, nil, nil); err != nil || good.Host != pay.DefaultHost || good.Backup != pay.DefaultBackup {
		t.Errorf("%v %s", err, good.Host)
	}
}

// The folder of a demonstration serves both sides.
func TestDemoFolderIsRead(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	w := world.New("demo", clock.NewFake(start))
	d := emulated.Demo{MchID: mchID, BrandID: brand, APIv3: apiv3, AppIDs: []string{appID}, Host: "http://127.0.0.1:1", NotifyBase: "http://127.0.0.1:2"}
	for range 2 { // the second time with the keys of the first
		_, file, err := emulated.OpenDemo(w, dir, d)
		if err != nil {
			t.Fatal(err)
		}
		list, err := pay.Load(file)
		if err != nil || len(list) != 1 || list[0].MchID != mchID || list[0].Card.BrandID != brand || list[0].Host != "http://127.0.0.1:1" || list[0].Backup != "" {
			t.Fatalf("%+v, %v", list, err)
		}
	}
}

func FuzzNotice(f *testing.F) {
	k := keys()
	s := &stage{clock: clock.NewFake(start)}
	a := pay.Account{MchID: mchID, Serial: k.set.Merchant.Serial, AppIDs: []string{appID}, PlatformID: k.set.PublicID, Host: "https://pay.example"}
	if err := a.Use(k.set.Key, apiv3, k.set.Platform, nil); err != nil {
		f.Fatal(err)
	}
	c := pay.New(a, pay.Options{Clock: s.clock})
	f.Add([]byte(`{"id":"1","event_type":"TRANSACTION.SUCCESS","resource_type":"encrypt-resource","resource":{"algorithm":"AEAD_AES_256_GCM","nonce":"","ciphertext":""}}`))
	f.Add([]byte(`{"resource":null}`))
	f.Add([]byte(`[]`))
	f.Fuzz(func(t *testing.T, body []byte) {
		// Behind a signature that holds: what the reader makes of any body. Nothing may open, nothing may panic.
		if n, err := c.OpenUnsigned(body); err == nil {
			t.Fatalf("opened %q", n.Plain)
		}
		h := http.Header{"Wechatpay-Serial": {k.set.PublicID}, "Wechatpay-Nonce": {"n"}, "Wechatpay-Timestamp": {"1790000000"},
			"Wechatpay-Signature": {base64.StdEncoding.EncodeToString(make([]byte, 256))}}
		if _, err := c.Open(t.Context(), h, body); err == nil {
			t.Fatal("a forged signature held")
		}
	})
}
