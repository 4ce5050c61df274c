package app

import (
	"net/http"

	"guanxi/internal/base/db"
	"guanxi/internal/base/fault"
	"guanxi/internal/base/web"
	"guanxi/internal/edge/channels"
	"guanxi/internal/edge/checkup"
	"guanxi/internal/edge/entry"
	"guanxi/internal/edge/wechat/mp"
	"guanxi/internal/edge/wechat/oa"
	"guanxi/internal/edge/wecom"
	"guanxi/internal/loyalty/member"
	"guanxi/internal/loyalty/staff"
)

// channelRoutes show the parties outside: what is set up, whether it works, and what went wrong.
func (a *App) channelRoutes(s *web.Server) {
	s.Tag("channel", "渠道", "Channels")
	staff.Route(s, staff.Get("/channels", "channel.list", "view.settings", "已接入的渠道与账号", "The channels and the accounts that are set up"), a.listChannels)
	staff.Route(s, staff.Ask("/channels/{kind}/check", "channel.check", "view.settings", "检测渠道：凭证、推送地址、密钥、时钟与额度",
		"Check a channel: credentials, push address, keys, clock, quota", checkup.ErrKind), a.checkChannel)
	staff.Tune(s, a.desk(), staff.Tunable[entry.Menu]{Path: "wechat-menu", ID: "channel.menu", View: "view.settings", Edit: "edit.settings",
		Zh: "服务号菜单", En: "Menu of the official account", Setting: entry.Menus, Check: a.Entry.CheckMenu, Errors: []*fault.Kind{entry.ErrMenu}, After: a.Entry.OnMenu})
	staff.Route(s, staff.Get("/channels/scenes", "channel.scenes", "view.settings", "带参二维码与效果，从新到旧", "Scene codes and what came of them, newest first", web.ErrCursor), a.listScenes)
	staff.Route(s, staff.Created(staff.Change(http.MethodPost, "/channels/scenes", "channel.add_scene", "edit.settings", "新建带参二维码", "Make a scene code",
		entry.ErrApp, entry.ErrScene, entry.ErrClerk, entry.ErrSceneTwice)), a.addScene)
	web.Route(s, staff.Get("/members/{id}/contacts", "channel.contacts", "view.members", "会员的企业微信导购", "Who of the staff speaks with a member on WeCom", member.ErrNone), a.contactsOf)
	staff.Route(s, staff.Get("/channels/{kind}/templates", "channel.templates", "view.settings", "平台上已选用的消息模板", "The message templates chosen at the platform",
		entry.ErrApp, entry.ErrPlatform), a.channelTemplates)
	staff.Route(s, staff.Get("/channels/incidents", "channel.incidents", "view.settings", "渠道异常，从新到旧", "Incidents of the channels, newest first", web.ErrCursor), a.channelIncidents)
}

func (a *App) clinic() *checkup.Clinic {
	return &checkup.Clinic{Config: a.Channels, Merchants: a.merchants, HTTP: channels.NewClient(), Clock: a.Clock, Public: a.public}
}

type channelAccount struct {
	ID   string `json:"id" doc:"账号：appid、商户号、企业或服务商|the account: appid, merchant, company or vendor"`
	Name string `json:"name" doc:"名称|its name"`
}

type channelOut struct {
	Kind       string           `json:"kind" enum:"oa,mp,pay,work,sms,mail" doc:"渠道种类|kind of channel"`
	Name       string           `json:"name" doc:"名称|its name"`
	Configured bool             `json:"configured" doc:"是否已接入|whether it is set up"`
	Accounts   []channelAccount `json:"accounts" doc:"账号|the accounts"`
}

type channelsOut struct {
	Data []channelOut `json:"data" doc:"全部渠道，含未接入的|all kinds, also those that are not set up"`
}

func (a *App) listChannels(c *web.Ctx, _ *struct{}) (*channelsOut, error) {
	out := &channelsOut{}
	for _, k := range a.clinic().Kinds() {
		x := channelOut{Kind: k.Key, Name: k.Name.In(c.Lang()), Configured: len(k.Accounts) > 0, Accounts: []channelAccount{}}
		for _, one := range k.Accounts {
			x.Accounts = append(x.Accounts, channelAccount(one))
		}
		out.Data = append(out.Data, x)
	}
	return out, nil
}

type channelFinding struct {
	Account string `json:"account,omitempty" doc:"账号，关于整个渠道的没有|the account; absent for what is about all"`
	Check   string `json:"check" enum:"credentials,address,key,push,clock,quota,settings" doc:"检测项|what was looked at"`
	Name    string `json:"name" doc:"检测项名称|its name"`
	OK      bool   `json:"ok" doc:"是否正常|whether all is well"`
	Detail  string `json:"detail" doc:"结果|what was found"`
	Advice  string `json:"advice,omitempty" doc:"怎么办，正常时没有|what to do; absent when all is well"`
}

type channelCheckOut struct {
	Kind       string           `json:"kind" doc:"渠道种类|kind of channel"`
	Configured bool             `json:"configured" doc:"是否已接入|whether it is set up"`
	OK         bool             `json:"ok" doc:"全部正常|whether all is well"`
	Data       []channelFinding `json:"data" doc:"检测结果|the findings"`
}

func (a *App) checkChannel(c *web.Ctx, in *struct {
	Kind string `path:"kind" enum:"oa,mp,pay,work,sms,mail" doc:"渠道种类|kind of channel"`
}) (*channelCheckOut, error) {
	found, err := a.clinic().Check(c, in.Kind)
	if err != nil {
		return nil, err
	}
	out := &channelCheckOut{Kind: in.Kind, Configured: len(found) > 0, OK: len(found) > 0, Data: []channelFinding{}}
	for _, f := range found {
		out.OK = out.OK && f.OK
		out.Data = append(out.Data, channelFinding{f.Account, f.Check, f.Name.In(c.Lang()), f.OK, f.Detail.In(c.Lang()), f.Advice.In(c.Lang())})
	}
	return out, nil
}

type channelIncident struct {
	ID     web.ID `json:"id" doc:"编号|the incident"`
	At     int64  `json:"at" doc:"时刻，UTC 毫秒|when, milliseconds UTC"`
	Kind   string `json:"kind" doc:"种类代码|code of its kind"`
	Name   string `json:"name" doc:"种类|its kind in words"`
	App    string `json:"app,omitempty" doc:"账号|the account"`
	Detail string `json:"detail,omitempty" doc:"详情|what is known"`
}

func (a *App) channelIncidents(c *web.Ctx, in *struct{ web.Paging }) (*web.Page[channelIncident], error) {
	var before int64
	if err := web.DecodeCursor(in.Cursor, &before); err != nil {
		return nil, err
	}
	return staff.Read(c, a.desk(), func(v *db.View) (*web.Page[channelIncident], error) {
		var out []channelIncident
		for _, i := range entry.Incidents(v, before, in.Limit+1) {
			out = append(out, channelIncident{web.ID(i.ID), i.At, i.Kind, entry.IncidentWords(i.Kind, c.Lang()), i.App, i.Detail})
		}
		return web.PageOf(out, in.Limit, func(i channelIncident) string { return web.EncodeCursor(int64(i.ID)) }), nil
	})
}

type sceneOut struct {
	ID        web.ID `json:"id" doc:"编号|the code"`
	App       string `json:"app" doc:"服务号 appid 或企业微信 corp_id|appid of the account, or corp_id"`
	Store     string `json:"store,omitempty" doc:"门店编码|code of the store"`
	Clerk     string `json:"clerk,omitempty" doc:"导购编号|number of the clerk"`
	Channel   string `json:"channel,omitempty" doc:"入会渠道|the channel"`
	Source    string `json:"source,omitempty" doc:"来源|the source"`
	State     string `json:"state" enum:"making,ready,failed,expired" doc:"making 生成中；ready 可用；failed 平台拒绝；expired 已过期|being made, ready, refused by the platform, over"`
	URL       string `json:"url,omitempty" doc:"二维码的内容，可自行绘制|what the code says; may be drawn"`
	Picture   string `json:"picture,omitempty" doc:"平台的图片地址|the platform's picture"`
	Until     int64  `json:"until,omitempty" doc:"失效时间，永久的没有|when it ends; absent for good"`
	Scans     int64  `json:"scans" doc:"扫码次数|scans"`
	Follows   int64  `json:"follows" doc:"新关注|new followers"`
	Joins     int64  `json:"joins" doc:"入会人数|new members"`
	CreatedAt int64  `json:"created_at" doc:"建立时间|when it was made"`
	By        string `json:"by" doc:"经办|by whom"`
}

func (a *App) sceneFor(r db.Reader, s entry.Scene) sceneOut {
	f := entry.FromScene(s.Scene)
	return sceneOut{web.ID(s.ID), s.App, f.Store, f.Clerk, f.Channel, f.Source, s.State, s.URL, a.Entry.Picture(s), s.Until, s.Scans, s.Follows, s.Joins, s.Created, a.desk().Name(r, s.Actor)}
}

func (a *App) listScenes(c *web.Ctx, in *struct{ web.Paging }) (*web.Page[sceneOut], error) {
	var before int64
	if err := web.DecodeCursor(in.Cursor, &before); err != nil {
		return nil, err
	}
	return staff.Read(c, a.desk(), func(v *db.View) (*web.Page[sceneOut], error) {
		var out []sceneOut
		for _, s := range entry.Scenes(v, before, in.Limit+1) {
			out = append(out, a.sceneFor(v, s))
		}
		return web.PageOf(out, in.Limit, func(s sceneOut) string { return web.EncodeCursor(int64(s.ID)) }), nil
	})
}

func (a *App) addScene(c *web.Ctx, in *struct {
	Body struct {
		App     string `json:"app,omitempty" maxLength:"64" doc:"服务号 appid，只接入一个时可省略；或企业微信 corp_id|appid, if several are connected; or the corp_id of a WeCom company"`
		Store   string `json:"store,omitempty" maxLength:"48" doc:"门店编码|code of the store"`
		Clerk   string `json:"clerk,omitempty" maxLength:"32" doc:"导购编号|number of the clerk"`
		Channel string `json:"channel,omitempty" maxLength:"32" doc:"入会渠道|the channel"`
		Source  string `json:"source,omitempty" maxLength:"32" doc:"来源|the source"`
		Days    int    `json:"days,omitempty" minimum:"0" maximum:"30" doc:"有效天数，0 为永久（每个账号最多 10 万个）|days it is good for; 0 for good, of which an account has 100,000"`
	}
}) (*sceneOut, error) {
	b := &in.Body
	return staff.Write(c, a.desk(), db.Op{}, func(tx *db.Tx) (*sceneOut, staff.Act, error) {
		s, err := a.Entry.AddScene(tx, b.App, entry.From{Store: b.Store, Clerk: b.Clerk, Channel: b.Channel, Source: b.Source}, b.Days)
		out := a.sceneFor(tx, s)
		return &out, staff.Act{What: "channel.add_scene", Targets: []int64{s.ID}, New: out}, err
	})
}

type channelTemplate struct {
	App     string `json:"app" doc:"账号|the account"`
	ID      string `json:"id" doc:"模板编号|id of the template"`
	Title   string `json:"title" doc:"标题|its title"`
	Content string `json:"content" doc:"字段，每行“名称:{{字段.DATA}}”|its fields, a line each"`
}

type channelTemplatesOut struct {
	Data []channelTemplate `json:"data" doc:"模板|the templates"`
}

// channelTemplates asks the platform, for whoever chooses templates for the messages.
func (a *App) channelTemplates(c *web.Ctx, in *struct {
	Kind string `path:"kind" enum:"oa,mp" doc:"渠道种类|kind of channel"`
}) (*channelTemplatesOut, error) {
	switch {
	case in.Kind == "oa" && len(a.Channels.OA) > 0:
		app := a.Channels.OA[0].AppID
		client, err := a.Entry.OA(app)
		if err != nil {
			return nil, err
		}
		list, err := client.Templates(c)
		return templatesOf(app, list, err)
	case in.Kind == "mp" && len(a.Channels.MP) > 0:
		app := a.Channels.MP[0].AppID
		client, err := a.Entry.MP(app)
		if err != nil {
			return nil, err
		}
		list, err := client.Templates(c)
		return templatesOf(app, list, err)
	}
	return &channelTemplatesOut{Data: []channelTemplate{}}, nil
}

func templatesOf[T oa.OwnTemplate | mp.OwnTemplate](app string, list []T, err error) (*channelTemplatesOut, error) {
	if err != nil {
		return nil, entry.ErrPlatform.New().Because(err)
	}
	out := &channelTemplatesOut{Data: []channelTemplate{}}
	for _, one := range list {
		t := oa.OwnTemplate(one) // the two differ in the platform's names alone
		out.Data = append(out.Data, channelTemplate{app, t.ID, t.Title, t.Content})
	}
	return out, nil
}

type contactOut struct {
	Corp   string `json:"corp" doc:"企业|the company"`
	Clerk  string `json:"clerk" doc:"员工账号|userid of the employee"`
	Store  string `json:"store,omitempty" doc:"经哪个门店的二维码|store of the code by which they came"`
	Status string `json:"status" enum:"friend,gone" doc:"friend 好友；gone 已删除|in contact, or one has removed the other"`
	Since  int64  `json:"since" doc:"添加时间|since when"`
}

type contactsOut struct {
	Data []contactOut `json:"data" doc:"导购|the staff"`
}

func (a *App) contactsOf(c *web.Ctx, in *struct {
	ID web.ID `path:"id" doc:"会员编号|the member"`
}) (*contactsOut, error) {
	return staff.Read(c, a.desk(), func(v *db.View) (*contactsOut, error) {
		m, err := member.Reach(v, a.desk(), staff.WhoOf(c), "view.members", int64(in.ID))
		if err != nil {
			return nil, err
		}
		out := &contactsOut{Data: []contactOut{}}
		for _, x := range wecom.ContactsOf(v, m.ID) {
			out.Data = append(out.Data, contactOut{x.Corp, x.Clerk, entry.FromScene(x.State).Store, x.Status, x.Since})
		}
		return out, nil
	})
}
