// Package privacy is what the law gives members over their data (隐私): to see it, take it along, have it corrected, and leave.
//
// Invariants:
//
//   - who leaves is told before what will be void, has days to think it over, and can come back until then;
//   - closing takes away everything that names the person, and the key that what is left in backups was sealed with;
//   - the ledger, the orders and the operation log stay whole, under a number that nobody can turn into a person again;
//   - a copy of a member's data lies sealed, is handed to that member alone, and is dropped after a week;
//   - whoever sees personal data in clear leaves a line that the member can read.
package privacy

import (
	"guanxi/internal/base/clock"
	"guanxi/internal/base/fault"
	"guanxi/internal/base/setting"
)

// Policy is how long things take.
type Policy struct {
	CoolingDays int64 `json:"cooling_days" zh:"注销冷静期（天）" en:"Days to think closing over" unit:"days" min:"0" max:"15"`
	ExportDays  int64 `json:"export_days" zh:"数据副本保留天数" en:"Days a copy of the data is kept" unit:"days" min:"1" max:"30"`
}

// Rules holds the versions of the policy.
var Rules = setting.New("privacy", Policy{CoolingDays: 7, ExportDays: 7})

// States of an export.
const (
	Waiting = "waiting"
	Ready   = "ready"
)

// States of a closure.
const (
	Open      = "open"
	Withdrawn = "withdrawn"
	Closed    = "closed"
)

// exportEvery is how often a member may ask for a copy.
const exportEvery = clock.Day

// The faults of privacy.
var (
	ErrSoon = fault.Define("privacy.export_soon", fault.Conflict,
		"每天可申请一次数据副本，请稍后再试", "A copy can be asked for once a day, try later")
	ErrNoExport = fault.Define("privacy.no_export", fault.NotFound, "数据副本不存在或已过期", "There is no such copy, or it was dropped")
	ErrNotReady = fault.Define("privacy.not_ready", fault.Conflict, "数据副本还在准备，请稍后再试", "The copy is being made, try later")
	ErrConfirm  = fault.Define("privacy.confirm", fault.Invalid,
		"将作废 {points} 积分：请确认所示数额后再提交", "{points} points will be void: confirm the number that was shown")
	ErrClosing   = fault.Define("privacy.closing", fault.Conflict, "已申请注销，将于冷静期满后生效", "Closing was asked for already")
	ErrNoClosure = fault.Define("privacy.no_closure", fault.NotFound, "没有待生效的注销申请", "No closing is under way")
	ErrOwing     = fault.Define("privacy.holds", fault.Conflict, "有 {held} 积分正在订单中使用，请在订单完成后注销", "{held} points are held by open orders: close the account once they are done")
)

// Closing says that a member asked to leave.
type Closing struct {
	Closure int64 `json:"closure,string"`
	Due     int64 `json:"due"`
	Points  int64 `json:"points"`
}

// FactKind is "privacy.closing".
func (Closing) FactKind() string { return "privacy.closing" }

// Stayed says that a member took that back.
type Stayed struct {
	Closure int64 `json:"closure,string"`
}

// FactKind is "privacy.stayed".
func (Stayed) FactKind() string { return "privacy.stayed" }

// Erased says that what names a person is gone (墓碑). The number stays for the books.
type Erased struct {
	Identities int   `json:"identities"`
	Points     int64 `json:"points"` // that became void
}

// FactKind is "privacy.erased".
func (Erased) FactKind() string { return "privacy.erased" }
