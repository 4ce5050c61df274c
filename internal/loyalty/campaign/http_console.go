package campaign

import (
	"encoding/json"
	"errors"
	"net/http"

	"guanxi/internal/base/db"
	"guanxi/internal/base/form"
	"guanxi/internal/base/web"
	"guanxi/internal/loyalty/reward"
	"guanxi/internal/loyalty/staff"
)

// Console is what staff see and change of campaigns.
type Console struct {
	staff.Desk
	S *Service
}

// Register registers the console's routes.
func (k Console) Register(srv *web.Server) {
	staff.Route(srv, staff.Get("/campaign-kinds", "campaign.kinds", "view.campaigns", "活动种类与表单", "Kinds of campaigns and their forms"), k.kinds)
	staff.Route(srv, staff.Get("/campaigns", "campaign.list", "view.campaigns", "全部活动与版本，从新到旧", "All campaigns and versions, newest first"), k.list)
	staff.Route(srv, staff.Created(staff.Change(http.MethodPost, "/campaigns", "campaign.create", "edit.campaigns", "新建活动（草稿）", "Draft a campaign",
		ErrKind, ErrName, ErrUntil, ErrLadder, ErrLink, form.ErrInvalid, reward.ErrCaps)), k.create)
	staff.Route(srv, staff.Created(staff.Change(http.MethodPost, "/campaigns/{id}/versions", "campaign.draft", "edit.campaigns", "新建版本（草稿）", "Draft a version",
		ErrNone, ErrKind, ErrName, ErrUntil, ErrLadder, ErrLink, form.ErrInvalid, reward.ErrCaps)), k.draft)
	staff.Route(srv, staff.Change(http.MethodPut, "/campaign-versions/{id}", "campaign.edit", "edit.campaigns", "修改草稿", "Change a draft",
		ErrNone, ErrState, ErrKind, ErrName, ErrUntil, ErrLadder, ErrLink, form.ErrInvalid, reward.ErrCaps), k.edit)
	staff.Route(srv, staff.Change(http.MethodPost, "/campaign-versions/{id}/publication", "campaign.publish", "edit.campaigns", "发布版本", "Publish a version",
		ErrNone, ErrState, ErrFrom, ErrUntil, ErrOther, staff.ErrReason), k.publish)
	staff.Route(srv, staff.Change(http.MethodPost, "/campaign-versions/{id}/retirement", "campaign.retire", "edit.campaigns", "结束版本", "End a version",
		ErrNone, ErrState, staff.ErrReason), k.retire)
	staff.Route(srv, staff.Get("/campaigns/{id}/days", "campaign.days", "view.campaigns", "活动每日参与与发放", "What a campaign did by day"), k.days)
}

// Deeds says what happens when somebody agrees.
func (k Console) Deeds() error {
	return errors.Join(k.publishing().Register(k.Staff), k.retiring().Register(k.Staff))
}

type consoleCampaignKind struct {
	Name     string   `json:"name" doc:"代码|name"`
	Zh       string   `json:"zh" doc:"中文名|name in Chinese"`
	En       string   `json:"en" doc:"英文名|name in English"`
	Form     web.JSON `json:"form" doc:"表单|how the console draws the settings"`
	Defaults web.JSON `json:"defaults" doc:"缺省设置|settings to begin with"`
}

type consoleCampaignKinds struct {
	Data []consoleCampaignKind `json:"data" doc:"种类|kinds"`
	Caps web.JSON              `json:"caps" doc:"上限的表单|form of the caps"`
}

func (k Console) kinds(_ *web.Ctx, _ *struct{}) (*consoleCampaignKinds, error) {
	out := &consoleCampaignKinds{Caps: staff.MustJSON(form.Of(reward.Caps{}))}
	for _, one := range Kinds {
		out.Data = append(out.Data, consoleCampaignKind{one.Name, one.Zh, one.En, staff.MustJSON(form.Of(one.Settings())), staff.MustJSON(one.Settings())})
	}
	return out, nil
}

type consoleCampaignVersion struct {
	ID          web.ID   `json:"id" doc:"版本|the version"`
	Campaign    web.ID   `json:"campaign_id" doc:"活动|the campaign"`
	No          int      `json:"no" doc:"第几版|its number"`
	Kind        string   `json:"kind" doc:"种类|kind"`
	Zh          string   `json:"zh" doc:"中文名|name in Chinese"`
	En          string   `json:"en" doc:"英文名|name in English"`
	State       string   `json:"state" enum:"draft,published,retired" doc:"状态|state"`
	From        int64    `json:"from,omitempty" doc:"生效时刻，UTC 毫秒|in force from"`
	Until       int64    `json:"until,omitempty" doc:"结束时刻，没有则长期|until; absent for open"`
	Settings    web.JSON `json:"settings" doc:"设置|settings"`
	Caps        web.JSON `json:"caps" doc:"上限|caps"`
	By          string   `json:"by" doc:"起草|drafted by"`
	PublishedBy string   `json:"published_by,omitempty" doc:"发布|published by"`
}

func (k Console) version(r db.Reader, v Version) consoleCampaignVersion {
	s := v.SpecOf()
	settings := web.JSON(s.Settings)
	if settings == "" || settings == "null" {
		kind, _ := KindOf(s.Kind)
		settings = staff.MustJSON(kind.Settings())
	}
	out := consoleCampaignVersion{web.ID(v.ID), web.ID(v.Campaign), v.No, s.Kind, s.Zh, s.En, v.State, v.From, v.Until, settings, staff.MustJSON(s.Caps),
		k.Name(r, v.Author), k.Name(r, v.PublishedBy)}
	if out.Until >= 1<<53 {
		out.Until = 0
	}
	return out
}

type consoleCampaigns struct {
	Data []consoleCampaignVersion `json:"data" doc:"版本，从新到旧|versions, newest first"`
}

func (k Console) list(c *web.Ctx, _ *struct{}) (*consoleCampaigns, error) {
	return staff.Read(c, k.Desk, func(v *db.View) (*consoleCampaigns, error) {
		out := &consoleCampaigns{Data: []consoleCampaignVersion{}}
		all := VersionsOf(v, 0)
		for i := len(all) - 1; i >= 0; i-- {
			out.Data = append(out.Data, k.version(v, all[i]))
		}
		return out, nil
	})
}

type consoleCampaignBody struct {
	Kind     string      `json:"kind" minLength:"1" maxLength:"32" doc:"种类|kind"`
	Zh       string      `json:"zh" minLength:"1" maxLength:"40" doc:"中文名|name in Chinese"`
	En       string      `json:"en" minLength:"1" maxLength:"40" doc:"英文名|name in English"`
	Until    int64       `json:"until,omitempty" minimum:"0" doc:"结束时刻，UTC 毫秒，缺省为长期|ends at, milliseconds UTC; open when absent"`
	Settings web.JSON    `json:"settings,omitempty" doc:"设置，缺省为种类的缺省值|settings; those of the kind when absent"`
	Caps     reward.Caps `json:"caps,omitempty" doc:"上限|caps"`
}

func (b *consoleCampaignBody) spec() Spec {
	s := Spec{Kind: b.Kind, Zh: b.Zh, En: b.En, Until: b.Until, Caps: b.Caps}
	if b.Settings != "" {
		s.Settings = json.RawMessage(b.Settings)
	}
	return s
}

func (k Console) create(c *web.Ctx, in *struct{ Body consoleCampaignBody }) (*consoleCampaignVersion, error) {
	return k.save(c, "campaign.draft", in.Body.spec(), func(tx *db.Tx, s Spec) (Version, error) { return k.S.Make(tx, 0, s) })
}

type consoleDraftIn struct {
	ID   web.ID `path:"id" doc:"活动或版本|the campaign or the version"`
	Body consoleCampaignBody
}

func (k Console) draft(c *web.Ctx, in *consoleDraftIn) (*consoleCampaignVersion, error) {
	return k.save(c, "campaign.draft", in.Body.spec(), func(tx *db.Tx, s Spec) (Version, error) { return k.S.Make(tx, int64(in.ID), s) })
}

func (k Console) edit(c *web.Ctx, in *consoleDraftIn) (*consoleCampaignVersion, error) {
	return k.save(c, "campaign.edit", in.Body.spec(), func(tx *db.Tx, s Spec) (Version, error) { return k.S.Edit(tx, int64(in.ID), s) })
}

func (k Console) save(c *web.Ctx, what string, spec Spec, do func(*db.Tx, Spec) (Version, error)) (*consoleCampaignVersion, error) {
	return staff.Write(c, k.Desk, db.Op{}, func(tx *db.Tx) (*consoleCampaignVersion, staff.Act, error) {
		v, err := do(tx, spec)
		if err != nil {
			return nil, staff.Act{}, err
		}
		out := k.version(tx, v)
		return &out, staff.Act{What: what, Targets: []int64{v.Campaign, v.ID}, New: spec}, nil
	})
}

// Release is what publishing or ending a version is about. It holds what the version says, so that who agrees agrees to that.
type Release struct {
	Version int64           `json:"version,string"`
	At      int64           `json:"at"`
	Spec    json.RawMessage `json:"spec"`
	Reason  string          `json:"reason"`
}

func (k Console) alone(tx *db.Tx, who staff.Who, _ Release) error {
	return staff.Second(tx, who, func(f staff.FourEyes) bool { return f.Rules }, "approve.campaigns")
}

func (k Console) publishing() staff.Deed[Release] {
	return staff.Deed[Release]{Kind: "campaign.publish", Zh: "发布活动", En: "Publish a campaign", Perm: "edit.campaigns", Agree: "approve.campaigns", Alone: k.alone,
		Do: func(tx *db.Tx, r Release) (staff.Act, error) {
			if v, _ := FindVersion(tx, r.Version); v.Body != string(r.Spec) { // it was edited since it was asked for
				return staff.Act{}, staff.ErrAltered.New()
			}
			v, err := k.S.Publish(tx, r.Version, max(r.At, tx.Now()))
			return staff.Act{What: "campaign.publish", Targets: []int64{v.Campaign, v.ID}, New: r.Spec, Reason: r.Reason}, err
		}}
}

func (k Console) retiring() staff.Deed[Release] {
	return staff.Deed[Release]{Kind: "campaign.retire", Zh: "结束活动", En: "End a campaign", Perm: "edit.campaigns", Agree: "approve.campaigns", Alone: k.alone,
		Do: func(tx *db.Tx, r Release) (staff.Act, error) {
			v, err := k.S.Retire(tx, r.Version)
			return staff.Act{What: "campaign.retire", Targets: []int64{v.Campaign, v.ID}, Old: r.Spec, Reason: r.Reason}, err
		}}
}

type consoleCampaignRelease struct {
	ID   web.ID `path:"id" doc:"版本|the version"`
	Body struct {
		At     int64  `json:"at,omitempty" minimum:"0" doc:"起始时刻，UTC 毫秒，缺省为立即|from when, milliseconds UTC; at once when absent"`
		Reason string `json:"reason" minLength:"1" maxLength:"500" doc:"说明|why"`
	}
}

func (k Console) publish(c *web.Ctx, in *consoleCampaignRelease) (*staff.Done, error) {
	return k.carry(c, in, k.publishing())
}

func (k Console) retire(c *web.Ctx, in *consoleCampaignRelease) (*staff.Done, error) {
	return k.carry(c, in, k.retiring())
}

func (k Console) carry(c *web.Ctx, in *consoleCampaignRelease, d staff.Deed[Release]) (*staff.Done, error) {
	if in.Body.At != 0 && in.Body.At < c.Now() {
		return nil, ErrFrom.New().At("at")
	}
	r := Release{Version: int64(in.ID), At: in.Body.At, Reason: in.Body.Reason}
	err := k.DB.View(c, func(v *db.View) error {
		row, ok := FindVersion(v, r.Version)
		if !ok {
			return ErrNone.New()
		}
		r.Spec = json.RawMessage(row.Body)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return d.Carry(c, k.Staff, db.Op{}, 0, r, in.Body.Reason)
}

type consoleCampaignDaysIn struct {
	ID    web.ID `path:"id" doc:"活动|the campaign"`
	From  int    `query:"from" minimum:"0" maximum:"99991231" doc:"自然日，缺省为 30 天前|local day; 30 days ago when absent"`
	Until int    `query:"until" minimum:"0" maximum:"99991231" doc:"自然日，含当日|local day, inclusive"`
}

type consoleCampaignDay struct {
	Day    int   `json:"day" doc:"自然日|local day"`
	Plays  int64 `json:"plays" doc:"参与次数|plays"`
	Points int64 `json:"points" doc:"发放积分|points given"`
}

type consoleCampaignDays struct {
	Data []consoleCampaignDay `json:"data" doc:"按日|by day"`
}

func (k Console) days(c *web.Ctx, in *consoleCampaignDaysIn) (*consoleCampaignDays, error) {
	return staff.Read(c, k.Desk, func(v *db.View) (*consoleCampaignDays, error) {
		out := &consoleCampaignDays{Data: []consoleCampaignDay{}}
		from, until := k.Days(v, in.From, in.Until)
		for _, d := range DaysOf(v, int64(in.ID), from, until) {
			out.Data = append(out.Data, consoleCampaignDay{d.Day, d.Plays, d.Points})
		}
		return out, nil
	})
}
