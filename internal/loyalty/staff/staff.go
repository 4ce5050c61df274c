// Package staff keeps the people who work with the console (员工与权限): operators and what they may do, their
// sessions, approvals by a second person (双人复核), and the log of what they did (操作日志).
//
// Invariants:
//   - There is no default account: the first operator is made with a token that is shown once and works once.
//   - Passwords stand only as argon2id hashes, tokens only as SHA-256 hashes. Five tries without a success lock a
//     name for 15 minutes, and an answer never tells whether there is such a name.
//   - Whoever has a second factor needs a code of it to log in; none counts twice, and wrong ones count as tries.
//   - A passkey is both factors: it works for the address it was made at, signs each challenge once, and only after its
//     device has made sure of its owner.
//   - Where the house asks a role for a second factor, whoever has none gets one within the days of grace, or may do
//     nothing else. What a found session must not do takes a proof of the last five minutes.
//   - A session ends 15 minutes after it was used last (a use may be noted up to a minute late, never too early),
//     8 hours after it began, and whenever its operator is blocked or gets a new password.
//   - Permissions and roles are closed lists in this package. Nobody changes their own roles or status; where somebody
//     else could agree, nobody grants a role or resets an administrator's password alone.
//   - What needs approval happens at most once, as it was asked for, and only after somebody other than the maker,
//     with the right to, has agreed to exactly that content within 24 hours.
//   - Each act has one row in the operation log, written in its Tx; a changed, removed, inserted or reordered row is
//     found by VerifyLog.
package staff

import (
	"embed"
	"errors"
	"slices"

	"guanxi/internal/base/clock"
	"guanxi/internal/base/db"
	"guanxi/internal/base/fault"
	"guanxi/internal/base/id"
	"guanxi/internal/base/password"
	"guanxi/internal/base/vault"
)

//go:embed schema/*.sql
var files embed.FS

// Schema is the tables of operators, sessions, approvals and the operation log.
var Schema = db.Schema{Feature: "staff", Files: files}

// The faults of operators.
var (
	ErrNoOperator = fault.Define("staff.not_found", fault.NotFound, "操作员不存在", "There is no such operator")
	ErrLogin      = fault.Define("staff.bad_login", fault.Invalid,
		"登录名须为 2 至 64 个小写字母、数字或 . _ -", "A login name takes 2 to 64 lower-case letters, digits and . _ -")
	ErrLoginTaken = fault.Define("staff.login_taken", fault.Conflict, "登录名 {login} 已被使用", "The login name {login} is taken")
	ErrName       = fault.Define("staff.bad_name", fault.Invalid, "姓名须为 1 至 100 个字符", "A name takes 1 to 100 characters")
	ErrStatus     = fault.Define("staff.bad_status", fault.Invalid, "状态须为 active 或 blocked", "The status is active or blocked")
	ErrOwn        = fault.Define("staff.own_account", fault.Denied,
		"不能更改自己的角色或状态", "Nobody may change their own roles or status")
	ErrNoRole   = fault.Define("staff.no_role", fault.Invalid, "没有这个角色：{role}", "There is no such role: {role}")
	ErrRolesMix = fault.Define("staff.roles_apart", fault.Conflict, "审计员不能兼任其他角色", "An auditor may have no other role")
	ErrDenied   = fault.Define("staff.denied", fault.Denied, "没有权限：{perm}", "Permission denied: {perm}")
	ErrReason   = fault.Define("staff.bad_reason", fault.Invalid, "请填写 1 至 500 个字符的原因", "A reason of 1 to 500 characters is needed")
	ErrSecond   = fault.Define("staff.second_person", fault.Conflict,
		"需要另一位安全管理员复核", "Another security administrator must agree: ask for an approval")
	ErrScope = fault.Define("staff.scope", fault.Invalid,
		"门店与品牌、区域只能选一种范围", "A role is for a store, or for a brand and a region, not for both")
	ErrNoSession = fault.Define("staff.no_session", fault.NoLogin, "请重新登录", "Please log in again")
)

// Service keeps operators, sessions, approvals and the log.
type Service struct {
	db        *db.DB
	vault     *vault.Vault
	zone      clock.Zone
	passwords *password.Hasher
	executors map[string]executor
}

// hashers bounds how many passwords are hashed at once: each takes 19 MiB.
const hashers = 4

// New makes the service of a database. The vault hides addresses in the log; the zone decides days.
func New(d *db.DB, v *vault.Vault, zone clock.Zone) (*Service, error) {
	s := &Service{db: d, vault: v, zone: zone, passwords: password.NewHasher(hashers), executors: map[string]executor{}}
	return s, errors.Join(
		On(s, RoleGrant, ApprovalSpec{Zh: "授予角色", En: "Grant a role", Perm: "approve.roles"}, s.grantApproved),
		Ticket(s, PasswordReset, ApprovalSpec{Zh: "重置管理员密码", En: "Reset an administrator's password", Perm: "approve.roles"}))
}

// Operator is a person with an account (操作员).
type Operator struct {
	ID        int64
	Login     string
	Name      string
	Status    string // Active or Blocked
	CreatedAt int64
	Grants    []Grant
}

// The states of an operator.
const (
	Active  = "active"
	Blocked = "blocked"
)

// Grant is a role an operator has: for one store, for the stores of a brand or a region, or, with none of them, for all.
type Grant struct {
	Role   string `json:"role"`
	Store  int64  `json:"store"`
	Brand  int64  `json:"brand,omitempty"`
	Region string `json:"region,omitempty"`
}

// Who is an operator at work: what every act of staff is done by.
type Who struct {
	Operator int64
	Name     string
	Grants   []Grant
	Session  int64
	IP       string // of the request; the log keeps a keyed hash
	Request  string // id of the request
	Proved   int64  // when they last proved who they are
	Due      int64  // when they may do nothing more without a second factor; 0: they have one, or need none
	Bare     bool   // that moment has come: they may do nothing but set one up
}

// Actor is the name for db.Op.
func (w Who) Actor() string { return "staff:" + id.String(w.Operator) }

// Can reports whether a role of the operator, for any store, has a permission.
func (w Who) Can(perm string) bool {
	return !w.Bare && slices.ContainsFunc(w.Grants, func(g Grant) bool { return roleCan(g.Role, perm) })
}

// CanAt reports whether a role of the operator has a permission for a store; store 0 asks for all stores.
func (w Who) CanAt(perm string, store int64) bool {
	return !w.Bare && slices.ContainsFunc(w.Grants, func(g Grant) bool {
		return roleCan(g.Role, perm) && (g.whole() || store != 0 && g.Store == store)
	})
}

// Stores lists the stores a permission is limited to; all says that it is not.
func (w Who) Stores(perm string) (stores []int64, all bool) {
	for _, g := range w.Grants {
		if !w.Bare && roleCan(g.Role, perm) {
			stores, all = append(stores, g.Store), all || g.whole()
		}
	}
	return stores, all
}
