// Package ledger keeps the accounts (资产账) of every asset a member can hold: points, growth, later stored value and chances.
//
// Invariants, checked at every posting and recomputed from genesis by Verify:
//
//   - entries are append-only; a correction is a new entry;
//   - Σ entries = balance = Σ open lots − debt, per account;
//   - balance + debt ≥ pending + held + frozen, and none of them is negative;
//   - an entry's source is unique per member and asset: the same cause never posts twice;
//   - lots are spent by (expires, granted, id), never-expiring last, promotional ones before others where the programme
//     says so; an expired lot is never spent,
//     whether or not it has been booked out;
//   - points that were taken go back to the lots they came from;
//   - entries are dense per account, each carries the balance after it, and all are chained by hash.
//
// The ledger knows no policy: how long points live, what may be spent and what a refund may take
// is decided by its callers.
package ledger

import (
	"encoding/json"
	"strings"

	"guanxi/internal/base/clock"
	"guanxi/internal/base/fault"
	"guanxi/internal/base/id"
)

// Asset is what an account holds.
type Asset = int

// The assets.
const (
	Points Asset = 1 // 积分
	Growth Asset = 2 // 成长值
)

// AssetName is the name of an asset in the API.
func AssetName(a Asset) string {
	switch a {
	case Points:
		return "points"
	case Growth:
		return "growth"
	}
	return "unknown"
}

// ParseAsset finds an asset by its API name.
func ParseAsset(s string) (Asset, bool) {
	for _, a := range []Asset{Points, Growth} {
		if AssetName(a) == s {
			return a, true
		}
	}
	return 0, false
}

// Kinds of entries.
const (
	KindEarn     = "earn"     // 获取: given by a rule
	KindGrant    = "grant"    // 发放: given by a partner or a campaign
	KindSpend    = "spend"    // 消耗
	KindExpire   = "expire"   // 过期
	KindClawback = "clawback" // 扣回: taken back by a refund
	KindRestore  = "restore"  // 退回: spent points given back to their lots
	KindAdjust   = "adjust"   // 调账
	KindReversal = "reversal" // 冲正
	KindTransfer = "transfer" // 转赠
	KindMerge    = "merge"    // 合并
	KindUnmerge  = "unmerge"  // 拆分
	KindSeize    = "seize"    // 没收: frozen points confiscated
	KindMature   = "mature"   // 生效: pending points that may be spent before their day; its amount is 0
)

// Classes of lots, by how they were earned; each has its own lifetime.
const (
	ClassConsumption = 1 // 消费积分
	ClassCampaign    = 2 // 活动积分
	ClassReward      = 3 // 奖励积分
)

// Limits of one posting and one account; far above any programme, far below overflow.
const (
	MaxAmount  int64 = 1_000_000_000_000
	MaxBalance int64 = 1_000_000_000_000_000
)

// A source is at most so long. Two kinds need no key, because another guards them: what lapses is named by its place in the
// account, and what an order earned by the order, which was made in the same Tx under its own number. No caller may use
// their prefixes.
const (
	maxSource    = 190
	expirePrefix = "expire:"
	awardPrefix  = "award:"
)

// AwardSource names what a rule gave for an order. It goes with Credit.Fresh.
func AwardSource(order, rule int64) string {
	return awardPrefix + id.String(order) + ":" + id.String(rule)
}

func keyed(source string) bool {
	return !strings.HasPrefix(source, expirePrefix) && !strings.HasPrefix(source, awardPrefix)
}

// restoreGraceDays is how long points given back to an already expired lot can still be used.
const restoreGraceDays = 7

// Never is the expiry of a lot that does not expire.
const Never = clock.Never

// Failures a caller can see.
var (
	ErrInsufficient = fault.Define("ledger.insufficient", fault.Conflict,
		"余额不足：可用 {available}，需要 {needed}", "Not enough: {available} available, {needed} needed")
	ErrAmount = fault.Define("ledger.amount", fault.Invalid,
		"数量必须是 1 到 {max} 的整数", "The amount must be a whole number from 1 to {max}")
	ErrBalance = fault.Define("ledger.balance_limit", fault.Conflict,
		"余额超出上限", "The balance would pass its limit")
	ErrSource = fault.Define("ledger.source", fault.Invalid,
		"来源编号必须为 1 到 {max} 个字符，且不以 expire: 或 award: 开头", "The source must have 1 to {max} characters and not begin with expire: or award:")
	ErrReused = fault.Define("ledger.source_reused", fault.Conflict,
		"同一来源已记过另一笔账", "This source was already booked with other content")
	ErrNoHold = fault.Define("ledger.no_hold", fault.NotFound,
		"预占不存在", "There is no such hold")
	ErrHoldEnded = fault.Define("ledger.hold_ended", fault.Conflict,
		"预占已结束（{state}）", "The hold has ended ({state})")
	ErrNoEntry = fault.Define("ledger.no_entry", fault.NotFound,
		"流水不存在", "There is no such entry")
	ErrReversed = fault.Define("ledger.reversed", fault.Conflict,
		"该流水已冲正，最多还可冲正 {left}", "The entry was reversed already; at most {left} is left")
	ErrNotReversible = fault.Define("ledger.not_reversible", fault.Conflict,
		"这类流水不能冲正", "An entry of this kind can't be reversed")
	ErrSelf = fault.Define("ledger.same_member", fault.Invalid,
		"转出与转入不能是同一会员", "Sender and receiver must differ")
	ErrDebtCap = fault.Define("ledger.debt_cap", fault.Conflict,
		"欠分将超过上限 {cap}", "The debt would pass its limit of {cap}")
	errBroken = fault.Define("ledger.invariant", fault.Internal,
		"账务不变式被破坏，已停止记账", "A ledger invariant is broken; nothing was booked")
)

// Take is a part of a lot taken or given by an entry, with all it needs to be given back.
type Take struct {
	Lot     int64  `json:"l"`
	N       int64  `json:"n"`
	Expires int64  `json:"e"`
	Matures int64  `json:"m,omitempty"`
	Class   int    `json:"c,omitempty"`
	Rule    int64  `json:"r,omitempty"`
	Granted int64  `json:"g,omitempty"`
	Ref     string `json:"f,omitempty"`
}

// Detail is what only some entries have.
type Detail struct {
	Matures  int64  `json:"matures,omitempty"`
	Takes    []Take `json:"takes,omitempty"`
	Gives    []Take `json:"gives,omitempty"`
	Repaid   int64  `json:"repaid,omitempty"`   // how much of a credit repaid debt
	Debt     int64  `json:"debt,omitempty"`     // debt after the entry
	Owed     int64  `json:"owed,omitempty"`     // how much of a debit became debt
	Reverses int64  `json:"reverses,omitempty"` // seq of the entry it reverses, in the account of Other when that is set
	Hold     int64  `json:"hold,omitempty"`
	Other    int64  `json:"other,omitempty"` // the other member of a transfer or merge
	Actor    string `json:"actor,omitempty"`
	Reason   string `json:"reason,omitempty"`
	Bearer   string `json:"bearer,omitempty"` // who carries the cost: brand when empty
}

func (d Detail) text() string {
	b, err := json.Marshal(d)
	if err != nil || string(b) == "{}" {
		return ""
	}
	return string(b)
}

// Details reads the detail of an entry.
func (e *Entry) Details() Detail {
	var d Detail
	if e.Detail != "" {
		_ = json.Unmarshal([]byte(e.Detail), &d) // written by text(); Verify reports a damaged one
	}
	return d
}
