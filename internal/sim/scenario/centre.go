package scenario

import (
	"fmt"

	"guanxi/internal/base/db"
	"guanxi/internal/loyalty/campaign"
	"guanxi/internal/loyalty/member"
	"guanxi/internal/loyalty/message"
	"guanxi/internal/loyalty/privacy"
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
