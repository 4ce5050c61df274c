package staff

import (
	"encoding/json"
	"net/http"

	"guanxi/internal/base/db"
	"guanxi/internal/base/fault"
	"guanxi/internal/base/form"
	"guanxi/internal/base/setting"
	"guanxi/internal/base/web"
)

// Tunable is a setting that operators change in the console without a second person.
type Tunable[T any] struct {
	Path       string // below /settings/
	ID         string // of the route that reads; the one that writes ends in _set
	View, Edit string // permissions
	Zh, En     string // what it is
	Setting    *setting.Kind[T]
	Check      func(r db.Reader, next T) error                // may be nil
	Errors     []*fault.Kind                                  // of Check
	After      func(tx *db.Tx, made setting.Version[T]) error // what follows from a new version; may be nil
	Fresh      bool                                           // changed only by who has just proved who they are
}

type tuneIn struct {
	Body struct {
		Value  web.JSON `json:"value" doc:"改动的设置项，未给的保持现值|the settings that change; what is left out stays"`
		From   int64    `json:"from,omitempty" minimum:"0" doc:"生效时间，UTC 毫秒，缺省为立即|holds from, milliseconds UTC; at once when absent"`
		Reason string   `json:"reason" minLength:"1" maxLength:"500" doc:"原因|why"`
	}
}

// Tune registers the two routes of a setting: its versions with the form, and a new version.
func Tune[T any](srv *web.Server, d Desk, t Tunable[T]) {
	var zero T
	f := form.Of(zero)
	Route(srv, Get("/settings/"+t.Path, t.ID, t.View, t.Zh+"：当前、历史与表单", t.En+": now, its versions, its form"),
		func(c *web.Ctx, _ *struct{}) (*SettingOut, error) {
			return Read(c, d, func(v *db.View) (*SettingOut, error) { return SettingFor(d, v, t.Setting, f), nil })
		})
	errs := append([]*fault.Kind{form.ErrInvalid, setting.ErrPast, ErrReason}, t.Errors...)
	change := Change(http.MethodPut, "/settings/"+t.Path, t.ID+"_set", t.Edit, "更改"+t.Zh, "Change: "+t.En, errs...)
	change.Fresh = t.Fresh
	Route(srv, change,
		func(c *web.Ctx, in *tuneIn) (*VersionOut, error) { return t.set(c, d, in) })
}

func (t Tunable[T]) set(c *web.Ctx, d Desk, in *tuneIn) (*VersionOut, error) {
	if err := CheckReason(in.Body.Reason); err != nil {
		return nil, err
	}
	return Write(c, d, db.Op{}, func(tx *db.Tx) (*VersionOut, Act, error) {
		was := t.Setting.At(tx, max(in.Body.From, tx.Now())).Value
		var next T
		if err := form.Decode(overlay(was, in.Body.Value), &next); err != nil {
			return nil, Act{}, err
		}
		if t.Check != nil {
			if err := t.Check(tx, next); err != nil {
				return nil, Act{}, err
			}
		}
		made, err := t.Setting.Set(tx, next, in.Body.From, in.Body.Reason)
		if err != nil {
			return nil, Act{}, err
		}
		if t.After != nil {
			if err := t.After(tx, made); err != nil {
				return nil, Act{}, err
			}
		}
		out := VersionFor(d, tx, made)
		return &out, Act{What: t.ID, Targets: []int64{made.ID}, Old: was, New: next, Reason: in.Body.Reason}, nil
	})
}

// overlay lays the given fields over what holds, so that the form is judged whole.
func overlay(was any, given web.JSON) []byte {
	whole, top := map[string]json.RawMessage{}, map[string]json.RawMessage{}
	_ = json.Unmarshal([]byte(MustJSON(was)), &whole)
	if json.Unmarshal([]byte(given), &top) != nil {
		return []byte(given) // no object: the form says so
	}
	for name, value := range top {
		if string(value) != "null" {
			whole[name] = value
		}
	}
	return []byte(MustJSON(whole))
}
