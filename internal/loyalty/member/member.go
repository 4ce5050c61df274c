// Package member is who belongs to the programme (会员): joining, identities, status, profile, merging two members into one and taking that apart.
//
// Invariants:
//
//   - an identity (kind, issuer, value) belongs to at most one member at a time;
//   - a merged member keeps its id for ever, and every reader finds the survivor through Resolve;
//   - merging and un-merging are journalled with who, when and why; no point is lost by either;
//   - personal fields are stored sealed, found by blind index, and shown masked unless someone who may asks.
package member

import (
	"guanxi/internal/base/fault"
)

// Status of a member.
const (
	Active      = "active"      // 正常
	Frozen      = "frozen"      // 冻结: may look and earn, may not spend
	Blacklisted = "blacklisted" // 黑名单: neither earns nor spends
	Cancelled   = "cancelled"   // 注销: closed for good
)

// Act is something a status may block.
type Act int

// The acts.
const (
	Earn   Act = iota // get points, growth, rewards
	Spend             // burn, hold or hand on points
	SignIn            // use the member centre
)

// Allows tells what each status blocks; what is taken back or expires is never blocked.
func Allows(status string, a Act) bool {
	switch status {
	case Active:
		return true
	case Frozen:
		return a != Spend
	case Blacklisted:
		return a == SignIn
	}
	return false
}

// Kinds of identities.
const (
	KindPhone    = "phone"
	KindOpenID   = "openid"
	KindUnionID  = "unionid"
	KindCard     = "card"
	KindEmail    = "email"
	KindExternal = "external" // a customer number of another system
)

// Failures a caller can see.
var (
	ErrNone = fault.Define("member.not_found", fault.NotFound,
		"会员不存在", "There is no such member")
	ErrBlocked = fault.Define("member.blocked", fault.Conflict,
		"会员状态为{status}，不能进行此操作", "The member is {status} and may not do this")
	ErrIdentityTaken = fault.Define("member.identity_taken", fault.Conflict,
		"该身份已属于其他会员", "This identity belongs to another member")
	ErrIdentity = fault.Define("member.identity", fault.Invalid,
		"身份类型或内容无效", "The identity's kind or value is not valid")
	ErrNoIdentity = fault.Define("member.no_identity", fault.Invalid,
		"入会至少需要一个身份", "Joining takes at least one identity")
	ErrStatus = fault.Define("member.status", fault.Invalid,
		"状态必须是 active、frozen 或 blacklisted", "The status must be active, frozen or blacklisted")
	ErrCancelled = fault.Define("member.cancelled", fault.Conflict,
		"会员已注销", "The member has been cancelled")
	ErrMergeSelf = fault.Define("member.merge_self", fault.Invalid,
		"不能与自己合并", "A member can't be merged with itself")
	ErrMerged = fault.Define("member.merged", fault.Conflict,
		"会员已并入 {into}", "The member was merged into {into}")
	ErrNoMerge = fault.Define("member.no_merge", fault.NotFound,
		"合并记录不存在", "There is no such merge")
	ErrUndone = fault.Define("member.merge_undone", fault.Conflict,
		"该合并已撤销", "This merge was undone already")
	ErrMergeOrder = fault.Define("member.merge_order", fault.Conflict,
		"请先撤销之后的合并 {merge}", "Undo the later merge {merge} first")
	ErrReason = fault.Define("member.reason", fault.Invalid,
		"请填写原因", "Please give a reason")
	ErrField = fault.Define("member.field", fault.Invalid,
		"资料字段无效", "The profile field is not valid")
)

// Joined says that someone became a member.
type Joined struct {
	Channel string `json:"channel,omitempty"`
	Store   string `json:"store,omitempty"`
	At      int64  `json:"at"`
}

// FactKind is "member.joined".
func (Joined) FactKind() string { return "member.joined" }

// ProfileCompleted says that all base fields are there, for the first time.
type ProfileCompleted struct {
	At int64 `json:"at"`
}

// FactKind is "member.profile_completed".
func (ProfileCompleted) FactKind() string { return "member.profile_completed" }

// StatusChanged says that a member was frozen, blacklisted, cancelled or made active again.
type StatusChanged struct {
	Was    string `json:"was"`
	Status string `json:"status"`
	Reason string `json:"reason"`
}

// FactKind is "member.status_changed".
func (StatusChanged) FactKind() string { return "member.status_changed" }

// Merged says that From became part of Into.
type Merged struct {
	Merge int64 `json:"merge"`
	From  int64 `json:"from"`
	Into  int64 `json:"into"`
}

// FactKind is "member.merged".
func (Merged) FactKind() string { return "member.merged" }

// Unmerged says that a merge was taken apart.
type Unmerged struct {
	Merge int64   `json:"merge"`
	From  int64   `json:"from"`
	Into  int64   `json:"into"`
	Give  []int64 `json:"give,omitempty"` // lots that a person decided to give back with it
}

// FactKind is "member.unmerged".
func (Unmerged) FactKind() string { return "member.unmerged" }
