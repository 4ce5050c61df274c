package playground

import (
	"bytes"
	"encoding/base64"
	"math/rand"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strconv"
	"strings"
	"testing"

	"guanxi/internal/base/clock"
	"guanxi/internal/base/vault"
	"guanxi/internal/emulator/accounts"
)

// pushes is how many hostile deliveries a run makes: 100,000, 10,000 when short, or GUANXI_HOSTILE.
func pushes(t *testing.T) int {
	t.Helper()
	if n, err := strconv.Atoi(os.Getenv("GUANXI_HOSTILE")); err == nil && n > 0 {
		return n
	}
	if testing.Short() {
		return 10_000
	}
	return 100_000
}

// forger makes deliveries that the platform has not sent. It knows everything but the secrets, and has kept what was sent before.
type forger struct {
	x        *place
	rng      *rand.Rand
	key      []byte
	body     []byte
	query    url.Values
	sealed   string
	stale    url.Values // signed by the platform, long ago
	elsewhat string     // sealed with the right key for another receiver
	addressd string     // sealed for us, to another account's name
}

func (f *forger) signed(stamp, sealed string) url.Values {
	token, nonce := f.x.oa.Token, "n0nce"
	return url.Values{"timestamp": {stamp}, "nonce": {nonce}, "signature": {accounts.Sign(token, stamp, nonce)}, "msg_signature": {accounts.Sign(token, stamp, nonce, sealed)}, "encrypt_type": {"aes"}}
}

func (f *forger) seal(to, receiver string) string {
	text := `<xml><ToUserName>` + to + `</ToUserName><FromUserName>` + f.x.p.World.OpenID(f.x.oa.ID, "lin") + `</FromUserName><CreateTime>` + f.stamp(0) + `</CreateTime><MsgType>event</MsgType><Event>unsubscribe</Event></xml>`
	return accounts.Encrypt(f.key, []byte("0123456789abcdef"), []byte(text), receiver)
}

func (f *forger) stamp(back int64) string {
	return strconv.FormatInt((f.x.at.Now()-back)/clock.Second, 10)
}

func envelope(sealed string) []byte {
	return []byte("<xml><ToUserName>gh</ToUserName><Encrypt><![CDATA[" + sealed + "]]></Encrypt></xml>")
}

func newForger(x *place) *forger {
	f := &forger{x: x, rng: rand.New(rand.NewSource(1))}
	f.key, _ = base64.StdEncoding.DecodeString(x.oa.AESKey + "=")
	f.sealed = f.seal(x.oa.Original, x.oa.ID)
	f.query, f.body = f.signed(f.stamp(0), f.sealed), envelope(f.sealed)
	f.stale = f.signed(f.stamp(11*clock.Minute), f.sealed)
	f.elsewhat, f.addressd = f.seal(x.oa.Original, "wxother"), f.seal("gh_other", x.oa.ID)
	return f
}

// twist changes one byte of the sealed text.
func (f *forger) twist() []byte {
	b := bytes.Clone(f.body)
	at := bytes.Index(b, []byte("CDATA[")) + 6 + f.rng.Intn(len(f.sealed))
	b[at] ^= byte(1 + f.rng.Intn(3))
	return b
}

// with is the genuine query with one value replaced.
func (f *forger) with(name, value string) url.Values {
	q := url.Values{}
	for k, v := range f.query {
		q[k] = v
	}
	q.Set(name, value)
	return q
}

func (f *forger) word() string { return strconv.FormatUint(f.rng.Uint64(), 36) }

// next makes one delivery.
func (f *forger) next(i int) (path string, q url.Values, body []byte) {
	path, q, body = "/hooks/wechat/oa/"+f.x.oa.ID, f.query, f.body
	switch i % 12 {
	case 0:
		q = f.with("signature", accounts.Sign(f.word(), q.Get("timestamp"), q.Get("nonce")))
	case 1:
		q = f.with("msg_signature", accounts.Sign(f.word()))
	case 2:
		body = f.twist()
	case 3:
		body = body[:f.rng.Intn(len(body)-12)]
	case 4:
		q = f.with("nonce", f.word())
	case 5:
		q = f.with("timestamp", f.stamp(f.rng.Int63n(60_000)+1000))
	case 6:
		q = f.stale
	case 7: // in the clear, with the plain signature of a kept one
		body = []byte(`<xml><ToUserName>` + f.x.oa.Original + `</ToUserName><FromUserName>` + f.word() + `</FromUserName><CreateTime>1</CreateTime><MsgType>event</MsgType><Event>subscribe</Event></xml>`)
	case 8:
		q, body = f.signed(q.Get("timestamp"), f.elsewhat), envelope(f.elsewhat)
	case 9:
		q, body = f.signed(q.Get("timestamp"), f.addressd), envelope(f.addressd)
	case 10:
		path = "/hooks/wechat/oa/wx" + f.word()
	default: // another account's door
		path = "/hooks/wechat/mp/" + f.x.mp.ID
	}
	return path, q, body
}

func TestHostilePushesAreAllRefused(t *testing.T) {
	t.Parallel()
	x := shown(t)
	x.work()
	x.a.Entry.AnyTime, x.a.WeCom.AnyTime = false, false
	x.follower("lin")
	f, h := newForger(x), x.srv.Config.Handler
	send := func(path string, q url.Values, body []byte) (int, string) {
		r := httptest.NewRequest(http.MethodPost, path+"?"+q.Encode(), bytes.NewReader(body))
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		return w.Code, w.Body.String()
	}
	n, accepted := pushes(t), 0
	corp := x.p.Company
	cq, cbody := corp.Seal([]byte(`<xml><ToUserName>` + corp.CorpID + `</ToUserName><CreateTime>` + f.stamp(0) + `</CreateTime><MsgType>event</MsgType><Event>change_external_contact</Event><ChangeType>add_external_contact</ChangeType><UserID>zhang</UserID><ExternalUserID>wmx</ExternalUserID></xml>`))
	cq.Set("msg_signature", accounts.Sign("not the token", cq.Get("timestamp")))
	for i := range n {
		path, q, body := f.next(i)
		if i%13 == 12 {
			path, q, body = "/hooks/wecom/"+corp.CorpID, cq, cbody
		}
		if status, said := send(path, q, body); status < 400 || strings.Contains(said, "success") {
			accepted++
			t.Errorf("delivery %d of kind %d was accepted: %d %s", i, i%12, status, said)
		}
	}
	if accepted > 0 {
		t.Fatalf("%d of %d accepted", accepted, n)
	}
	follows := func() bool {
		return !x.a.Entry.Left(t.Context(), x.oa.ID, vault.Hide(x.p.World.OpenID(x.oa.ID, "lin")))
	}
	x.work()
	if !follows() || x.members() != 1 || len(x.incidents()) > 20 {
		t.Errorf("something changed: %v %d %d", follows(), x.members(), len(x.incidents()))
	}
	// The genuine one is taken, and counts once however often it comes.
	x.at.Add(clock.Second)
	f = newForger(x)
	for range 50 {
		if status, said := send("/hooks/wechat/oa/"+x.oa.ID, f.query, f.body); status != 200 || said != "success" {
			t.Fatal(status, said)
		}
	}
	jobs := 0
	for ran := 1; ran > 0; jobs += ran {
		var err error
		if ran, err = x.a.Jobs.Step(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if follows() || jobs > 5 {
		t.Errorf("the genuine one: follows %v, %d jobs", follows(), jobs)
	}
	t.Logf("%d deliveries, %d accepted", n, accepted)
}
