package town

// citizen is someone who may have become a member, and what it is known by.
type citizen struct {
	names  []string
	weight int // how much it buys
	quiet  int // the day on which it loses interest
	back   int // the day on which it returns
}

// planDay draws what happens on a day.
func (t *Town) planDay() {
	from := t.midnight()
	some := func(name string, n int, do func(int64) error) {
		for range n {
			t.at(t.moment(from), name, do)
		}
	}
	if t.day == 0 {
		some("join", max(3, t.o.Members/20), t.join)
	}
	if left := t.days()*6/10 - t.day; left > 0 {
		some("join", t.share(t.o.Members-len(t.citizens), left), t.join)
	}
	n := len(t.citizens)
	yearly := func(name string, percent int, do func(int64) error) { some(name, t.share(n*percent, 365*100), do) }
	yearly("buy", ordersAYear*100, t.buy)
	yearly("profile", 60, t.profile)
	yearly("bind", 20, t.bind)
	yearly("grant", 60, t.grant)
	yearly("withdraw", 30, t.withdraw)
	yearly("tier by hand", 8, t.tierByHand)
	yearly("status", 12, t.status)
	yearly("freeze", 15, t.freeze)
	yearly("merge", 10, t.merge)
	yearly("unmerge", 6, t.unmerge)
	for range 2 + t.rng.IntN(2) {
		t.at(from+t.rng.Int64N(allDay), "jobs", t.step)
	}
	t.planTrouble(from)
}

// share is a part of n, the remainder by chance.
func (t *Town) share(n, of int) int {
	if n <= 0 {
		return 0
	}
	whole := n / of
	if t.rng.IntN(of) < n%of {
		whole++
	}
	return whole
}

// moment draws an instant of a day: often its first or last, where one day becomes the next.
func (t *Town) moment(from int64) int64 {
	switch t.rng.IntN(40) {
	case 0:
		return from
	case 1:
		return from + allDay - 1
	case 2:
		return from + 1
	}
	return from + t.rng.Int64N(allDay)
}

// planTrouble draws restarts, kills, days without jobs and clocks that are wrong.
func (t *Town) planTrouble(from int64) {
	at := from + t.rng.Int64N(allDay)
	switch t.rng.IntN(50) {
	case 0:
		t.at(at, "restart", t.restart)
	case 1:
		t.at(at, "kill", t.kill)
	case 2:
		t.downTill = t.day + 1 + t.rng.IntN(10)
		t.count("days without jobs", "")
	case 3:
		t.wrongClock(at, t.between(minute, 6*hour))
	case 4:
		t.wrongClock(at, -t.between(minute, 3*hour))
	}
}

// wrongClock lets the machine's clock be off for a while. It is put right when the day is compared at the latest.
func (t *Town) wrongClock(at, by int64) {
	t.at(at, "clock wrong", func(int64) error { t.skew = by; t.count("clock wrong", ""); return nil })
	t.at(at+t.between(minute, 12*hour), "clock right", func(int64) error { t.skew = 0; return nil })
}

// newCitizen draws a character: how much it buys, and when it stops for a year or two.
func (t *Town) newCitizen(names []string) *citizen {
	quiet := t.day + 100 + t.rng.IntN(900)
	return &citizen{names, 1 + t.rng.IntN(20), quiet, quiet + 300 + t.rng.IntN(500)}
}

// someone draws a citizen, those who buy much more often.
func (t *Town) someone() *citizen {
	for {
		c := t.citizens[t.rng.IntN(len(t.citizens))]
		if rested := t.day < c.quiet || t.day > c.back || t.chance(2); rested && t.rng.IntN(20) < c.weight {
			return c
		}
	}
}

// anybody draws a person of the book, also one that was merged or has left.
func (t *Town) anybody() *person {
	if len(t.b.people) == 0 {
		return nil
	}
	return t.b.people[t.rng.IntN(len(t.b.people))]
}

func (t *Town) name(c *citizen) string { return c.names[t.rng.IntN(len(c.names))] }
