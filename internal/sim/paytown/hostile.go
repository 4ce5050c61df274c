package paytown

import (
	"context"
	"crypto"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"runtime"
	"strconv"
	"sync"
	"time"

	"guanxi/internal/base/clock"
	"guanxi/internal/base/db"
	"guanxi/internal/base/id"
	"guanxi/internal/edge/wechat/pay"
	"guanxi/internal/emulator/world"
	"guanxi/internal/loyalty/payment"
)

// Door is where deliveries arrive; it gives the HTTP status of the answer.
type Door func(ctx context.Context, app string, h http.Header, body []byte) int

// Assault is what came of many hostile deliveries.
type Assault struct {
	Sent      map[string]int // by kind
	Accepted  map[string]int // of them, those that were taken or changed anything
	Genuine   int            // accepted afterwards, to show that the attacks were made of what would have been taken
	PerSecond int            // on all cores
}

// parcel is one delivery.
type parcel struct {
	app  string
	h    http.Header
	body []byte
}

func (p parcel) copy() parcel { return parcel{p.app, p.h.Clone(), append([]byte(nil), p.body...)} }

const genuine = 48

// captured pays some orders whose notifications reach nobody, and keeps them.
func (h *House) captured(ctx context.Context, p Person) (out []parcel, err error) {
	was := h.World.Client
	h.World.Client = &http.Client{Transport: tripper(func(r *http.Request) (*http.Response, error) {
		body, err := io.ReadAll(r.Body)
		out = append(out, parcel{AppID, r.Header, body})
		if err == nil {
			err = errAway
		}
		return nil, err
	})}
	defer func() { h.World.Client = was }()
	for i := range genuine {
		_, prepay, err := h.Begin(ctx, p, int64(i+1)*100)
		if err != nil {
			return nil, err
		}
		if err := h.Platform.Tap(prepay, p.ID); err != nil {
			return nil, err
		}
	}
	h.World.Settle()
	return out, nil
}

// forge makes a notification with the platform's own key: what it says is wrong, not how it is signed.
func (h *House) forge(key *rsa.PrivateKey, serial, apiv3, event string, what any, at int64) (parcel, error) {
	plain, err := json.Marshal(what)
	if err != nil {
		return parcel{}, err
	}
	block, err := aes.NewCipher([]byte(apiv3))
	if err != nil {
		return parcel{}, err
	}
	gcm, err := cipher.NewGCM(block)
	if err != nil {
		return parcel{}, err
	}
	nonce := "0123456789ab"
	body, err := json.Marshal(map[string]any{"id": id.Token(12), "create_time": time.UnixMilli(at).Format(time.RFC3339), "resource_type": "encrypt-resource",
		"event_type": event, "summary": "x", "resource": map[string]string{"original_type": "transaction", "algorithm": "AEAD_AES_256_GCM", "associated_data": "",
			"nonce": nonce, "ciphertext": base64.StdEncoding.EncodeToString(gcm.Seal(nil, []byte(nonce), plain, nil))}})
	if err != nil {
		return parcel{}, err
	}
	hd, err := signed(key, serial, body, at)
	return parcel{AppID, hd, body}, err
}

func signed(key *rsa.PrivateKey, serial string, body []byte, at int64) (http.Header, error) {
	stamp, nonce := strconv.FormatInt(at/1000, 10), id.Token(24)
	sum := sha256.Sum256([]byte(stamp + "\n" + nonce + "\n" + string(body) + "\n"))
	sig, err := rsa.SignPKCS1v15(nil, key, crypto.SHA256, sum[:])
	return http.Header{"Wechatpay-Timestamp": {stamp}, "Wechatpay-Nonce": {nonce}, "Wechatpay-Serial": {serial},
		"Wechatpay-Signature": {base64.StdEncoding.EncodeToString(sig)}}, err
}

// foreignOff is a merchant that takes nothing it has not asked for.
func foreignOff(a *pay.Account) { a.Foreign = false }

func personOf(id string) world.Person { return world.Person{ID: id, Phone: "13800000001"} }

// said is a transaction as notifications tell it.
func said(app, mch, no, transaction string, fen int64, openid string, at int64) map[string]any {
	return map[string]any{"appid": app, "mchid": mch, "out_trade_no": no, "transaction_id": transaction, "trade_type": "JSAPI", "trade_state": "SUCCESS",
		"success_time": time.UnixMilli(at).Format(time.RFC3339), "payer": map[string]string{"openid": openid},
		"amount": map[string]any{"total": fen, "payer_total": fen, "currency": "CNY", "payer_currency": "CNY"}}
}

// attack makes one hostile delivery out of genuine ones; its kind is a name in the report.
type attack struct {
	kind string
	make func(rng *rand.Rand, p parcel) parcel
}

func byteOf(rng *rand.Rand, b []byte) { b[rng.IntN(len(b))] ^= byte(1 + rng.IntN(255)) }

func header(name string, f func(*rand.Rand, string) string) func(*rand.Rand, parcel) parcel {
	return func(rng *rand.Rand, p parcel) parcel {
		p.h.Set(name, f(rng, p.h.Get(name)))
		return p
	}
}

func digits(rng *rand.Rand, s string) string {
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		return s
	}
	return strconv.FormatInt(n+int64(1+rng.IntN(250)), 10)
}

// attacks are those that need no key of the platform.
var attacks = []attack{
	{"forged signature", header("Wechatpay-Signature", func(rng *rand.Rand, _ string) string {
		b := make([]byte, 256)
		for i := range b {
			b[i] = byte(rng.IntN(256))
		}
		return base64.StdEncoding.EncodeToString(b)
	})},
	{"altered signature", func(rng *rand.Rand, p parcel) parcel {
		b, err := base64.StdEncoding.DecodeString(p.h.Get("Wechatpay-Signature"))
		if err == nil {
			byteOf(rng, b)
		}
		p.h.Set("Wechatpay-Signature", base64.StdEncoding.EncodeToString(b))
		return p
	}},
	{"altered body", func(rng *rand.Rand, p parcel) parcel { byteOf(rng, p.body); return p }},
	{"longer body", func(_ *rand.Rand, p parcel) parcel { p.body = append(p.body, ' '); return p }},
	{"another's signature", nil},
	{"another time", header("Wechatpay-Timestamp", digits)},
	{"another nonce", header("Wechatpay-Nonce", func(rng *rand.Rand, s string) string { return s[1:] + string(rune('a'+rng.IntN(26))) + "0" })},
	{"another serial", header("Wechatpay-Serial", func(rng *rand.Rand, _ string) string { return fmt.Sprintf("PUB_KEY_ID_%d", rng.IntN(1e9)) })},
	{"probe", header("Wechatpay-Signature", func(_ *rand.Rand, s string) string { return "WECHATPAY/SIGNTEST/" + s[19:] })},
	{"a header twice", func(_ *rand.Rand, p parcel) parcel { p.h.Add("Wechatpay-Nonce", p.h.Get("Wechatpay-Nonce")); return p }},
	{"no header", func(_ *rand.Rand, p parcel) parcel { p.h.Del("Wechatpay-Signature"); return p }},
	{"an app of others", func(rng *rand.Rand, p parcel) parcel { p.app = fmt.Sprintf("wx%d", rng.IntN(1e9)); return p }},
}

// liars are deliveries that are signed as they should be and say what they must not; they cost a signature each, so there are
// some of each kind, sent again and again.
func (h *House) liars(victim Payment, openid string) (map[string][]parcel, error) {
	now, out := h.Clock.Now(), map[string][]parcel{}
	thief, err := rsa.GenerateKey(id.Random(), 2048)
	if err != nil {
		return nil, err
	}
	const other = "1900009999"
	for i := range 24 {
		tx := fmt.Sprintf("4200%024d", i)
		for _, l := range []struct {
			kind, event string
			key         *rsa.PrivateKey
			apiv3       string
			what        any
		}{
			{"wrong amount", "TRANSACTION.SUCCESS", h.Keys.Key, apiv3, said(AppID, MchID, victim.No, tx, victim.Amount+int64(i)+1, openid, now)},
			{"a fen less", "TRANSACTION.SUCCESS", h.Keys.Key, apiv3, said(AppID, MchID, victim.No, tx, victim.Amount-1-int64(i), openid, now)},
			{"wrong merchant", "TRANSACTION.SUCCESS", h.Keys.Key, apiv3, said(AppID, other, victim.No, tx, victim.Amount, openid, now)},
			{"wrong app", "TRANSACTION.SUCCESS", h.Keys.Key, apiv3, said("wxffffffffffffffff", MchID, victim.No, tx, victim.Amount, openid, now)},
			{"unknown order", "TRANSACTION.SUCCESS", h.Keys.Key, apiv3, said(AppID, MchID, fmt.Sprintf("gx%018d", i), tx, victim.Amount, openid, now)},
			{"sealed otherwise", "TRANSACTION.SUCCESS", h.Keys.Key, "0123456789abcdef0123456789ABCDEX", said(AppID, MchID, victim.No, tx, victim.Amount, openid, now)},
			{"a thief's key", "TRANSACTION.SUCCESS", thief, apiv3, said(AppID, MchID, victim.No, tx, victim.Amount, openid, now)},
			{"refund of nothing", "REFUND.SUCCESS", h.Keys.Key, apiv3, map[string]any{"mchid": MchID, "out_trade_no": fmt.Sprintf("gx%018d", i), "transaction_id": tx,
				"out_refund_no": fmt.Sprintf("r%d", i), "refund_id": "5030" + tx, "refund_status": "SUCCESS", "amount": map[string]int64{"total": 100, "refund": 100}}},
			{"not a transaction", "TRANSACTION.SUCCESS", h.Keys.Key, apiv3, []int{i}},
		} {
			p, err := h.forge(l.key, h.Keys.PublicID, l.apiv3, l.event, l.what, now)
			if err != nil {
				return nil, err
			}
			out[l.kind] = append(out[l.kind], p)
		}
	}
	return out, nil
}

// effects is everything a delivery could have changed.
type effects struct {
	Paid, Refunds, Orders, Entries, Members int64
}

func (h *House) effects(ctx context.Context) (e effects, err error) {
	err = h.App.DB.View(ctx, func(v *db.View) error {
		e.Paid, e.Refunds, _ = payment.Counts(v)
		v.Row("SELECT COUNT(*) FROM orders", nil, &e.Orders)
		v.Row("SELECT COUNT(*) FROM ledger_entry", nil, &e.Entries)
		v.Row("SELECT COUNT(*) FROM member", nil, &e.Members)
		return nil
	})
	return e, err
}

// Storm sends n hostile deliveries through a door, of every kind as many, and counts what was taken.
func Storm(ctx context.Context, dir string, seed uint64, n int, through func(*House) Door) (a Assault, err error) {
	h, err := Open(ctx, dir, morning, foreignOff)
	if err != nil {
		return a, err
	}
	defer func() { _ = h.Close() }()
	h.World.AddPerson(personOf("anna"))
	anna, err := h.Enrol(ctx, "anna")
	if err != nil {
		return a, err
	}
	real, err := h.captured(ctx, anna)
	if err != nil {
		return a, err
	}
	victim, _, err := h.Begin(ctx, anna, 12_300)
	if err != nil {
		return a, err
	}
	lies, err := h.liars(victim, h.World.OpenID(AppID, "anna"))
	if err != nil {
		return a, err
	}
	s := &storm{House: h, door: through(h), real: real, lies: lies, a: Assault{Sent: map[string]int{}, Accepted: map[string]int{}}, seed: seed}
	return s.run(ctx, n)
}

type storm struct {
	*House
	door Door
	real []parcel
	lies map[string][]parcel
	seed uint64
	mu   sync.Mutex
	a    Assault
}

func (s *storm) run(ctx context.Context, n int) (Assault, error) {
	before, err := s.effects(ctx)
	if err != nil {
		return s.a, err
	}
	kinds := len(attacks) + len(s.lies) + 2
	each := (n + kinds - 1) / kinds
	began := time.Now()
	for _, k := range attacks {
		s.volley(ctx, k.kind, each, func(rng *rand.Rand) parcel {
			i := rng.IntN(len(s.real))
			p := s.real[i].copy()
			if k.make == nil { // the right signature of another notification
				p.h.Set("Wechatpay-Signature", s.real[(i+1)%len(s.real)].h.Get("Wechatpay-Signature"))
				return p
			}
			return k.make(rng, p)
		})
	}
	for kind, list := range s.lies {
		s.volley(ctx, kind, each, func(rng *rand.Rand) parcel { return list[rng.IntN(len(list))] })
	}
	if err := s.unchanged(ctx, before, "any"); err != nil {
		return s.a, err
	}
	half := len(s.real) / 2
	for _, p := range s.real[:half] {
		if s.door(ctx, p.app, p.h, p.body) == http.StatusNoContent {
			s.a.Genuine++
		}
	}
	after, err := s.effects(ctx)
	if err != nil {
		return s.a, err
	}
	s.replays(ctx, each, half)
	if err := s.unchanged(ctx, after, "replayed"); err != nil {
		return s.a, err
	}
	s.Clock.Add(5 * clock.Minute)
	s.volley(ctx, "stale", each, func(rng *rand.Rand) parcel { return s.real[half+rng.IntN(half)] })
	sent := 0
	for _, k := range s.a.Sent {
		sent += k
	}
	s.a.PerSecond = int(float64(sent) / time.Since(began).Seconds())
	return s.a, s.unchanged(ctx, after, "stale")
}

// unchanged counts what was changed although nothing should be.
func (s *storm) unchanged(ctx context.Context, was effects, kind string) error {
	is, err := s.effects(ctx)
	if is != was {
		s.a.Accepted["effect of "+kind]++
	}
	return err
}

// volley sends one kind from all cores.
func (s *storm) volley(ctx context.Context, kind string, n int, next func(*rand.Rand) parcel) {
	s.send(ctx, kind, n, next, true)
}

// replays sends what was taken once more: it is answered, and changes nothing.
func (s *storm) replays(ctx context.Context, n, half int) {
	s.send(ctx, "replayed", n, func(rng *rand.Rand) parcel { return s.real[rng.IntN(half)] }, false)
}

func (s *storm) send(ctx context.Context, kind string, n int, next func(*rand.Rand) parcel, hostile bool) {
	var all sync.WaitGroup
	workers := runtime.GOMAXPROCS(0)
	for w := range workers {
		all.Go(func() {
			rng := rand.New(rand.NewPCG(s.seed, uint64(w)))
			taken, count := 0, n/workers
			if w == 0 {
				count += n % workers
			}
			for range count {
				p := next(rng)
				if s.door(ctx, p.app, p.h, p.body) < 300 && hostile {
					taken++
				}
			}
			s.mu.Lock()
			s.a.Sent[kind] += count
			if taken > 0 {
				s.a.Accepted[kind] += taken
			}
			s.mu.Unlock()
		})
	}
	all.Wait()
}

// Careless is a door that does not look at signatures: it signs what it gets itself. A storm must see it.
func Careless(h *House) Door {
	right := Careful(h)
	return func(ctx context.Context, app string, _ http.Header, body []byte) int {
		hd, err := signed(h.Keys.Key, h.Keys.PublicID, body, h.Clock.Now())
		if err != nil {
			return http.StatusInternalServerError
		}
		return right(ctx, app, hd, body)
	}
}

// Careful is the door of the product.
func Careful(h *House) Door {
	return func(ctx context.Context, app string, hd http.Header, body []byte) int {
		status, _ := h.App.Cashier.Deliver(ctx, app, hd, body)
		return status
	}
}
