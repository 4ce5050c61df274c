package track

import (
	"net/http"

	"guanxi/internal/base/db"
	"guanxi/internal/base/fault"
	"guanxi/internal/base/web"
	"guanxi/internal/loyalty/member"
	"guanxi/internal/loyalty/staff"
)

// RoutesMember registers the intake.
func (s *Service) RoutesMember(srv *web.Server) {
	srv.Tag("track", "行为", "Behaviour")
	web.Route(srv, web.Op{Door: member.Door, Method: http.MethodPost, Path: "/me/events", ID: "me.events", Perm: web.AnyCaller, Tags: []string{"track"}, MaxBody: 64 << 10,
		Zh: "上报一批行为事件；同一事件重复上报只计一次", En: "Report a batch of events; one that is reported again counts once", Errors: []*fault.Kind{ErrRun, db.ErrBusy}}, s.postEvents)
}

type eventIn struct {
	N      int64  `json:"n" minimum:"1" maximum:"1000000000" doc:"本次运行中的序号，从 1 起递增|its number in the run, rising from 1"`
	Kind   string `json:"kind" enum:"page,click,dwell,share,error" doc:"种类|kind"`
	Page   string `json:"page" minLength:"1" maxLength:"32" doc:"页面名|name of the page"`
	Target string `json:"target,omitempty" maxLength:"48" pattern:"^[a-z0-9_.:-]*$" doc:"点了或分享了什么，页面里的代号，不得含个人信息|what was clicked or shared, as our pages name it; nothing personal"`
	At     int64  `json:"at" minimum:"0" maximum:"9007199254740991" doc:"手机时间，UTC 毫秒|by the phone's clock, milliseconds UTC"`
	MS     int64  `json:"ms,omitempty" minimum:"0" maximum:"86400000" doc:"停留毫秒|milliseconds of dwell"`
}

type eventsIn struct {
	Body struct {
		Run    string    `json:"run" minLength:"8" maxLength:"32" doc:"本次运行的随机编号，每次启动换新|a random name of this run of the app, new at each start"`
		Link   string    `json:"link,omitempty" maxLength:"24" doc:"经哪个入口链接而来|code of the entry link by which the member came"`
		Events []eventIn `json:"events" minItems:"1" maxItems:"100" doc:"事件|events"`
	}
}

type eventsOut struct {
	New   int  `json:"new" doc:"新计入的|events that count"`
	Again int  `json:"again" doc:"此前已计入的|events that were here before"`
	Off   bool `json:"off" doc:"会员未同意或已停用采集：请停止上报|not agreed to, or switched off: stop reporting"`
}

// postEvents needs no key: every event has a name of its own, and counts once.
func (s *Service) postEvents(c *web.Ctx, in *eventsIn) (out *eventsOut, err error) {
	events := make([]Event, len(in.Body.Events))
	for i, e := range in.Body.Events {
		events[i] = Event{N: e.N, Kind: e.Kind, Page: e.Page, Target: e.Target, At: e.At, MS: e.MS}
	}
	err = s.DB.Write(c, db.Op{Owner: c.Caller.ID, Actor: c.Caller.Actor()}, func(tx *db.Tx) error {
		t, err := s.Take(tx, c.Caller.ID, in.Body.Run, in.Body.Link, events)
		out = &eventsOut{t.New, t.Again, t.Off}
		return err
	})
	return out, err
}

// Console is what staff see of behaviour.
type Console struct{ staff.Desk }

// Register registers the console's routes.
func (k Console) Register(srv *web.Server) {
	staff.Tune(srv, k.Desk, staff.Tunable[Policy]{Path: "tracking", ID: "track.policy", View: "view.settings", Edit: "edit.settings",
		Zh: "行为采集", En: "Tracking", Setting: Rules})
	staff.Route(srv, staff.Get("/reports/behaviour", "track.report", "view.reports", "会员中心的页面、点击、停留与分享", "Pages, clicks, dwell and shares of the member centre"), k.report)
}

type consoleTrackIn struct {
	From  int `query:"from" minimum:"0" maximum:"99991231" doc:"自然日，缺省为 30 天前|local day; 30 days ago when absent"`
	Until int `query:"until" minimum:"0" maximum:"99991231" doc:"自然日，含当日|local day, inclusive"`
}

type consoleTrack struct {
	Day   int    `json:"day" doc:"自然日|local day"`
	Kind  string `json:"kind" doc:"种类|kind"`
	Page  string `json:"page" doc:"页面|page"`
	N     int64  `json:"n" doc:"次数|how often"`
	Dwell int64  `json:"dwell_ms" doc:"停留合计，毫秒|dwell in all, milliseconds"`
}

type consoleTracks struct {
	Data []consoleTrack `json:"data" doc:"按日、种类、页面|by day, kind and page"`
}

func (k Console) report(c *web.Ctx, in *consoleTrackIn) (*consoleTracks, error) {
	return staff.Read(c, k.Desk, func(v *db.View) (*consoleTracks, error) {
		out := &consoleTracks{Data: []consoleTrack{}}
		from, until := k.Days(v, in.From, in.Until)
		for _, x := range CountsOf(v, from, until) {
			out.Data = append(out.Data, consoleTrack(x))
		}
		return out, nil
	})
}
