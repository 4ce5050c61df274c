package points

import (
	"net/http"

	"guanxi/internal/base/clock"
	"guanxi/internal/base/db"
	"guanxi/internal/base/fault"
	"guanxi/internal/base/web"
	"guanxi/internal/loyalty/ledger"
	"guanxi/internal/loyalty/member"
	"guanxi/internal/loyalty/shop"
)

// routes are the feature's routes over a database.
type routes struct {
	s *Service
	d *db.DB
}

// RoutesPartner registers what partners may do with points.
func (s *Service) RoutesPartner(srv *web.Server, d *db.DB) {
	h := routes{s, d}
	srv.Tag("points", "积分", "Points")
	tags := []string{"points"}
	const door, read, write = shop.PartnerDoor, "points.read", "points.write"
	post := []*fault.Kind{member.ErrNone, member.ErrBlocked, ledger.ErrInsufficient, ledger.ErrAmount, ledger.ErrReused, ledger.ErrBalance, shop.ErrOtherStore}
	web.Route(srv, web.Op{Door: door, Method: http.MethodPost, Path: "/postings", ID: "points.post", Perm: write, Write: true, Status: http.StatusCreated,
		Tags: tags, Zh: "发放（正）或消耗（负）积分；幂等键即该笔的编号，永久有效", En: "Give (positive) or take (negative) points; the idempotency key names the posting for ever", Errors: post}, h.postPosting)
	web.Route(srv, web.Op{Door: door, Method: http.MethodPost, Path: "/postings/batches", ID: "points.post_batch", Perm: write, Write: true,
		Tags: tags, Zh: "批量记账，每项各自成败", En: "Post many at once, each standing for itself", Errors: []*fault.Kind{shop.ErrOtherStore}}, h.postBatch)
	web.Route(srv, web.Op{Door: door, Method: http.MethodPost, Path: "/postings/reversals", ID: "points.reverse", Perm: write, Write: true, Status: http.StatusCreated,
		Tags: tags, Zh: "冲正自己记的一笔，可部分", En: "Reverse a posting of one's own, wholly or in part",
		Errors: []*fault.Kind{member.ErrNone, ledger.ErrNoEntry, ledger.ErrReversed, ledger.ErrNotReversible, ledger.ErrReused}}, h.postReversal)
	web.Route(srv, web.Op{Door: door, Method: http.MethodPost, Path: "/transfers", ID: "points.transfer", Perm: write, Write: true, Status: http.StatusCreated,
		Tags: tags, Zh: "转赠积分，有效期不变", En: "Hand points on; they keep their expiry",
		Errors: []*fault.Kind{member.ErrNone, member.ErrBlocked, ledger.ErrInsufficient, ledger.ErrSelf, ledger.ErrReused, ledger.ErrBalance}}, h.postTransfer)
	web.Route(srv, web.Op{Door: door, Method: http.MethodPost, Path: "/holds", ID: "points.hold", Perm: write, Write: true, Status: http.StatusCreated,
		Tags: tags, Zh: "为待支付订单预占积分", En: "Set points apart for an open order",
		Errors: []*fault.Kind{member.ErrNone, member.ErrBlocked, ledger.ErrInsufficient, ledger.ErrReused, ErrSpendMin, ErrSpendStep, ErrSpendCap}}, h.postHold)
	ended := []*fault.Kind{member.ErrNone, member.ErrBlocked, ledger.ErrNoHold, ledger.ErrHoldEnded, ledger.ErrAmount, ledger.ErrReused}
	web.Route(srv, web.Op{Door: door, Method: http.MethodPost, Path: "/holds/{id}/postings", ID: "points.hold_post", Perm: write, Write: true, Status: http.StatusCreated,
		Tags: tags, Zh: "扣除预占的积分（不随订单上报时使用）", En: "Spend held points, when no order is reported with the hold", Errors: ended}, h.postHoldPosting)
	web.Route(srv, web.Op{Door: door, Method: http.MethodPost, Path: "/holds/{id}/release", ID: "points.hold_release", Perm: write, Write: true,
		Tags: tags, Zh: "释放预占的积分", En: "Set held points free", Errors: ended}, h.postRelease)
	web.Route(srv, web.Op{Door: door, Method: http.MethodPost, Path: "/points/quotes", ID: "points.quote", Perm: read,
		Tags: tags, Zh: "试算本单最多可用积分", En: "Tell how many points may pay an order", Errors: []*fault.Kind{member.ErrNone, member.ErrBlocked}}, h.postQuote)
	h.partnerReads(srv, tags, read)
}

// PostingIn is one posting as a partner asks for it; its key stands beside it.
type PostingIn struct {
	Member web.ID `json:"member_id" doc:"会员编号|the member"`
	Points int64  `json:"points" minimum:"-1000000000" maximum:"1000000000" doc:"积分：正为发放，负为消耗，不为 0|points: positive gives, negative takes, never 0"`
	Reason string `json:"reason" minLength:"1" maxLength:"200" doc:"原因，会员可见|why; the member sees it"`
	Class  string `json:"class,omitempty" enum:"consumption,campaign,reward" doc:"积分种类，决定有效期，默认 reward|class of points given, which decides how long they live; reward when absent"`
	Store  string `json:"store,omitempty" maxLength:"64" doc:"门店编码|code of the store"`
}

// classOf reads the class of points given.
func classOf(name string) int {
	switch name {
	case "consumption":
		return ledger.ClassConsumption
	case "campaign":
		return ledger.ClassCampaign
	}
	return ledger.ClassReward
}

func className(class int) string {
	switch class {
	case ledger.ClassConsumption:
		return "consumption"
	case ledger.ClassCampaign:
		return "campaign"
	}
	return "reward"
}

// BookedOut is one entry as its maker sees it.
type BookedOut struct {
	Member    web.ID `json:"member_id" doc:"会员编号|the member"`
	Seq       int64  `json:"seq" doc:"会员积分流水的序号|number of the entry among the member's"`
	Points    int64  `json:"points" doc:"记账积分，带符号|points booked, signed"`
	Balance   int64  `json:"balance" doc:"该笔之后的余额|balance after the entry"`
	Available int64  `json:"available" doc:"现在可用积分|points available now"`
	ExpiresAt int64  `json:"expires_at,omitempty" doc:"发放积分的到期时刻，UTC 毫秒|when points given expire, milliseconds UTC"`
	BookedAt  int64  `json:"booked_at" doc:"记账时刻，UTC 毫秒|when it was booked, milliseconds UTC"`
}

func booked(r db.Reader, e ledger.Entry) *BookedOut {
	out := &BookedOut{web.ID(e.Member), e.Seq, e.Amount, e.Balance, ledger.Now(r, e.Member, e.Asset).Available, 0, e.At}
	if e.Lot != 0 && e.Expires < clock.Never {
		out.ExpiresAt = e.Expires
	}
	return out
}

// before finds what a cause has booked with an id that was merged since; with the living member the ledger knows.
func before(r db.Reader, asked, living int64, cause string) (ledger.Entry, bool) {
	if asked == living {
		return ledger.Entry{}, false
	}
	for _, id := range member.PathOf(r, asked) {
		if e, ok := ledger.EntryBySource(r, id, ledger.Points, cause); ok {
			return e, true
		}
	}
	return ledger.Entry{}, false
}

// post books one posting of a partner, once a cause.
func (s *Service) post(tx *db.Tx, who shop.Caller, p PostingIn, cause string) (*BookedOut, error) {
	store, err := who.StoreFor(p.Store)
	if err != nil {
		return nil, err
	}
	act := member.Earn
	if p.Points < 0 {
		act = member.Spend
	}
	m, err := member.Require(tx, int64(p.Member), act)
	if err != nil {
		return nil, err
	}
	e, ok := before(tx, int64(p.Member), m.ID, cause)
	switch {
	case ok && e.Amount != p.Points:
		err = ledger.ErrReused.New()
	case ok:
	case p.Points < 0:
		e, err = s.Ledger.Take(tx, ledger.Debit{Member: m.ID, Asset: ledger.Points, Amount: -p.Points, Kind: ledger.KindSpend,
			Source: cause, Reason: p.Reason, Ref: storeRef(store)})
	default:
		class := classOf(p.Class)
		e, err = s.Ledger.Add(tx, ledger.Credit{Member: m.ID, Asset: ledger.Points, Amount: p.Points, Kind: ledger.KindGrant, Source: cause,
			Class: class, Expires: Policy.At(tx, tx.Now()).Value.Expiry(s.Zone, class, tx.Now()), Reason: p.Reason, Ref: storeRef(store)})
	}
	if err != nil {
		return nil, err
	}
	return booked(tx, e), nil
}

func storeRef(store string) string {
	if store == "" {
		return ""
	}
	return "store:" + store
}

// causeOf names what a request books: by the key the partner gave it, so that the same key never books twice, not even
// when the reply has long been forgotten.
func causeOf(c *web.Ctx) string {
	key := c.Header("Idempotency-Key")
	if len(key) > maxCause {
		key = "#" + web.TokenHash(key)
	}
	return shop.CallerOf(c).Cause(key)
}

// maxCause is the longest key that stands in a cause as it is.
const maxCause = 120

func (h routes) postPosting(c *web.Ctx, in *struct{ Body PostingIn }) (*BookedOut, error) {
	op := db.Op{Owner: int64(in.Body.Member), Wants: []db.Want{ledger.Want(int64(in.Body.Member), ledger.Points, causeOf(c))}}
	return web.Write(c, op, func(tx *db.Tx) (*BookedOut, error) {
		return h.s.post(tx, shop.CallerOf(c), in.Body, causeOf(c))
	})
}

type batchItem struct {
	Key string `json:"key" minLength:"1" maxLength:"120" doc:"该笔的编号，永久有效|names the posting, for ever"`
	PostingIn
}

type batchIn struct {
	Body struct {
		Postings []batchItem `json:"postings" minItems:"1" maxItems:"100" doc:"各笔|the postings"`
	}
}

func (h routes) postBatch(c *web.Ctx, in *batchIn) (*shop.Batch[BookedOut], error) {
	who := shop.CallerOf(c)
	op := db.Op{Weight: len(in.Body.Postings)}
	for _, p := range in.Body.Postings {
		op.Owners = append(op.Owners, int64(p.Member))
		op.Wants = append(op.Wants, ledger.Want(int64(p.Member), ledger.Points, who.Cause(p.Key)))
	}
	return web.Write(c, op, func(tx *db.Tx) (*shop.Batch[BookedOut], error) {
		out := &shop.Batch[BookedOut]{}
		for _, p := range in.Body.Postings {
			err := out.Add(tx, c, p.Key, func(tx *db.Tx) (*BookedOut, error) { return h.s.post(tx, who, p.PostingIn, who.Cause(p.Key)) })
			if err != nil {
				return nil, err
			}
		}
		return out, nil
	})
}

type reversalIn struct {
	Body struct {
		Member web.ID `json:"member_id" doc:"会员编号，同原笔|the member, as in the posting"`
		Key    string `json:"key" minLength:"1" maxLength:"255" doc:"原笔的编号：当时的幂等键或批内编号|key of the posting: its idempotency key, or its key in the batch"`
		Points int64  `json:"points,omitempty" minimum:"1" maximum:"1000000000" doc:"冲正多少积分，不填为剩余全部|points to reverse; all that is left when absent"`
		Reason string `json:"reason" minLength:"1" maxLength:"200" doc:"原因，会员可见|why; the member sees it"`
	}
}

// postReversal finds the posting by its key alone, so a partner reaches nothing but its own.
func (h routes) postReversal(c *web.Ctx, in *reversalIn) (*BookedOut, error) {
	b := in.Body
	return web.Write(c, db.Op{Owner: int64(b.Member)}, func(tx *db.Tx) (*BookedOut, error) {
		m, err := member.Resolve(tx, int64(b.Member))
		if err != nil {
			return nil, err
		}
		of := b.Key
		if len(of) > maxCause {
			of = "#" + web.TokenHash(of)
		}
		e, ok := ledger.Entry{}, false
		for _, id := range member.PathOf(tx, int64(b.Member)) {
			if e, ok = ledger.EntryBySource(tx, id, ledger.Points, shop.CallerOf(c).Cause(of)); ok {
				break
			}
		}
		if !ok {
			return nil, ledger.ErrNoEntry.New().At("key")
		}
		if e.Kind != ledger.KindGrant && e.Kind != ledger.KindSpend { // one side of a transfer alone would make points of nothing
			return nil, ledger.ErrNotReversible.New()
		}
		back, err := h.s.Ledger.Reverse(tx, ledger.Reversal{Member: e.Member, Asset: e.Asset, Seq: e.Seq, Amount: b.Points, Source: causeOf(c),
			Ref: e.Ref, Reason: b.Reason, Short: Policy.At(tx, tx.Now()).Value.Short(), To: m.ID})
		if err != nil {
			return nil, err
		}
		if back.Seq == 0 { // all of it was spent, and the policy books no debt
			back = ledger.Entry{Member: m.ID, Asset: ledger.Points, Balance: ledger.Now(tx, m.ID, ledger.Points).Balance, At: tx.Now()}
		}
		return booked(tx, back), nil
	})
}

type transferIn struct {
	Body struct {
		From   web.ID `json:"from_member_id" doc:"转出会员|who gives"`
		To     web.ID `json:"to_member_id" doc:"转入会员|who gets"`
		Points int64  `json:"points" minimum:"1" maximum:"1000000000" doc:"积分|points"`
		Reason string `json:"reason" minLength:"1" maxLength:"200" doc:"原因，双方可见|why; both see it"`
	}
}

type transferOut struct {
	Sent     BookedOut `json:"sent" doc:"转出的一笔|the entry of who gave"`
	Received BookedOut `json:"received" doc:"转入的一笔|the entry of who got"`
}

func (h routes) postTransfer(c *web.Ctx, in *transferIn) (*transferOut, error) {
	b := in.Body
	return web.Write(c, db.Op{Owners: []int64{int64(b.From), int64(b.To)}}, func(tx *db.Tx) (*transferOut, error) {
		from, err := member.Require(tx, int64(b.From), member.Spend)
		if err != nil {
			return nil, err
		}
		to, err := member.Require(tx, int64(b.To), member.Earn)
		if err != nil {
			return nil, err
		}
		if _, ok := before(tx, int64(b.From), from.ID, causeOf(c)); ok { // handed on before a merge
			return nil, ledger.ErrReused.New()
		}
		out, got, err := h.s.Ledger.Transfer(tx, from.ID, to.ID, ledger.Points, b.Points, causeOf(c), b.Reason)
		if err != nil {
			return nil, err
		}
		return &transferOut{*booked(tx, out), *booked(tx, got)}, nil
	})
}
