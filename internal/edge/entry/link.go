package entry

import (
	"context"
	"html/template"
	"net/http"
	"net/netip"
	"net/url"

	"guanxi/internal/base/clock"
	"guanxi/internal/base/db"
	"guanxi/internal/base/job"
	"guanxi/internal/edge/wechat"
	"guanxi/internal/loyalty/track"
)

// LinkPath is where entry links stand; the code follows.
const LinkPath = "/l/"

// The work with the platform: the address of a link in the mini program, which lives for a month at most.
const (
	makeLink   job.Kind[string]   = "entry.link"
	renewLinks job.Kind[job.Slot] = "entry.renew_links"
	miniDays                      = 30
	renewAhead                    = 7 * clock.Day
)

// LinkURL is the address that is put up outside.
func (s *Service) LinkURL(l track.Link) string { return s.Public + LinkPath + l.Code }

// HasMini says whether links can open a mini program.
func (s *Service) HasMini() bool { return s.mini != "" }

// Link leads whoever comes by an entry link to a page of ours or of our mini program, and nowhere else.
func (s *Service) Link(w http.ResponseWriter, r *http.Request) {
	var l track.Link
	known, code := false, r.PathValue("code")
	err := s.DB.View(r.Context(), func(v *db.View) error { l, known = track.LinkOf(v, code); return nil })
	w.Header().Set("Cache-Control", "no-store") // every visit counts
	switch {
	case err != nil:
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	case !known:
		s.deadLink(w, http.StatusNotFound)
		return
	case l.State != track.LinkOn:
		s.deadLink(w, http.StatusGone)
		return
	}
	if r.Method == http.MethodGet {
		s.visit(r, code)
	}
	to := "/m/?l=" + l.Code + "#/" + l.Path()
	if l.Opens == track.OpensMini && l.Mini != "" && s.Clock.Now() < l.Until {
		to = l.Mini
	}
	http.Redirect(w, r, to, http.StatusFound) //nolint:gosec // a page of ours, or the address that the platform gave us
}

// visit counts. That it can't, or that one address knocks without end, is no reason to turn somebody away.
func (s *Service) visit(r *http.Request, code string) {
	from, err := netip.ParseAddrPort(r.RemoteAddr)
	if ok, _ := s.pace.link.Allow(nil, from.Addr().String()); !ok || err != nil {
		return
	}
	err = s.DB.Write(context.WithoutCancel(r.Context()), db.Op{Actor: "system:entry"}, func(tx *db.Tx) error {
		s.Tracks.Visited(tx, code)
		return nil
	})
	if err != nil {
		s.Log.Warn("a visit was not counted", "err", err)
	}
}

// OnLink has the platform make the address of a link that opens the mini program.
func (s *Service) OnLink(tx *db.Tx, l track.Link) error {
	if l.Opens != track.OpensMini || l.State != track.LinkOn || s.mini == "" || l.Until > tx.Now()+renewAhead {
		return nil
	}
	_, err := job.Add(tx, makeLink, l.Code)
	return err
}

func (s *Service) makeLink(ctx context.Context, run *job.Run, code string) error {
	var l track.Link
	if err := s.DB.View(ctx, func(v *db.View) error { l, _ = track.LinkOf(v, code); return nil }); err != nil || l.Opens != track.OpensMini {
		return err
	}
	client, err := s.MP(s.mini)
	if err != nil {
		return job.GiveUp(err)
	}
	until := s.Clock.Now() + (miniDays-1)*clock.Day
	address, err := client.Link(ctx, l.Path(), url.Values{"l": {l.Code}}.Encode(), miniDays)
	if wechat.Trouble(err) {
		s.Trouble(ctx, s.mini, err)
	}
	if c := wechat.ClassOf(err); c == wechat.Setup || c == wechat.Permanent {
		return job.GiveUp(err) // until then, and after it, the link leads to the H5 page
	}
	if err != nil {
		return err
	}
	return run.Write(ctx, db.Op{}, func(tx *db.Tx) error {
		if now, ok := track.LinkOf(tx, code); ok && now.Page == l.Page {
			s.Tracks.SetMini(tx, code, address, until)
		}
		return run.Finish(tx)
	})
}

// renewLinks looks daily for addresses that end soon.
func (s *Service) renewLinks(ctx context.Context, run *job.Run, _ job.Slot) error {
	for before, more := int64(0), true; more; {
		err := run.Write(ctx, db.Op{Weight: atOnce}, func(tx *db.Tx) error {
			list := track.Links(tx, before, atOnce)
			more = len(list) == atOnce
			for _, l := range list {
				before = l.ID
				if err := s.OnLink(tx, l); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

var deadPage = template.Must(template.New("dead").Parse(`<!doctype html>
<html lang="zh-CN"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><meta name="color-scheme" content="light dark"><title>{{.Zh}}</title>
<style>body{margin:0;min-height:100vh;display:grid;place-items:center;font:16px/1.7 -apple-system,"PingFang SC","Noto Sans CJK SC",sans-serif;background:Canvas;color:CanvasText;text-align:center}
main{padding:32px 28px;max-width:22em}h1{font-size:21px;line-height:1.4;margin:0 0 8px}p{margin:0 0 26px;opacity:.75}a{display:inline-block;padding:11px 30px;border-radius:99px;background:CanvasText;color:Canvas;text-decoration:none}small{display:block;margin-top:28px;opacity:.65}</style></head>
<body><main><h1>{{.Zh}}</h1><p>{{.Hint}}</p><a href="/m/">进入会员中心</a><small lang="en">{{.En}} <br>The member centre is open as ever.</small></main></body></html>
`))

// deadLink answers for a link that never was, or is no more.
func (s *Service) deadLink(w http.ResponseWriter, status int) {
	words := struct{ Zh, Hint, En string }{"链接不存在", "请核对地址，或直接进入会员中心。", "There is no such link."}
	if status == http.StatusGone {
		words = struct{ Zh, Hint, En string }{"活动链接已停用", "这个入口已经结束，会员权益不受影响。", "This link has ended."}
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'")
	w.WriteHeader(status)
	if err := deadPage.Execute(w, words); err != nil {
		s.Log.Info("a page was not sent", "err", err)
	}
}
