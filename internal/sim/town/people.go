package town

import (
	"fmt"
	"strings"

	"guanxi/internal/base/db"
	"guanxi/internal/base/vault"
	"guanxi/internal/loyalty/ledger"
	"guanxi/internal/loyalty/member"
	"guanxi/internal/loyalty/staff"
)

// identityOf writes a name of the book as the program's identity.
func identityOf(name string) member.Identity {
	kind, rest, _ := strings.Cut(name, "|")
	issuer, value, _ := strings.Cut(rest, "|")
	return member.Identity{Kind: kind, Issuer: issuer, Value: vault.Hide(value)}
}

// newNames makes up what a person is known by: a phone, and often something else too.
func (t *Town) newNames() []string {
	t.nos++
	names := []string{fmt.Sprintf("phone||138%08d", t.nos)}
	if t.chance(50) {
		names = append(names, fmt.Sprintf("openid|wx%d|o-%d", 1+t.rng.IntN(2), t.nos))
	}
	if t.chance(20) {
		names = append(names, fmt.Sprintf("card||C-%d", t.nos))
	}
	return names
}

// join lets someone join: mostly somebody new, sometimes somebody who is in already, or with what belongs to others, or with nonsense.
func (t *Town) join(int64) error {
	names := t.newNames()
	wrong := ""
	switch p := t.rng.IntN(100); {
	case len(t.citizens) == 0:
	case p < 4:
		names = append(t.someone().names[:1:1], names...)
	case p < 7:
		names = append(t.someone().names[:1:1], t.someone().names...)
	case p < 9:
		names, wrong = []string{"phone||12345"}, "phone.malformed"
	case p < 10:
		names, wrong = []string{"fax||1"}, "member.identity"
	case p < 11:
		names, wrong = nil, "member.no_identity"
	}
	var in member.Join
	for _, n := range names {
		in.Identities = append(in.Identities, identityOf(n))
	}
	in.Channel = []string{"qr", "till", "mini"}[t.rng.IntN(3)]
	var m member.Member
	var isNew bool
	code, err := t.write("join", func(tx *db.Tx) (err error) { m, isNew, err = t.app.Members.Join(tx, in); return err })
	if err != nil || wrong != "" {
		t.agree(nil, "joining", code, wrong)
		return err
	}
	p, wantNew, want := t.b.join(names)
	t.agree(p, "joining", code, want)
	if code == "" && isNew != wantNew {
		t.differ(m.ID, "new is %v, the book says %v", isNew, wantNew)
	}
	if wantNew {
		p.id = m.ID
	}
	if code == "" {
		t.citizens = append(t.citizens, t.newCitizen(names))
		if p.id != m.ID {
			t.differ(m.ID, "joined as this one, the book says %d", p.id)
		}
	}
	return nil
}

// bind gives a member a further name.
func (t *Town) bind(int64) error {
	p := t.anybody()
	if p == nil || p.into >= 0 {
		return nil
	}
	t.nos++
	name := fmt.Sprintf("openid|wx1|p-%d", t.nos)
	c := t.someone()
	if t.chance(10) {
		name = t.name(c)
	}
	code, err := t.write("bind", func(tx *db.Tx) error { return t.app.Members.Bind(tx, p.id, identityOf(name)) })
	if err != nil {
		return err
	}
	t.agree(p, "binding", code, t.b.bind(p, []string{name}))
	return nil
}

// profile fills a profile in, in one go or field by field.
func (t *Town) profile(int64) error {
	p := t.anybody()
	if p == nil || p.into >= 0 {
		return nil
	}
	t.nos++
	text := func(s string) *string { return &s }
	phone := fmt.Sprintf("139%08d", t.nos)
	in := member.ProfileInput{Nickname: text("某人"), Phone: &phone, Gender: text("other"), Region: text("杭州"), Birthday: text("1992-02-29")}
	want := ""
	switch p := t.rng.IntN(10); {
	case p < 3:
		in.Region = text("")
	case p < 4:
		in.Gender, want = text("none"), "member.field"
	}
	code, err := t.write("profile", func(tx *db.Tx) error { return t.app.Members.SetProfile(tx, p.id, in) })
	if err != nil {
		return err
	}
	t.agree(p, "a profile", code, want)
	if want == "" {
		t.b.bind(p, []string{"phone||" + phone})
		t.b.profile(p, *in.Region != "")
	}
	return nil
}

// grant gives points by hand, with a row in the log of staff.
func (t *Town) grant(int64) error {
	p := t.anybody()
	if p == nil {
		return nil
	}
	n, class := 1+t.rng.Int64N(400), 1+t.rng.IntN(3)
	t.nos++
	source := fmt.Sprint("grant:", t.nos)
	give := func(tx *db.Tx) error {
		m, err := member.Resolve(tx, p.id)
		if err != nil {
			return err
		}
		_, err = t.app.Ledger.Add(tx, ledger.Credit{Member: m.ID, Asset: ledger.Points, Amount: n, Kind: ledger.KindGrant, Source: source,
			Class: class, Expires: pointsExpiry(t.app, tx, class)})
		if err == nil {
			err = t.app.Staff.Log(tx, staff.Who{Operator: 1}, staff.Act{What: "points.grant", Targets: []int64{m.ID}, New: n, Reason: "town"})
		}
		return err
	}
	code, err := t.write("grant", give)
	if err != nil {
		return err
	}
	t.agree(p, "a grant", code, "")
	t.b.grant(p.n, n, class)
	if t.chance(10) { // once more: nothing may come of it
		code, err = t.write("grant again", give)
		t.agree(p, "a grant again", code, "")
	}
	return err
}

// withdraw takes points by hand.
func (t *Town) withdraw(int64) error {
	p := t.anybody()
	if p == nil {
		return nil
	}
	n := 1 + t.rng.Int64N(300)
	if edge := t.b.living(p.n).purses[pointsAsset].sums(t.b.now).available; t.chance(30) && edge > 0 {
		n = edge
	}
	t.nos++
	source := fmt.Sprint("take:", t.nos)
	code, err := t.write("withdraw", func(tx *db.Tx) error {
		m, err := member.Resolve(tx, p.id)
		if err != nil {
			return err
		}
		_, err = t.app.Ledger.Take(tx, ledger.Debit{Member: m.ID, Asset: ledger.Points, Amount: n, Kind: ledger.KindAdjust, Source: source})
		return err
	})
	if err != nil {
		return err
	}
	t.agree(p, "taking points", code, t.b.withdraw(p.n, n))
	return nil
}

// tierByHand gives a tier for some months, or takes it back.
func (t *Town) tierByHand(at int64) error {
	p := t.anybody()
	if p == nil || p.into >= 0 {
		return nil
	}
	rank, until := t.rng.IntN(5), at+t.between(hour, 200*allDay)
	code, err := t.write("tier by hand", func(tx *db.Tx) error { return t.app.Tiers.Grant(tx, p.id, rank, until, "town") })
	if err != nil {
		return err
	}
	want := "tier.until"
	if until > t.b.now {
		want = t.b.byHand(p.n, rank, until)
	}
	t.agree(p, "a tier by hand", code, want)
	return nil
}

// status freezes, blacklists, closes or reactivates a member.
func (t *Town) status(int64) error {
	p := t.anybody()
	if p == nil {
		return nil
	}
	to := []string{"active", "active", "active", "frozen", "frozen", "blacklisted", "cancelled"}[t.rng.IntN(7)]
	code, err := t.write("status "+to, func(tx *db.Tx) error {
		if to == member.Cancelled {
			return t.app.Members.Cancel(tx, p.id, "town")
		}
		return t.app.Members.SetStatus(tx, p.id, to, "town")
	})
	if err != nil {
		return err
	}
	t.agree(p, "a status", code, t.b.setStatus(p.n, to))
	return nil
}

// freeze sets points apart for some days; then they are freed or confiscated.
func (t *Town) freeze(at int64) error {
	p := t.anybody()
	if p == nil {
		return nil
	}
	n := 1 + t.rng.Int64N(300)
	t.nos++
	source := fmt.Sprint("freeze:", t.nos)
	var h ledger.Hold
	code, err := t.write("freeze", func(tx *db.Tx) error {
		m, err := member.Resolve(tx, p.id)
		if err == nil {
			h, err = t.app.Ledger.Reserve(tx, ledger.HoldInput{Member: m.ID, Asset: ledger.Points, Amount: n, Kind: ledger.HoldFreeze, Source: source})
		}
		return err
	})
	if err != nil {
		return err
	}
	id, want := t.b.freeze(p.n, n)
	t.agree(p, "a freeze", code, want)
	if want == "" {
		t.at(at+t.between(0, 90*allDay), "end of a freeze", func(int64) error { return t.endHold(id, h.ID, n, t.chance(40)) })
	}
	return nil
}

// endHold frees a hold, or takes what it kept for good.
func (t *Town) endHold(id int, real, n int64, seize bool) error {
	holder := t.b.holder(id)
	if holder == nil {
		return nil
	}
	what, taken := "lift", int64(0)
	if seize {
		what, taken = "seize", n
	}
	code, err := t.write(what, func(tx *db.Tx) (err error) {
		if seize {
			_, err = t.app.Ledger.PostHold(tx, holder.id, real, ledger.Spend{Kind: ledger.KindSeize, Source: fmt.Sprint("seize:", id)})
		} else {
			_, err = t.app.Ledger.VoidHold(tx, holder.id, real)
		}
		return err
	})
	if err != nil {
		return err
	}
	t.agree(holder, what, code, t.b.end(id, taken))
	return nil
}

// merge makes two members one.
func (t *Town) merge(int64) error {
	x, y := t.anybody(), t.anybody()
	if n := len(t.b.merges); n > 0 && t.chance(40) { // families grow, up and down
		m := t.b.merges[n-1-t.rng.IntN(min(10, n))]
		x = t.b.people[m.into]
		if t.chance(50) {
			x, y = y, x
		}
	}
	if x == nil || x == y {
		return nil
	}
	var m member.Merge
	code, err := t.write("merge", func(tx *db.Tx) (err error) { m, err = t.app.Members.Merge(tx, x.id, y.id, "town"); return err })
	if err != nil {
		return err
	}
	t.agree(x, "a merge", code, t.b.merge(x.n, y.n, m.ID))
	return nil
}

// unmerge takes one of the last merges apart.
func (t *Town) unmerge(int64) error {
	if len(t.b.merges) == 0 {
		return nil
	}
	m := t.b.merges[len(t.b.merges)-1-t.rng.IntN(min(30, len(t.b.merges)))]
	code, err := t.write("unmerge", func(tx *db.Tx) error { _, err := t.app.Members.Unmerge(tx, m.id, nil); return err })
	if err != nil {
		return err
	}
	t.agree(t.b.people[m.from], "taking a merge apart", code, t.b.unmerge(m))
	return nil
}
