package message

import (
	"guanxi/internal/base/db"
	"guanxi/internal/base/fault"
	"guanxi/internal/base/web"
	"guanxi/internal/loyalty/member"
	"guanxi/internal/loyalty/staff"
)

// Console is what staff see and change of messages.
type Console struct {
	staff.Desk
	S *Service
}

// Register registers the console's routes.
func (k Console) Register(srv *web.Server) {
	staff.Tune(srv, k.Desk, staff.Tunable[Policy]{Path: "messages", ID: "message.policy", View: "view.settings", Edit: "send.messages",
		Zh: "消息频次与免打扰", En: "How often and when members are sent something", Setting: Rules})
	staff.Tune(srv, k.Desk, staff.Tunable[Words]{Path: "message-templates", ID: "message.templates", View: "view.settings", Edit: "send.messages",
		Zh: "消息模板", En: "Words of messages", Setting: Templates, Check: func(r db.Reader, w Words) error { return w.Check(r) }, Errors: []*fault.Kind{ErrOccasion, ErrWords}})
	web.Route(srv, staff.Get("/members/{id}/messages", "message.of_member", "view.members", "会员的消息发送记录，从新到旧", "What was sent to a member, newest first", member.ErrNone, web.ErrCursor), k.ofMember)
	staff.Route(srv, staff.Get("/reports/messages", "message.report", "view.reports", "消息按场景、渠道与结果计数", "Messages by occasion, channel and end"), k.report)
}

type consoleSendsIn struct {
	ID web.ID `path:"id" doc:"会员编号|the member"`
	web.Paging
}

type consoleSend struct {
	ID       web.ID `json:"id" doc:"编号|the send"`
	Occasion string `json:"occasion" doc:"场景|occasion"`
	Channel  string `json:"channel,omitempty" doc:"渠道，未发送则没有|channel; absent when nothing was sent"`
	State    string `json:"state" enum:"sending,sent,waiting,failed,skipped,unknown" doc:"结果|how it ended"`
	Reason   string `json:"reason,omitempty" doc:"原因代码|code of why"`
	At       int64  `json:"at" doc:"时刻，UTC 毫秒|when, milliseconds UTC"`
}

func (k Console) ofMember(c *web.Ctx, in *consoleSendsIn) (*web.Page[consoleSend], error) {
	before := int64(1<<63 - 1)
	if err := web.DecodeCursor(in.Cursor, &before); err != nil {
		return nil, err
	}
	return staff.Read(c, k.Desk, func(v *db.View) (*web.Page[consoleSend], error) {
		m, err := member.Reach(v, k.Desk, staff.WhoOf(c), "view.members", int64(in.ID))
		if err != nil {
			return nil, err
		}
		var out []consoleSend
		for _, s := range LogOf(v, m.ID, before, in.Limit+1) {
			out = append(out, consoleSend{web.ID(s.ID), s.Occasion, s.Channel, s.State, s.Reason, s.At})
		}
		return web.PageOf(out, in.Limit, func(s consoleSend) string { return web.EncodeCursor(int64(s.ID)) }), nil
	})
}

type consoleTallyIn struct {
	From  int `query:"from" minimum:"0" maximum:"99991231" doc:"自然日，缺省为 30 天前|local day; 30 days ago when absent"`
	Until int `query:"until" minimum:"0" maximum:"99991231" doc:"自然日，含当日|local day, inclusive"`
}

type consoleMessageTally struct {
	Occasion string `json:"occasion" doc:"场景|occasion"`
	Channel  string `json:"channel" doc:"渠道|channel"`
	State    string `json:"state" doc:"结果|how they ended"`
	N        int64  `json:"n" doc:"条数|how many"`
}

type consoleMessageReport struct {
	Data []consoleMessageTally `json:"data" doc:"计数|counts"`
}

func (k Console) report(c *web.Ctx, in *consoleTallyIn) (*consoleMessageReport, error) {
	return staff.Read(c, k.Desk, func(v *db.View) (*consoleMessageReport, error) {
		first, last := k.Days(v, in.From, in.Until)
		out := &consoleMessageReport{Data: []consoleMessageTally{}}
		for _, t := range Tallies(v, k.Zone.StartOfDay(first), k.Zone.StartOfDay(k.Zone.AddDays(last, 1))) {
			out.Data = append(out.Data, consoleMessageTally(t))
		}
		return out, nil
	})
}
