package scenario

import (
	"fmt"
	"slices"

	"guanxi/internal/base/db"
	"guanxi/internal/loyalty/campaign"
	"guanxi/internal/loyalty/member"
	"guanxi/internal/loyalty/message"
	"guanxi/internal/loyalty/privacy"
	"guanxi/internal/loyalty/recognition"
	"guanxi/internal/loyalty/track"
)

// centreCommands are what members do in the member centre.
func centreCommands() []command {
	return []command{
		{"checkin", []string{"checkin anna"}, "checks in for today; again on the same day changes nothing", false, checkin},
		{"task", []string{"task anna browse"}, "does a task of newcomers", false, newcomerTask},
		{"consent", []string{"consent anna marketing yes", "consent anna marketing no"}, "agrees to a purpose, or takes that back", false, consent},
		{"announce", []string{`announce anna N1 "新品"`}, "tells a member an offer", false, announce},
		{"leave", []string{"leave anna 250"}, "asks to close the account, with the points that were shown as void", false, leave},
		{"stay", []string{"stay anna"}, "takes that back", false, stay},
		{"code", []string{"code C1 anna"}, "shows a member code", false, showCode},
		{"scan", []string{"scan C1"}, "reads a member code at a till", false, scanCode},
		{"link", []string{"link brand-zone checkin", "link brand-zone checkin stopped"}, "puts an entry link up that leads to a page, or changes it", false, putLink},
		{"visit", []string{"visit brand-zone anna 3"}, "comes by an entry link and does a number of things", false, visitLink},
	}
}

func checkin(w *world, l *line) error {
	return aboutMember(w, l, func(tx *db.Tx, p person) error {
		r := *l
		if err := r.end(); err != nil {
			return err
		}
		_, err := w.app.Campaign.CheckInNow(tx, p.id)
		return err
	})
}

func newcomerTask(w *world, l *line) error {
	return aboutMember(w, l, func(tx *db.Tx, p person) error {
		r := *l
		task := r.word()
		if err := r.end(); err != nil {
			return err
		}
		_, _, err := w.app.Campaign.DoTask(tx, p.id, task)
		return err
	})
}

func consent(w *world, l *line) error {
	return aboutMember(w, l, func(tx *db.Tx, p person) error {
		r := *l
		purpose, yes := r.word(), r.take("yes")
		if !yes {
			r.need("no")
		}
		if err := r.end(); err != nil {
			return err
		}
		return w.app.Members.SetConsent(tx, p.id, purpose, yes, -1, "scenario")
	})
}

func announce(w *world, l *line) error {
	return aboutMember(w, l, func(tx *db.Tx, p person) error {
		r := *l
		about, title := r.word(), r.word()
		if err := r.end(); err != nil {
			return err
		}
		return w.app.Messages.Tell(tx, message.Note{Member: p.id, Occasion: message.Announcement, Dedupe: about, Values: map[string]string{"title": title, "body": title}})
	})
}

func leave(w *world, l *line) error {
	return aboutMember(w, l, func(tx *db.Tx, p person) error {
		r := *l
		points := r.int()
		if err := r.end(); err != nil {
			return err
		}
		_, err := w.app.Privacy.Leave(tx, p.id, points)
		return err
	})
}

func stay(w *world, l *line) error {
	return aboutMember(w, l, func(tx *db.Tx, p person) error {
		r := *l
		if err := r.end(); err != nil {
			return err
		}
		return w.app.Privacy.Stay(tx, p.id)
	})
}

func showCode(w *world, l *line) error {
	name := l.word()
	return aboutMember(w, l, func(tx *db.Tx, p person) error {
		r := *l
		if err := r.end(); err != nil {
			return err
		}
		code, _, err := w.app.Members.IssueCode(tx, p.id)
		w.keep(func() { w.codes[name] = code })
		return err
	})
}

func scanCode(w *world, l *line) error {
	var code string
	name := l.word()
	w.keep(func() { code = w.codes[name] })
	if err := l.end(); err != nil {
		return err
	}
	return w.write(func(tx *db.Tx) error {
		_, err := w.app.Members.UseCode(tx, code, "partner:1", "S1")
		return err
	})
}

func putLink(w *world, l *line) error {
	to := track.Link{Code: l.word(), Page: l.word(), Name: "入口", Opens: track.OpensH5, State: track.LinkOn}
	change := l.take("on")
	if l.take("stopped") {
		to.State, change = track.LinkStopped, true
	}
	if err := l.end(); err != nil {
		return err
	}
	return w.write(func(tx *db.Tx) (err error) {
		if change {
			_, _, err = w.app.Tracks.SetLink(tx, to.Code, to)
		} else {
			_, err = w.app.Tracks.AddLink(tx, to)
		}
		return err
	})
}

func visitLink(w *world, l *line) error {
	code := l.word()
	return aboutMember(w, l, func(tx *db.Tx, p person) error {
		r := *l
		n := r.int()
		if err := r.end(); err != nil {
			return err
		}
		w.app.Tracks.Visited(tx, code)
		events := make([]track.Event, n)
		for i := range events {
			events[i] = track.Event{N: int64(i + 1), Kind: "page", Page: "home", At: tx.Now()}
		}
		_, err := w.app.Tracks.Take(tx, p.id, "scenario"+code[:2], code, events)
		return err
	})
}

// expectLink looks at what came of an entry link.
func expectLink(_ *world, v *db.View, l *line) (d differs, err error) {
	code := l.word()
	x, _ := track.LinkOf(v, code)
	d.is("state", x.State, l.wantWord())
	l.need("visits")
	d.is("visits", x.Visits, l.wantInt())
	l.need("events")
	d.is("events", x.Events, l.wantInt())
	if len(d) > 0 {
		err = fmt.Errorf("%s: %v", code, d)
	}
	return nil, err
}

// expectStreak looks at the days in a row of the check-in and at what they gave.
func expectStreak(w *world, v *db.View, l *line, m member.Member) (d differs, err error) {
	streak, today, total := w.app.Campaign.Streak(v, m.ID)
	d.is("streak", streak, l.wantInt())
	if l.take("given") {
		d.is("given", total, l.wantInt())
	}
	if l.take("today") {
		d.is("today", map[bool]string{true: "yes", false: "no"}[today], l.wantWord())
	}
	return d, nil
}

// expectLetters looks at the inbox: how many there are of an occasion.
func expectLetters(_ *world, v *db.View, l *line, m member.Member) (d differs, err error) {
	occasion := l.word()
	d.is("letters of "+occasion, message.CountOf(v, m.ID, occasion), l.wantInt())
	return d, nil
}

// expectBadges looks at what a member is honoured by, from the easiest to the rarest.
func expectBadges(_ *world, v *db.View, l *line, m member.Member) (d differs, err error) {
	var got, want []string
	mine := recognition.Of(v, m.ID)
	for _, b := range recognition.Badges {
		if slices.ContainsFunc(mine, func(a recognition.Award) bool { return a.Badge == b.Key }) {
			got = append(got, b.Key)
		}
	}
	if len(got) == 0 {
		got = []string{"none"}
	}
	l.list(func() { want = append(want, l.wantWord()) })
	d.same("the badges", got, want)
	return d, nil
}

// expectGreeted looks at what a member is greeted for today.
func expectGreeted(w *world, v *db.View, l *line, m member.Member) (d differs, err error) {
	p, err := w.app.Members.ProfileOf(v, m.ID)
	if err != nil {
		return nil, err
	}
	var got, want []string
	for _, g := range w.app.Honours.GreetingsOf(v, m, p.BirthMD) {
		if g.Years > 0 {
			g.Kind = fmt.Sprint(g.Kind, " ", g.Years)
		}
		got = append(got, g.Kind)
	}
	if len(got) == 0 {
		got = []string{"none"}
	}
	l.list(func() {
		one := l.wantWord()
		if one == "anniversary" {
			one = fmt.Sprint(one, " ", l.wantInt())
		}
		want = append(want, one)
	})
	d.same("what the member is greeted for", got, want)
	return d, nil
}

func expectConsent(w *world, v *db.View, l *line, m member.Member) (d differs, err error) {
	purpose := l.word()
	d.is(purpose, map[bool]string{true: "yes", false: "no"}[w.app.Members.Consented(v, m.ID, purpose)], l.wantWord())
	return d, nil
}

// expectVoid looks at what closing the account would make void.
func expectVoid(_ *world, v *db.View, l *line, m member.Member) (d differs, err error) {
	void := privacy.VoidOf(v, m.ID).Points
	d.is("void", void.Available+void.Pending, l.wantInt())
	return d, nil
}

// expectFace looks at what is still known of the person.
func expectFace(w *world, v *db.View, l *line, m member.Member) (d differs, err error) {
	p, err := w.app.Members.ProfileOf(v, m.ID)
	got := p.Nickname.Reveal()
	if got == "" {
		got = "nobody"
	}
	d.is("nickname", got, l.wantWord())
	return d, err
}

// expectCampaign looks at what a kind of campaign has given on a local day.
func expectCampaign(w *world, v *db.View, l *line) (d differs, err error) {
	kind := l.word()
	plays, points := campaign.GivenOn(v, kind, w.zone.LocalDay(v.Now()))
	l.need("plays")
	d.is("plays", plays, l.wantInt())
	l.need("points")
	d.is("points", points, l.wantInt())
	if len(d) > 0 {
		err = fmt.Errorf("%s today: %v", kind, d)
	}
	return nil, err
}
