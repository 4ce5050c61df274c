package earn

import (
	"strconv"
	"strings"

	"guanxi/internal/base/clock"
	"guanxi/internal/base/db"
	"guanxi/internal/base/id"
	"guanxi/internal/base/web"
	"guanxi/internal/loyalty/ledger"
	"guanxi/internal/loyalty/member"
	"guanxi/internal/loyalty/order"
	"guanxi/internal/loyalty/points"
	"guanxi/internal/loyalty/shop"
)

// ruleName names the version of a rule that gave something.
func ruleName(r db.Reader, version int64, asset ledger.Asset, lang string) string {
	if c := ruleSets.Get(r).byID[version]; c != nil {
		return words{c.Zh, c.En}.in(lang)
	}
	if version == 0 && asset == ledger.Growth {
		return words{"成长值", "Growth"}.in(lang)
	}
	return ""
}

// finite leaves out the expiry of what never expires.
func finite(at int64) int64 {
	if at >= clock.Never {
		return 0
	}
	return at
}

type orderGetIn struct {
	No string `query:"no" required:"true" minLength:"1" maxLength:"120" doc:"贵方订单号|your number of the order"`
}

type orderDetail struct {
	OrderFacts
	Lines   []orderLine   `json:"lines" doc:"明细|lines"`
	Refunds []orderRefund `json:"refunds" doc:"退款，从旧到新|refunds, the oldest first"`
	Why     []whyLine     `json:"why" doc:"积分依据：每条规则给了什么，或为何没给|what each rule gave, or why it gave nothing"`
}

type orderLine struct {
	SKU      string `json:"sku,omitempty" doc:"商品编码|item code"`
	Name     string `json:"name,omitempty" doc:"商品名称|name of the item"`
	Qty      int64  `json:"quantity" doc:"数量|quantity"`
	Amount   int64  `json:"amount_fen" doc:"整行实付金额，分|paid for the whole line, in fen"`
	Eligible int64  `json:"eligible_fen" doc:"其中可积分的金额，分|of it what earns, in fen"`
	BackQty  int64  `json:"refunded_quantity" doc:"已退数量|quantity refunded"`
	Back     int64  `json:"refunded_fen" doc:"已退金额，分|refunded, in fen"`
}

type orderRefund struct {
	No       string `json:"no" doc:"退款号|its number"`
	Amount   int64  `json:"amount_fen" doc:"金额，分|amount, in fen"`
	Occurred int64  `json:"occurred_at" doc:"退款时刻，UTC 毫秒|when it was refunded, milliseconds UTC"`
	Reason   string `json:"reason,omitempty" doc:"原因|why"`
}

type whyLine struct {
	Rule       string `json:"rule,omitempty" doc:"规则名称|name of the rule"`
	RuleID     web.ID `json:"rule_id,omitempty" doc:"规则|the rule"`
	VersionNo  int    `json:"version_no,omitempty" doc:"规则的第几版|which version of the rule"`
	Asset      string `json:"asset,omitempty" doc:"资产|asset"`
	Code       string `json:"code" doc:"given，或没给的原因代码|given, or the code of why nothing was"`
	Given      int64  `json:"given" doc:"给了多少|what was given"`
	Clawed     int64  `json:"taken_back" doc:"退款已扣回|what refunds have taken back"`
	Forgone    int64  `json:"forgone" doc:"未能扣回|what could not be taken back"`
	Arithmetic string `json:"arithmetic,omitempty" doc:"算式|the arithmetic"`
	Cap        string `json:"cap,omitempty" doc:"触及的上限|the cap that bit"`
	Sentence   string `json:"sentence" doc:"一句话说明|in a sentence"`
	ExpiresAt  int64  `json:"expires_at,omitempty" doc:"到期时刻，UTC 毫秒|when it expires, milliseconds UTC"`
}

func (h Routes) detail(v *db.View, o order.Order, lang string) (*orderDetail, error) {
	out := &orderDetail{OrderFacts: factsOf(o), Lines: []orderLine{}, Refunds: []orderRefund{}, Why: []whyLine{}}
	for _, l := range o.LinesOf() {
		out.Lines = append(out.Lines, orderLine{l.SKU, l.Name, l.Qty, l.Amount, l.Eligible, l.BackQty, l.BackAmount})
	}
	for _, f := range order.RefundsOf(v, o.Member, o.ID) {
		out.Refunds = append(out.Refunds, orderRefund{f.No, f.Amount, f.Occurred, f.Reason})
	}
	d, ok, err := DecisionOf(v, o.Member, o.ID)
	if err != nil || !ok {
		return out, err
	}
	for _, l := range Why(v, h.Earn.Zone, d, &o, lang) {
		out.Why = append(out.Why, whyLine{l.Name, web.ID(l.Rule), l.VersionNo, l.Asset, l.Code, l.Given, l.Clawed, l.Forgone,
			l.Arithmetic, l.Cap, l.Sentence, finite(l.Expires)})
	}
	return out, nil
}

func (h Routes) getOrder(c *web.Ctx, in *orderGetIn) (out *orderDetail, err error) {
	err = h.DB.View(c, func(v *db.View) error {
		o, ok := order.Find(v, shop.CallerOf(c).Source(), in.No)
		if !ok {
			return order.ErrNone.New()
		}
		out, err = h.detail(v, o, c.Lang())
		return err
	})
	return out, err
}

// StatementPage asks for a page of entries.
type StatementPage struct {
	web.Paging
	Asset     string `query:"asset" enum:"points,growth" default:"points" doc:"资产|asset"`
	Month     int    `query:"month" minimum:"0" maximum:"999912" doc:"只看这个自然月，如 202607|only this local month, such as 202607"`
	Direction string `query:"direction" enum:"in,out" doc:"只看收入或支出|only what came in, or went out"`
	Kind      string `query:"kind" enum:"earn,grant,spend,expire,clawback,restore,adjust,reversal,transfer,merge,unmerge,seize,mature" doc:"只看一种类型|only entries of this kind"`
}

// filter reads what is asked for; a month that is none asks for all.
func (in *StatementPage) filter(z clock.Zone) ledger.Filter {
	f := ledger.Filter{Kind: in.Kind, Sign: map[string]int{"in": 1, "out": -1}[in.Direction]}
	if m := in.Month % 100; in.Month >= 197001 && m >= 1 && m <= 12 {
		first := in.Month*100 + 1
		f.From, f.Until = z.StartOfDay(first), z.StartOfDay(z.AddMonths(first, 1))
	}
	return f
}

type statementIn struct {
	ID web.ID `path:"id" doc:"会员编号|the member"`
	StatementPage
}

type statementLine struct {
	Seq       int64  `json:"seq" doc:"序号|number"`
	Title     string `json:"title" doc:"一句话说明为何|why, in a few words"`
	Kind      string `json:"kind" doc:"类型：earn 获取、grant 发放、spend 消耗、expire 过期、clawback 扣回、restore 退回、adjust 调账、reversal 冲正、transfer 转赠、merge 合并、unmerge 拆分、seize 没收、mature 提前生效|kind of entry"`
	Amount    int64  `json:"amount" doc:"数量，带符号|amount, signed"`
	Balance   int64  `json:"balance" doc:"该笔之后的余额|balance after the entry"`
	Reason    string `json:"reason,omitempty" doc:"原因|why"`
	Rule      string `json:"rule,omitempty" doc:"规则名称|name of the rule"`
	RuleVer   web.ID `json:"version_id,omitempty" doc:"规则版本|version of the rule"`
	OrderID   string `json:"order_id,omitempty" doc:"订单编号|the order"`
	OrderNo   string `json:"order_no,omitempty" doc:"订单号|its number"`
	Store     string `json:"store,omitempty" doc:"门店编码|code of the store"`
	ExpiresAt int64  `json:"expires_at,omitempty" doc:"所得的到期时刻，UTC 毫秒|when what was given expires, milliseconds UTC"`
	Matured   int64  `json:"matured,omitempty" doc:"提前生效的数量|how much can be spent before its day"`
	MaturesAt int64  `json:"matures_at,omitempty" doc:"所得的生效时刻，UTC 毫秒|when what was given can be spent, milliseconds UTC"`
	Reverses  int64  `json:"reverses,omitempty" doc:"冲正或退回哪一笔|the entry it reverses"`
	Occurred  int64  `json:"occurred_at" doc:"发生时刻，UTC 毫秒|when it happened, milliseconds UTC"`
	BookedAt  int64  `json:"booked_at" doc:"记账时刻，UTC 毫秒|when it was booked, milliseconds UTC"`
}

func (h Routes) getStatement(c *web.Ctx, in *statementIn) (*web.Page[statementLine], error) {
	return h.statement(c, int64(in.ID), &in.StatementPage)
}

func (h Routes) statement(c *web.Ctx, of int64, in *StatementPage) (out *web.Page[statementLine], err error) {
	asset, _ := ledger.ParseAsset(in.Asset)
	before := int64(0)
	if err := web.DecodeCursor(in.Cursor, &before); err != nil {
		return nil, err
	}
	err = h.DB.View(c, func(v *db.View) error {
		m, err := member.Resolve(v, of)
		if err != nil {
			return err
		}
		page := web.PageOf(ledger.FilteredStatement(v, m.ID, asset, before, in.Limit+1, in.filter(h.Earn.Zone)), in.Limit, func(e ledger.Entry) string { return web.EncodeCursor(e.Seq) })
		out = &web.Page[statementLine]{Data: make([]statementLine, 0, len(page.Data)), Next: page.Next}
		numbers := orderNumbers{v: v, member: m.ID, known: map[string]string{}}
		for i := range page.Data {
			out.Data = append(out.Data, h.lineOf(v, &page.Data[i], &numbers, c.Lang()))
		}
		return nil
	})
	return out, err
}

func (h Routes) lineOf(r db.Reader, e *ledger.Entry, numbers *orderNumbers, lang string) statementLine {
	d := e.Details()
	out := statementLine{Seq: e.Seq, Kind: e.Kind, Amount: e.Amount, Balance: e.Balance, Reason: d.Reason, RuleVer: web.ID(e.Rule),
		OrderID: points.OrderOf(e.Ref), MaturesAt: d.Matures, Reverses: d.Reverses, Occurred: e.Occurred, BookedAt: e.At}
	if e.Lot != 0 {
		out.ExpiresAt = finite(e.Expires)
	}
	if e.Rule != 0 || e.Kind == ledger.KindEarn || e.Kind == ledger.KindClawback {
		out.Rule = ruleName(r, e.Rule, e.Asset, lang)
	}
	if h.Cause != nil && out.Rule == "" {
		out.Rule = h.Cause(r, e.Ref, lang)
	}
	if store, ok := strings.CutPrefix(e.Ref, "store:"); ok {
		out.Store = store
	}
	if e.Kind == ledger.KindMature {
		for _, g := range d.Gives {
			out.Matured += g.N
		}
	}
	if out.OrderID != "" {
		out.OrderNo = numbers.of(out.OrderID)
	}
	out.Title = titleOf(&out, lang)
	return out
}

// kindWords say what kind of entry it is, where no rule has a name for it.
var kindWords = map[string]words{
	ledger.KindEarn: {"获得", "Earned"}, ledger.KindGrant: {"赠送", "Given"}, ledger.KindSpend: {"使用", "Used"},
	ledger.KindExpire: {"到期失效", "Expired"}, ledger.KindClawback: {"退款扣回", "Taken back for a refund"}, ledger.KindRestore: {"退款退回", "Given back for a refund"},
	ledger.KindAdjust: {"人工调整", "Adjusted"}, ledger.KindReversal: {"冲正", "Reversed"}, ledger.KindTransfer: {"转赠", "Transferred"},
	ledger.KindMerge: {"会员合并", "Members merged"}, ledger.KindUnmerge: {"会员拆分", "Members parted"}, ledger.KindSeize: {"没收", "Confiscated"},
	ledger.KindMature: {"提前生效 ", "Can be used now: "},
}

// titleOf is why an entry is there in a few words: the rule's name, a reason somebody gave, or else its kind; and the order.
func titleOf(l *statementLine, lang string) string {
	title := kindWords[l.Kind].in(lang)
	switch {
	case l.Rule != "" && (l.Kind == ledger.KindEarn || l.Kind == ledger.KindGrant):
		title = l.Rule
	case l.Reason != "" && (l.Kind == ledger.KindGrant || l.Kind == ledger.KindAdjust):
		title = l.Reason
	case l.Kind == ledger.KindMature:
		title += strconv.FormatInt(l.Matured, 10)
	}
	if l.OrderNo != "" {
		title += " · " + l.OrderNo
	}
	return title
}

// orderNumbers finds the numbers of a member's orders, each once; some came with members merged into it.
type orderNumbers struct {
	v      *db.View
	member int64
	family []int64
	known  map[string]string
}

func (n *orderNumbers) of(text string) string {
	if no, ok := n.known[text]; ok {
		return no
	}
	order, _ := id.Parse(text)
	n.known[text] = n.look(order)
	return n.known[text]
}

func (n *orderNumbers) look(of int64) string {
	if o, ok := order.Get(n.v, n.member, of); ok {
		return o.No
	}
	if n.family == nil {
		n.family = member.Family(n.v, n.member)
	}
	for _, m := range n.family[1:] {
		if o, ok := order.Get(n.v, m, of); ok {
			return o.No
		}
	}
	return ""
}
