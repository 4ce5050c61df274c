package entry

import (
	"context"
	"net/url"
	"strings"

	"guanxi/internal/base/clock"
	"guanxi/internal/base/db"
	"guanxi/internal/base/fault"
	"guanxi/internal/base/job"
	"guanxi/internal/edge/wechat"
)

// The faults of scene codes.
var (
	ErrScene = fault.Define("entry.scene", fault.Invalid,
		"二维码至少要有门店、导购、渠道或来源之一，合起来不超过 {most} 个字符", "A code says a store, a clerk, a channel or a source, {most} characters at most in all")
	ErrClerk = fault.Define("entry.scene_clerk", fault.Invalid,
		"企业微信的二维码须指定员工", "A code of WeCom takes a member of staff")
	ErrSceneTwice = fault.Define("entry.scene_exists", fault.Conflict,
		"这个二维码已经有了", "There is such a code already")
)

// States of a scene code.
const (
	SceneMaking  = "making"
	SceneReady   = "ready"
	SceneFailed  = "failed"
	SceneExpired = "expired"
)

// Scene is one code by which people follow, with whoever it is booked to.
type Scene struct {
	ID      int64
	App     string
	Scene   string // what the platform gives back: "s=S001&c=7"
	State   string
	Ticket  string
	URL     string // what the code says
	Days    int    // 0: for good
	Until   int64
	Created int64
	Actor   string
	Scans   int64 // by whoever followed already, too
	Follows int64
	Joins   int64
}

var scenes = db.NewTable(db.Spec[Scene, int64]{
	Name: "entry_scene", Keys: 1, Indexed: true,
	Cols: []string{"id", "app", "scene", "state", "ticket", "url", "days", "until_at", "created_at", "actor", "scans", "follows", "joins"},
	Row: func(r *Scene, p []any) []any {
		return append(p, &r.ID, &r.App, &r.Scene, &r.State, &r.Ticket, &r.URL, &r.Days, &r.Until, &r.Created, &r.Actor, &r.Scans, &r.Follows, &r.Joins)
	},
	Key: func(r *Scene) int64 { return r.ID },
})

// Scenes lists codes, newest first, before an id (0: the newest).
func Scenes(r db.Reader, before int64, limit int) []Scene {
	if before == 0 {
		before = 1<<63 - 1
	}
	list := scenes.Select(r, db.Query[Scene]{
		Where: "id < ?", Args: []any{before}, Order: "id DESC", Limit: limit,
		Match: func(s *Scene) bool { return s.ID < before },
		Less:  func(a, b *Scene) bool { return a.ID > b.ID },
	})
	for i, s := range list {
		if s.State == SceneReady && s.Until != 0 && s.Until <= r.Now() {
			list[i].State = SceneExpired
		}
	}
	return list
}

func scenesOf(r db.Reader, app, text string) []Scene {
	return scenes.Select(r, db.Query[Scene]{
		Where: "app = ? AND scene = ?", Args: []any{app, text}, Order: "id DESC", Limit: 10,
		Match: func(s *Scene) bool { return s.App == app && s.Scene == text },
		Less:  func(a, b *Scene) bool { return a.ID > b.ID },
	})
}

// From is where somebody came from, as a code or a link says it.
type From struct{ Store, Clerk, Channel, Source string }

// mostScene is the longest text of a scene code.
const mostScene = 64

// mostState is the longest one of a company's code.
const mostState = 30

func (f From) text() string {
	q := url.Values{}
	for name, v := range map[string]string{"s": f.Store, "c": f.Clerk, "h": f.Channel, "r": f.Source} {
		if v != "" {
			q.Set(name, v)
		}
	}
	return q.Encode()
}

// FromScene reads what a scene says; one that is not in our form says nothing.
func FromScene(scene string) From {
	q, err := url.ParseQuery(strings.TrimPrefix(scene, "qrscene_"))
	if err != nil {
		return From{}
	}
	return From{q.Get("s"), q.Get("c"), q.Get("h"), q.Get("r")}
}

// The work with the platform.
const (
	makeScene   job.Kind[int64]  = "entry.scene"
	publishMenu job.Kind[string] = "entry.menu"
)

// AddScene notes a code that is wanted; a job has the platform make it.
func (s *Service) AddScene(tx *db.Tx, app string, from From, days int) (Scene, error) {
	text, most := from.text(), mostScene
	if s.ways[app] != nil {
		if most = mostState; from.Clerk == "" {
			return Scene{}, ErrClerk.New().At("clerk")
		}
		days = 0
	} else {
		client, err := s.OA(app)
		if err != nil {
			return Scene{}, err
		}
		app = client.App.AppID
	}
	if text == "" || len([]rune(text)) > most {
		return Scene{}, ErrScene.With("most", most).At("store")
	}
	for _, old := range scenesOf(tx, app, text) {
		if old.State != SceneFailed && (old.Until == 0 || old.Until > tx.Now()) {
			return Scene{}, ErrSceneTwice.New().At("store")
		}
	}
	row := Scene{ID: tx.ID(), App: app, Scene: text, State: SceneMaking, Days: days, Created: tx.Now(), Actor: tx.Actor()}
	if err := scenes.Insert(tx, row); err != nil {
		return row, err
	}
	_, err := job.Add(tx, makeScene, row.ID)
	return row, err
}

// ShowScenes has the codes of a demonstration made again: its platform forgets them when it ends.
func (s *Service) ShowScenes(tx *db.Tx, app string, list ...From) error {
	for _, f := range list {
		known := scenesOf(tx, app, f.text())
		if len(known) == 0 {
			if _, err := s.AddScene(tx, app, f, 0); err != nil {
				return err
			}
			continue
		}
		known[0].State = SceneMaking
		scenes.Put(tx, known[0])
		if _, err := job.Add(tx, makeScene, known[0].ID); err != nil {
			return err
		}
	}
	return nil
}

// fromCentre is the code that the member centre shows to members who don't follow yet.
var fromCentre = From{Channel: "centre"}

// NeedCentreCode has the code made that the member centre shows, unless there is one or no account.
func (s *Service) NeedCentreCode(tx *db.Tx) error {
	if s.first == "" {
		return nil
	}
	for _, old := range scenesOf(tx, s.first, fromCentre.text()) {
		if old.State != SceneFailed {
			return nil
		}
	}
	_, err := s.AddScene(tx, s.first, fromCentre, 0)
	return err
}

// CentreCode is what that code says, "" before there is one.
func (s *Service) CentreCode(r db.Reader) string {
	if s.first == "" {
		return ""
	}
	for _, one := range scenesOf(r, s.first, fromCentre.text()) {
		if one.State == SceneReady {
			return one.URL
		}
	}
	return ""
}

// makeScene has a code made. Made twice it says the same; the later one counts.
func (s *Service) makeScene(ctx context.Context, run *job.Run, id int64) error {
	var row Scene
	if err := s.DB.View(ctx, func(v *db.View) error { row, _ = scenes.Get(v, id); return nil }); err != nil || row.State != SceneMaking {
		return err
	}
	ticket, link, failure := s.ask(ctx, row)
	if wechat.Trouble(failure) {
		s.Trouble(ctx, row.App, failure)
	}
	if again := wechat.ClassOf(failure); again == wechat.Busy || again == wechat.Token || again == wechat.Quota {
		return failure
	}
	return run.Write(ctx, db.Op{}, func(tx *db.Tx) error {
		now, _ := scenes.Get(tx, id)
		now.State, now.Ticket, now.URL = SceneReady, ticket, link
		if failure != nil {
			now.State, now.Ticket, now.URL = SceneFailed, "", ""
		}
		if now.Days > 0 {
			now.Until = tx.Now() + int64(now.Days)*clock.Day
		}
		scenes.Put(tx, now)
		return run.Finish(tx)
	})
}

func (s *Service) ask(ctx context.Context, x Scene) (ticket, link string, err error) {
	if way := s.ways[x.App]; way != nil {
		return way(ctx, x.Scene, FromScene(x.Scene).Clerk)
	}
	client, err := s.OA(x.App)
	if err != nil {
		return "", "", err
	}
	qr, err := client.QR(ctx, x.Scene, int64(x.Days)*clock.Day/clock.Second)
	return qr.Ticket, qr.URL, err
}

// Picture is the address of the platform's picture of a code, "" before there is one.
func (s *Service) Picture(x Scene) string {
	if s.ways[x.App] != nil {
		return x.URL // that of a company's code is its picture
	}
	if client, err := s.OA(x.App); err == nil && x.Ticket != "" {
		return client.QRPicture(x.Ticket)
	}
	return ""
}

// Came counts somebody who came by a company's code.
func (s *Service) Came(tx *db.Tx, app, scene string, isNew bool) {
	counted(tx, app, scene, func(c *Scene) {
		c.Scans++
		if isNew {
			c.Follows++
		}
	})
}

// Joined counts somebody who came by a code and became a member.
func (s *Service) Joined(tx *db.Tx, app, scene string) {
	counted(tx, app, scene, func(c *Scene) { c.Joins++ })
}

// counted counts what came of a code that was made here; others are no business of ours.
func counted(tx *db.Tx, app, scene string, count func(*Scene)) {
	if list := scenesOf(tx, app, scene); scene != "" && len(list) > 0 {
		count(&list[0])
		scenes.Put(tx, list[0])
	}
}
