package staff

import (
	"encoding/json"
	"net/http"
	"strings"

	"guanxi/internal/base/clock"
	"guanxi/internal/base/db"
	"guanxi/internal/base/fault"
	"guanxi/internal/base/form"
	"guanxi/internal/base/id"
	"guanxi/internal/base/setting"
	"guanxi/internal/base/web"
	"guanxi/internal/loyalty/shop"
)

// Desk is what the console's routes of every feature stand on (工作台).
type Desk struct {
	DB    *db.DB
	Staff *Service
	Shop  *shop.Service
	Zone  clock.Zone
}

// Get describes a route of the console that reads; its tag is the first word of its id.
func Get(path, id, perm, zh, en string, errs ...*fault.Kind) web.Op {
	return op(http.MethodGet, path, id, perm, zh, en, errs)
}

// Ask describes a route that reads with what does not belong in an address: personal data, or a draft.
func Ask(path, id, perm, zh, en string, errs ...*fault.Kind) web.Op {
	return op(http.MethodPost, path, id, perm, zh, en, errs)
}

// Change describes a route that writes.
func Change(method, path, id, perm, zh, en string, errs ...*fault.Kind) web.Op {
	o := op(method, path, id, perm, zh, en, errs)
	o.Write = true
	return o
}

// Open makes a route public.
func Open(o web.Op) web.Op {
	o.Perm, o.Public = "", true
	return o
}

// Dangerous opens a route only to those who have just proved who they are.
func Dangerous(o web.Op) web.Op {
	o.Fresh = true
	return o
}

// Limited lets one address ask a route a hundred times a minute, as fast as anybody types: enough for people, too few to walk all numbers.
func Limited(o web.Op, c clock.Clock) web.Op {
	o.Limit = web.NewLimiter(c, 100, clock.Minute, 50, 100_000).Guarding(o.ID)
	return o
}

// Created makes the status of a success 201.
func Created(o web.Op) web.Op {
	o.Status = http.StatusCreated
	return o
}

func op(method, path, id, perm, zh, en string, errs []*fault.Kind) web.Op {
	tag, _, _ := strings.Cut(id, ".")
	return web.Op{Door: Door, Method: method, Path: path, ID: "console." + id, Perm: perm, Zh: zh, En: en, Errors: errs, Tags: []string{tag}}
}

// Route registers a route about the whole programme: a role for one store does not reach it. Routes about one
// member are registered plainly and ask for themselves whom the caller may reach.
func Route[In, Out any](srv *web.Server, o web.Op, f func(*web.Ctx, *In) (*Out, error)) {
	web.Route(srv, o, func(c *web.Ctx, in *In) (*Out, error) {
		if o.Perm != web.AnyCaller && !WhoOf(c).CanAt(o.Perm, 0) {
			return nil, ErrDenied.With("perm", o.Perm)
		}
		return f(c, in)
	})
}

// Read answers a route from a view.
func Read[Out any](c *web.Ctx, d Desk, f func(*db.View) (*Out, error)) (out *Out, err error) {
	err = d.DB.View(c, func(v *db.View) error {
		out, err = f(v)
		return err
	})
	return out, err
}

// Write runs a privileged act: its effect, its one row of the operation log, the key and the reply commit together.
func Write[Out any](c *web.Ctx, d Desk, o db.Op, f func(*db.Tx) (*Out, Act, error)) (*Out, error) {
	return web.Write(c, o, func(tx *db.Tx) (*Out, error) {
		out, act, err := f(tx)
		if err != nil {
			return nil, err
		}
		return out, d.Staff.Log(tx, WhoOf(c), act)
	})
}

// CheckReason refuses an act that nobody gives a reason for.
func CheckReason(reason string) error {
	if !isReason(reason) {
		return ErrReason.New().At("reason")
	}
	return nil
}

// StoreCodes lists the codes of the stores that an operator's permission is limited to; all says that it is not.
func (d Desk) StoreCodes(r db.Reader, who Who, perm string) (codes []string, all bool) {
	ids, all := who.Stores(perm)
	for _, one := range ids {
		if st, err := d.Shop.Store(r, one); err == nil {
			codes = append(codes, st.Code)
		}
	}
	return codes, all
}

// Within narrows the stores a caller may see to the one that is asked for; none, when not all are seen, is nobody's.
func Within(codes []string, all bool, asked string) (out []string) {
	if all && asked != "" {
		return []string{asked}
	}
	for _, code := range codes {
		if !all && (asked == "" || asked == code) {
			out = append(out, code)
		}
	}
	return out
}

// MustJSON is a value as it is stored, for replies whose form the console draws from a form.
func MustJSON(v any) web.JSON {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err) // plain structs
	}
	return web.JSON(b)
}

// Name is who an actor such as "staff:17" is to people: operators by their names, all others as they are.
func (d Desk) Name(r db.Reader, actor string) string {
	text, ok := strings.CutPrefix(actor, "staff:")
	if !ok {
		return actor
	}
	n, _ := id.Parse(text)
	if row, ok := operators.Get(r, n); ok {
		return row.Name
	}
	return actor
}

// Days gives the local days a report is about: the last 30 to today, where the caller names none.
func (d Desk) Days(r db.Reader, from, until int) (first, last int) {
	if until == 0 {
		until = d.Zone.LocalDay(r.Now())
	}
	if from == 0 {
		from = d.Zone.AddDays(until, -29)
	}
	return from, until
}

// VersionOut is one version of a setting.
type VersionOut struct {
	ID        web.ID   `json:"id,omitempty" doc:"版本，缺省设置没有|the version; absent for the default"`
	From      int64    `json:"from" doc:"生效时间|holds from"`
	Announced int64    `json:"announced_at" doc:"公布时间|announced at"`
	By        string   `json:"by" doc:"经办|by whom"`
	Note      string   `json:"note" doc:"说明|note"`
	Value     web.JSON `json:"value" doc:"设置|the settings"`
}

// VersionFor shows a version of a setting.
func VersionFor[T any](d Desk, r db.Reader, v setting.Version[T]) VersionOut {
	return VersionOut{web.ID(v.ID), v.From, v.Announced, d.Name(r, v.Author), v.Note, MustJSON(v.Value)}
}

// SettingOut is a setting with its versions and its form.
type SettingOut struct {
	Current VersionOut   `json:"current" doc:"当前版本|what holds now"`
	History []VersionOut `json:"history" doc:"全部版本，从旧到新，含未生效|all versions, oldest first, also those to come"`
	Form    web.JSON     `json:"form" doc:"表单|how the console draws it"`
}

// SettingFor shows a setting.
func SettingFor[T any](d Desk, v *db.View, s *setting.Kind[T], f form.Form) *SettingOut {
	out := &SettingOut{Current: VersionFor(d, v, s.At(v, v.Now())), History: []VersionOut{}, Form: MustJSON(f)}
	for _, one := range s.History(v) {
		out.History = append(out.History, VersionFor(d, v, one))
	}
	return out
}
