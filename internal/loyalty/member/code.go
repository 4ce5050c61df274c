package member

import (
	"context"
	"net/http"

	"guanxi/internal/base/clock"
	"guanxi/internal/base/db"
	"guanxi/internal/base/fact"
	"guanxi/internal/base/fault"
	"guanxi/internal/base/job"
	"guanxi/internal/base/vault"
	"guanxi/internal/base/web"
	"guanxi/internal/loyalty/shop"
)

// A member code (会员码) proves at the till that the member's phone is there now. It is chance, not arithmetic: 57 random bits that
// are stored as a keyed hash, good for a minute and for one use, so that a photo of it is worth nothing.

// The faults of member codes.
var (
	ErrCode = fault.Define("member.code", fault.Invalid,
		"会员码无效或已过期，请让会员刷新后重试", "The member code is unknown or has expired; ask the member to refresh it")
	ErrCodeUsed = fault.Define("member.code_used", fault.Conflict,
		"会员码已使用过，请让会员刷新后重试", "This member code was used already; ask the member to refresh it")
)

const (
	codeLife    = 60 * clock.Second
	codeRefresh = 50 * clock.Second // the page asks for the next one while this one still works
	codeDigits  = 17                // after the prefix, before the check digit: 20 in all, ten symbols of a barcode
	codePrefix  = "28"              // no number range of goods or phones
	maxCodes    = 5                 // of one member that still work; the oldest gives way

	codeIndex vault.Domain = "member_code:v1"
)

type codeRow struct {
	Hash    string
	Member  int64
	Issued  int64
	Expires int64
	Used    int64
	UsedBy  string
	Store   string
}

var codes = db.NewTable(db.Spec[codeRow, string]{
	Name: "member_code", Keys: 1, Indexed: true, Cols: []string{"hash", "member_id", "issued_at", "expires_at", "used_at", "used_by", "store"},
	Row: func(r *codeRow, p []any) []any {
		return append(p, &r.Hash, &r.Member, &r.Issued, &r.Expires, &r.Used, &r.UsedBy, &r.Store)
	},
	Key: func(r *codeRow) string { return r.Hash },
})

func codesOf(r db.Reader, member int64) []codeRow {
	return codes.Select(r, db.Query[codeRow]{
		Where: "member_id = ?", Args: []any{member}, Order: "issued_at, hash",
		Match: func(c *codeRow) bool { return c.Member == member },
		Less:  func(a, b *codeRow) bool { return a.Issued < b.Issued || a.Issued == b.Issued && a.Hash < b.Hash },
	})
}

// CodeUsed says that a member was known at a till by the code on the phone.
type CodeUsed struct {
	By    string `json:"by"`
	Store string `json:"store,omitempty"`
}

// FactKind is "member.code_used".
func (CodeUsed) FactKind() string { return "member.code_used" }

// luhn is the check digit of decimal digits: it finds a digit misread and neighbours swapped.
func luhn(digits string) byte {
	sum := 0
	for i := range len(digits) {
		d := int(digits[len(digits)-1-i] - '0')
		if i%2 == 0 {
			if d *= 2; d > 9 {
				d -= 9
			}
		}
		sum += d
	}
	return byte('0' + (10-sum%10)%10)
}

// readCode refuses what can't be a code before anything is looked up.
func readCode(text string) bool {
	if len(text) != len(codePrefix)+codeDigits+1 || text[:len(codePrefix)] != codePrefix {
		return false
	}
	for i := range len(text) {
		if text[i] < '0' || text[i] > '9' {
			return false
		}
	}
	return luhn(text[:len(text)-1]) == text[len(text)-1]
}

// IssueCode makes the next code of a member. Codes that are over or one too many go.
func (s *Service) IssueCode(tx *db.Tx, id int64) (code string, expires int64, err error) {
	m, err := Require(tx, id, SignIn)
	if err != nil {
		return "", 0, err
	}
	var live []codeRow
	for _, c := range codesOf(tx, m.ID) {
		if c.Expires <= tx.Now() {
			codes.Delete(tx, c.Hash)
		} else {
			live = append(live, c)
		}
	}
	for ; len(live) >= maxCodes; live = live[1:] {
		codes.Delete(tx, live[0].Hash)
	}
	digits := codePrefix + tx.Digits(codeDigits)
	code = digits + string(luhn(digits))
	expires = tx.Now() + codeLife
	return code, expires, codes.Insert(tx, codeRow{Hash: s.Vault.Index(codeIndex, vault.Hide(code)), Member: m.ID, Issued: tx.Now(), Expires: expires})
}

// UseCode finds whose code it is, once.
func (s *Service) UseCode(tx *db.Tx, code, by, store string) (Member, error) {
	if !readCode(code) {
		return Member{}, ErrCode.New().At("code")
	}
	row, ok := codes.Get(tx, s.Vault.Index(codeIndex, vault.Hide(code)))
	switch {
	case !ok || row.Expires <= tx.Now():
		return Member{}, ErrCode.New().At("code")
	case row.Used != 0:
		return Member{}, ErrCodeUsed.New().At("code")
	}
	m, err := Resolve(tx, row.Member)
	if err != nil {
		return m, err
	}
	if m.Status == Cancelled {
		return m, ErrCode.New().At("code")
	}
	row.Used, row.UsedBy, row.Store = tx.Now(), by, store
	codes.Put(tx, row)
	_, err = fact.Emit(tx, m.ID, CodeUsed{by, store})
	return m, err
}

func (h routes) codeRoutes(srv *web.Server) {
	web.Route(srv, web.Op{Door: Door, Method: http.MethodPost, Path: "/me/codes", ID: "me.code", Perm: web.AnyCaller, Tags: []string{"member"}, Status: http.StatusCreated,
		Zh: "取一个会员码（60 秒有效，一次有效）", En: "Get a member code, good for 60 seconds and one use", Errors: []*fault.Kind{ErrBlocked, db.ErrBusy}}, h.postCode)
}

func (h routes) useCodeRoute(srv *web.Server) {
	web.Route(srv, web.Op{Door: shop.PartnerDoor, Method: http.MethodPost, Path: "/member-codes", ID: "member.code", Perm: "members.read", Write: true,
		Tags: []string{"member"}, Zh: "凭会员码识别会员（只能用一次）", En: "Know a member by the code on the phone, once",
		Errors: []*fault.Kind{ErrCode, ErrCodeUsed, shop.ErrOtherStore}}, h.postUseCode)
}

type memberCodeOut struct {
	Code      string `json:"code" doc:"会员码，20 位数字；二维码与条码（Code 128）的内容都是它|20 digits: the text of both the QR code and the barcode (Code 128)"`
	ExpiresAt int64  `json:"expires_at" doc:"失效时刻，UTC 毫秒|when it ends, milliseconds UTC"`
	RefreshAt int64  `json:"refresh_at" doc:"建议换新的时刻|when to ask for the next"`
	Now       int64  `json:"now" doc:"服务器时间，手机时钟不准时以此为准|the server's time, for phones whose clock is off"`
}

// postCode is no write with a key, because the stored reply would hold the code: to ask twice gives two codes.
func (h routes) postCode(c *web.Ctx, _ *struct{}) (out *memberCodeOut, err error) {
	err = h.d.Write(c, db.Op{Owner: c.Caller.ID, Actor: c.Caller.Actor()}, func(tx *db.Tx) error {
		code, until, err := h.s.IssueCode(tx, c.Caller.ID)
		out = &memberCodeOut{code, until, tx.Now() + codeRefresh, tx.Now()}
		return err
	})
	return out, err
}

type useCodeIn struct {
	Body struct {
		Code  string `json:"code" minLength:"1" maxLength:"64" doc:"扫到的会员码|the code as scanned"`
		Store string `json:"store,omitempty" maxLength:"64" doc:"门店编码|code of the store"`
	}
}

func (h routes) postUseCode(c *web.Ctx, in *useCodeIn) (*memberOut, error) {
	store, err := shop.CallerOf(c).StoreFor(in.Body.Store)
	if err != nil {
		return nil, err
	}
	hash := h.s.Vault.Index(codeIndex, vault.Hide(in.Body.Code))
	return web.Write(c, db.Op{Wants: []db.Want{codes.Want(hash)}}, func(tx *db.Tx) (*memberOut, error) {
		m, err := h.s.UseCode(tx, in.Body.Code, c.Caller.Actor(), store)
		if err != nil {
			return nil, err
		}
		return h.show(tx, m.ID)
	})
}

// SweepCodes is the job that drops codes that are over; they were void before.
const SweepCodes job.Kind[job.Slot] = "member.codes"

func sweepCodes(ctx context.Context, run *job.Run, _ job.Slot) error {
	after := run.Cursor()
	for {
		more := false
		err := run.Write(ctx, db.Op{}, func(tx *db.Tx) error {
			rows := codes.Select(tx, db.Query[codeRow]{Where: "hash > ?", Args: []any{after}, Order: "hash", Limit: sweepAtOnce,
				Match: func(c *codeRow) bool { return c.Hash > after }, Less: func(a, b *codeRow) bool { return a.Hash < b.Hash }})
			for _, c := range rows {
				if c.Expires+clock.Day <= tx.Now() { // used ones are kept a day, for questions
					codes.Delete(tx, c.Hash)
				}
				after = c.Hash
			}
			more = len(rows) == sweepAtOnce
			return run.Save(tx, after)
		})
		if err != nil || !more {
			return err
		}
	}
}
