package app

import (
	"net/http"

	"guanxi/internal/base/db"
	"guanxi/internal/base/web"
	"guanxi/internal/loyalty/shop"
	"guanxi/internal/loyalty/staff"
	"guanxi/internal/loyalty/track"
)

// linkRoutes keep the entry links. They stand here because what a link is belongs to track, and where it stands to the way in.
func (a *App) linkRoutes(s *web.Server) {
	s.Tag("link", "入口链接", "Entry links")
	staff.Route(s, staff.Get("/links", "link.list", "view.campaigns", "入口链接与效果，从新到旧", "Entry links and what came of them, newest first", web.ErrCursor), a.listLinks)
	staff.Route(s, staff.Created(staff.Change(http.MethodPost, "/links", "link.add", "edit.campaigns", "新建入口链接", "Put up an entry link",
		track.ErrLink, track.ErrLinkSays, track.ErrLinkTaken, shop.ErrNoStore)), a.addLink)
	staff.Route(s, staff.Change(http.MethodPut, "/links/{code}", "link.set", "edit.campaigns", "修改、停用或恢复入口链接", "Change, stop or restore an entry link",
		track.ErrLinkSays, track.ErrNoLink, shop.ErrNoStore), a.setLink)
}

// LinkBody is what an operator says of a link.
type LinkBody struct {
	Name     string `json:"name" minLength:"1" maxLength:"64" doc:"名称，只在后台显示|its name; shown to staff only"`
	Page     string `json:"page" enum:"home,join,statement,tiers,code,me,checkin,profile,orders,messages,help" doc:"落地页|the page it leads to"`
	Opens    string `json:"opens" enum:"h5,mini" doc:"打开网页或小程序；小程序未就绪时打开网页|opens the page or the mini program; the page as long as that is not ready"`
	Channel  string `json:"channel,omitempty" maxLength:"32" doc:"入会渠道|channel of joining"`
	Store    string `json:"store,omitempty" maxLength:"64" doc:"门店编码|code of the store"`
	Source   string `json:"source,omitempty" maxLength:"32" doc:"来源（utm_source）|source (utm_source)"`
	Medium   string `json:"medium,omitempty" maxLength:"32" doc:"媒介（utm_medium）|medium (utm_medium)"`
	Campaign string `json:"campaign,omitempty" maxLength:"64" doc:"活动（utm_campaign）|campaign (utm_campaign)"`
}

type linkOut struct {
	Code string `json:"code" doc:"短码|its code"`
	LinkBody
	State     string `json:"state" enum:"on,stopped" doc:"on 使用中；stopped 已停用|works, or was stopped"`
	URL       string `json:"url" doc:"对外投放的地址，不会改变|the address to put up; it never changes"`
	Mini      bool   `json:"mini_ready" doc:"小程序地址已就绪|the mini program's address is there"`
	Visits    int64  `json:"visits" doc:"访问次数|visits"`
	Joins     int64  `json:"joins" doc:"入会人数|new members"`
	Events    int64  `json:"events" doc:"同意采集的会员经它而来后的行为数|events of members who came by it and agree to tracking"`
	CreatedAt int64  `json:"created_at" doc:"建立时间|when it was made"`
	By        string `json:"by" doc:"经办|by whom"`
}

func (b LinkBody) link(code string) track.Link {
	return track.Link{Code: code, Name: b.Name, Page: b.Page, Opens: b.Opens,
		From: track.Origin{Channel: b.Channel, Store: b.Store, Source: b.Source, Medium: b.Medium, Campaign: b.Campaign}}
}

func (a *App) linkFor(r db.Reader, l track.Link) linkOut {
	body := LinkBody{l.Name, l.Page, l.Opens, l.From.Channel, l.From.Store, l.From.Source, l.From.Medium, l.From.Campaign}
	return linkOut{l.Code, body, l.State, a.Entry.LinkURL(l), l.Mini != "" && r.Now() < l.Until, l.Visits, l.Joins, l.Events, l.Created, a.desk().Name(r, l.Actor)}
}

func (a *App) listLinks(c *web.Ctx, in *struct{ web.Paging }) (*web.Page[linkOut], error) {
	var before int64
	if err := web.DecodeCursor(in.Cursor, &before); err != nil {
		return nil, err
	}
	return staff.Read(c, a.desk(), func(v *db.View) (*web.Page[linkOut], error) {
		rows := track.Links(v, before, in.Limit+1)
		next := ""
		if len(rows) > in.Limit {
			rows = rows[:in.Limit]
			next = web.EncodeCursor(rows[in.Limit-1].ID)
		}
		out := &web.Page[linkOut]{Data: []linkOut{}, Next: next}
		for _, l := range rows {
			out.Data = append(out.Data, a.linkFor(v, l))
		}
		return out, nil
	})
}

func (a *App) addLink(c *web.Ctx, in *struct {
	Body struct {
		Code string `json:"code,omitempty" maxLength:"24" doc:"短码，缺省自动生成；建立后不能改|its code; made up when absent, and never changed"`
		LinkBody
	}
}) (*linkOut, error) {
	return staff.Write(c, a.desk(), db.Op{}, func(tx *db.Tx) (*linkOut, staff.Act, error) {
		if err := a.knownStore(tx, in.Body.Store); err != nil {
			return nil, staff.Act{}, err
		}
		l, err := a.Tracks.AddLink(tx, in.Body.link(in.Body.Code))
		if err == nil {
			err = a.Entry.OnLink(tx, l)
		}
		out := a.linkFor(tx, l)
		return &out, staff.Act{What: "link.add", Targets: []int64{l.ID}, New: out}, err
	})
}

func (a *App) setLink(c *web.Ctx, in *struct {
	Code string `path:"code" maxLength:"24" doc:"短码|its code"`
	Body struct {
		LinkBody
		State string `json:"state" enum:"on,stopped" doc:"on 使用中；stopped 停用|works, or is stopped"`
	}
}) (*linkOut, error) {
	return staff.Write(c, a.desk(), db.Op{}, func(tx *db.Tx) (*linkOut, staff.Act, error) {
		if err := a.knownStore(tx, in.Body.Store); err != nil {
			return nil, staff.Act{}, err
		}
		to := in.Body.link(in.Code)
		to.State = in.Body.State
		was, now, err := a.Tracks.SetLink(tx, in.Code, to)
		if err == nil {
			err = a.Entry.OnLink(tx, now)
		}
		old, out := a.linkFor(tx, was), a.linkFor(tx, now)
		return &out, staff.Act{What: "link.set", Targets: []int64{now.ID}, Old: old, New: out}, err
	})
}

// knownStore refuses the code of a store that there is not: what is booked to it would be nobody's.
func (a *App) knownStore(r db.Reader, code string) error {
	if code == "" {
		return nil
	}
	if _, err := a.Shop.StoreByCode(r, code); err != nil {
		return shop.ErrNoStore.New().At("store")
	}
	return nil
}
