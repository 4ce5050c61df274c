// Package pay is the emulated WeChat Pay: it verifies what it is sent byte by byte, refuses what the platform refuses, signs
// and seals with keys of its own, and calls back as often as the platform does (模拟微信支付).
//
// It was written from the platform's documents alone and shares no line with the client it is spoken to by.
package pay

import (
	"crypto/rsa"
	"fmt"
	"net/http"
	"strings"
	"sync"

	"guanxi/internal/emulator/world"
)

// Merchant is one account, as set up in the merchant's console.
type Merchant struct {
	MchID  string
	Serial string         // of the merchant's API certificate
	Key    *rsa.PublicKey // the public half in it
	APIv3  string
	AppIDs []string
	// Certificates says that this merchant still gets platform certificates and not the public key.
	Certificates bool
	Brand        *Brand
}

// Brand is a brand with a member card.
type Brand struct {
	ID     string
	Serial string
	Key    *rsa.PublicKey
	AppIDs []string
}

// Trouble is what happens to notifications on their way. Each is in percent.
type Trouble struct {
	Twice  int   // sent twice
	Lost   int   // never sent, nor again
	Probe  int   // a probe with a wrong signature goes ahead
	Spread int64 // ms: the first try is up to this late, so that they overtake each other
}

// Pay is the platform.
type Pay struct {
	w    *world.World
	keys Keys

	mu        sync.Mutex
	trouble   Trouble
	merchants map[string]*Merchant
	brands    map[string]*Merchant
	orders    map[string]*order // mchid/out_trade_no
	byPrepay  map[string]*order
	byID      map[string]*order
	refunds   map[string]*refund // mchid/out_refund_no
	bills     map[string][]byte  // by token
	codes     map[string]code    // payment codes of phones
	cards     cards
	next      []string // how the next refunds end, when not well
	poor      map[string]bool
	mux       *http.ServeMux
	counts    Counts
}

// Counts is how much was said.
type Counts struct{ Sent, Answered, Lost, Probes, Twice int }

// New makes the platform in a world.
func New(w *world.World, k Keys) *Pay {
	p := &Pay{w: w, keys: k, merchants: map[string]*Merchant{}, brands: map[string]*Merchant{}, orders: map[string]*order{},
		byPrepay: map[string]*order{}, byID: map[string]*order{}, refunds: map[string]*refund{}, bills: map[string][]byte{},
		codes: map[string]code{}, poor: map[string]bool{}, mux: http.NewServeMux()}
	p.cards.init()
	p.routes()
	return p
}

// AddMerchant opens an account.
func (p *Pay) AddMerchant(m Merchant) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.merchants[m.MchID] = &m
	if m.Brand != nil {
		p.brands[m.Brand.ID] = &m
	}
}

// Disturb sets what happens to notifications from now on.
func (p *Pay) Disturb(t Trouble) { p.mu.Lock(); p.trouble = t; p.mu.Unlock() }

// Counts tells how much was said so far.
func (p *Pay) Counts() Counts { p.mu.Lock(); defer p.mu.Unlock(); return p.counts }

// NextRefund makes the next refund end otherwise: ABNORMAL or CLOSED.
func (p *Pay) NextRefund(status string) {
	p.mu.Lock()
	p.next = append(p.next, status)
	p.mu.Unlock()
}

// Poor says that a merchant has no money for refunds (NOT_ENOUGH).
func (p *Pay) Poor(mchID string, is bool) { p.mu.Lock(); p.poor[mchID] = is; p.mu.Unlock() }

// ServeHTTP answers what the platform's host is asked.
func (p *Pay) ServeHTTP(w http.ResponseWriter, r *http.Request) { p.mux.ServeHTTP(w, r) }

func (p *Pay) routes() {
	p.handle("POST /v3/pay/transactions/jsapi", p.postJSAPI)
	p.handle("POST /v3/pay/transactions/codepay", p.postCode)
	p.handle("GET /v3/pay/transactions/out-trade-no/{no}", p.getByNo)
	p.handle("GET /v3/pay/transactions/id/{id}", p.getByID)
	p.handle("POST /v3/pay/transactions/out-trade-no/{no}/close", p.postClose)
	p.handle("POST /v3/pay/transactions/out-trade-no/{no}/reverse", p.postReverse)
	p.handle("POST /v3/refund/domestic/refunds", p.postRefund)
	p.handle("GET /v3/refund/domestic/refunds/{no}", p.getRefund)
	p.handle("GET /v3/bill/tradebill", p.getBill)
	p.handle("GET /v3/billdownload/file", p.getBillFile)
	p.handle("GET /v3/certificates", p.getCertificates)
	p.cardRoutes()
	p.mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		p.refuse(w, r, nil, &problem{404, "NOT_FOUND", "no such interface", "268435458"})
	})
}

// dice throws 0…n-1, the same for the same seed.
func (p *Pay) dice(n int) int {
	if n <= 0 {
		return 0
	}
	b := p.w.Bytes(4)
	return int(uint32(b[0])|uint32(b[1])<<8|uint32(b[2])<<16|uint32(b[3])<<24) % n
}

// number draws the number of a payment or refund: 28 digits that never come twice, also when the platform starts anew with the same seed.
func (p *Pay) number(kind string) string {
	return fmt.Sprintf("%s%s%013d", kind, p.digits(24)[:11], p.w.Clock.Now())
}

// digits draws a number of n digits.
func (p *Pay) digits(n int) string {
	var out strings.Builder
	for _, b := range p.w.Bytes(n) {
		out.WriteByte('0' + b%10)
	}
	return out.String()
}
