// Package shop keeps the places and programs that act for the merchant (品牌·门店·终端): brands, stores, their terminals, and the
// partners — makers of tills, order systems — that sign their requests with keys.
//
// Invariants:
//   - There is always brand 1. A store's code belongs to one store for ever.
//   - A partner has at most two live keys of its own and a terminal two, so that one can be exchanged without a gap.
//   - A key's secret is shown once, when it is made, and stands sealed in the database.
//   - A signed request is accepted once, within 300 seconds of its time, and only unchanged: method, path, query,
//     time, nonce, idempotency key and body are all under the signature.
//   - A terminal belongs to one store at a time, and its keys act there and nowhere else. Stopped, its keys are refused; started
//     again, they work as before.
//   - A key revoked here is refused from the commit on; in other processes a second later at most.
package shop

import (
	"embed"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"guanxi/internal/base/db"
	"guanxi/internal/base/fault"
)

//go:embed schema/*.sql
var files embed.FS

// Schema is the tables of brands, stores, partners and their keys.
var Schema = db.Schema{Feature: "shop", Files: files}

// The faults of shops and partners.
var (
	ErrName = fault.Define("shop.bad_name", fault.Invalid,
		"名称须为 1 至 {max} 个字符", "A name takes 1 to {max} characters")
	ErrCode = fault.Define("shop.bad_code", fault.Invalid,
		"编码只能包含字母、数字和 . _ -，最多 64 位", "A code takes letters, digits and . _ -, at most 64")
	ErrCodeTaken = fault.Define("shop.code_taken", fault.Conflict,
		"门店编码 {code} 已被使用", "Store code {code} is taken")
	ErrStatus = fault.Define("shop.bad_status", fault.Invalid,
		"状态须为 {first} 或 {second}", "The status is {first} or {second}")
	ErrScope = fault.Define("shop.bad_scope", fault.Invalid,
		"没有这个接口权限：{scope}", "There is no such scope: {scope}")
	ErrNoBrand    = fault.Define("shop.no_brand", fault.NotFound, "品牌不存在", "There is no such brand")
	ErrNoStore    = fault.Define("shop.no_store", fault.NotFound, "门店不存在", "There is no such store")
	ErrNoPartner  = fault.Define("shop.no_partner", fault.NotFound, "合作方不存在", "There is no such partner")
	ErrNoKey      = fault.Define("shop.no_key", fault.NotFound, "密钥不存在", "There is no such key")
	ErrPartnerOff = fault.Define("shop.partner_blocked", fault.Conflict, "合作方已停用", "This partner is blocked")
	ErrTwoKeys    = fault.Define("shop.two_keys", fault.Conflict,
		"该合作方已有两个有效密钥，请先吊销其中一个", "This partner has two live keys: revoke one first")
)

// DefaultBrand is the brand of an installation that has only one.
const DefaultBrand int64 = 1

// Brand is a merchant's brand (品牌).
type Brand struct {
	ID             int64
	NameZh, NameEn string
}

// Store is a place that sells (门店).
type Store struct {
	ID             int64
	Brand          int64
	Code           string // the merchant's own number of the store
	NameZh, NameEn string
	Region         string
	Status         string // Open or Closed
}

// The states of a store.
const (
	Open   = "open"
	Closed = "closed"
)

// Partner is a program that calls the partner API (合作方), such as the tills of one maker.
type Partner struct {
	ID     int64
	Name   string
	Scopes []string // what it may do: names of Scopes
	Store  int64    // the only store it may act for; 0 is all
	Status string   // Active or Blocked
}

// The states of a partner.
const (
	Active  = "active"
	Blocked = "blocked"
)

// Scope is one thing a partner may be allowed to do.
type Scope struct {
	Name, Zh, En string
	Money        bool // gives or takes value: granting it wants a second person
}

// Scopes is the closed list of what partners may do.
var Scopes = []Scope{
	{"stores.read", "查看门店", "Read stores", false},
	{"members.read", "查询会员", "Look up members", false},
	{"members.write", "会员入会与资料", "Join members and edit their data", false},
	{"sessions.write", "以会员身份登录", "Open the member centre as a member", true},
	{"orders.write", "上报订单与退款", "Report orders and refunds", true},
	{"points.read", "查询积分", "Read points", false},
	{"points.write", "增减积分", "Give and take points", true},
	{"coupons.read", "查询优惠券", "Read coupons", false},
	{"coupons.write", "发放与核销优惠券", "Grant and redeem coupons", true},
	{"checkouts.write", "结算：试算、预占、确认", "Quote, hold and confirm checkouts", true},
	{"events.read", "读取事件", "Read events", false},
}

// HasMoney reports whether one of the scopes moves value.
func HasMoney(scopes []string) bool {
	return slices.ContainsFunc(Scopes, func(s Scope) bool { return s.Money && slices.Contains(scopes, s.Name) })
}

const maxName = 100

func checkNames(zh, en string) error {
	switch {
	case !isName(zh):
		return ErrName.With("max", maxName).At("name_zh")
	case !isName(en):
		return ErrName.With("max", maxName).At("name_en")
	}
	return nil
}

func isName(s string) bool {
	return utf8.ValidString(s) && strings.TrimSpace(s) != "" && utf8.RuneCountInString(s) <= maxName
}

var codeForm = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`)

func (s *Store) check() error {
	if err := checkNames(s.NameZh, s.NameEn); err != nil {
		return err
	}
	switch {
	case !codeForm.MatchString(s.Code):
		return ErrCode.New().At("code")
	case s.Region != "" && !isName(s.Region):
		return ErrName.With("max", maxName).At("region")
	case s.Status != Open && s.Status != Closed:
		return ErrStatus.With("first", Open, "second", Closed).At("status")
	}
	return nil
}

func (p *Partner) check() error {
	switch {
	case !isName(p.Name):
		return ErrName.With("max", maxName).At("name")
	case p.Status != Active && p.Status != Blocked:
		return ErrStatus.With("first", Active, "second", Blocked).At("status")
	}
	for _, name := range p.Scopes {
		if !slices.ContainsFunc(Scopes, func(s Scope) bool { return s.Name == name }) {
			return ErrScope.With("scope", name).At("scopes")
		}
	}
	return nil
}
