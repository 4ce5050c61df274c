package insight

import (
	"cmp"
	"context"
	"math"
	"slices"

	"guanxi/internal/base/clock"
	"guanxi/internal/base/db"
	"guanxi/internal/base/job"
	"guanxi/internal/base/web"
	"guanxi/internal/loyalty/ledger"
	"guanxi/internal/loyalty/member"
	"guanxi/internal/loyalty/staff"
	"guanxi/internal/loyalty/tier"
)

// Calendars is the nightly job that walks all open lots and all tiers.
const Calendars job.Kind[job.Slot] = "insight.calendars"

// RegisterJobs adds the background work of insight.
func RegisterJobs(r *job.Runner, z clock.Zone) {
	job.Register(r, Calendars, job.Spec{Zh: "汇总到期与降级日历", En: "Sum up the calendars of expiry and demotion"}, func(ctx context.Context, run *job.Run, _ job.Slot) error {
		var fresh []mark
		if err := run.DB().View(ctx, func(v *db.View) error { fresh = walk(v, z); return nil }); err != nil {
			return err
		}
		return run.Write(ctx, db.Op{}, func(tx *db.Tx) error {
			replace(tx, fresh)
			return run.Finish(tx)
		})
	})
	r.Schedule(job.Daily(Calendars, 3, 30))
	registerVerify(r)
}

// The kinds of marks; those of members stand for what lapses within so many days.
const (
	markExpiry   = "expiry"
	markDemotion = "demotion" // amount is how many would step down
)

var windows = []struct {
	days int
	kind string
}{{7, "expiring7"}, {30, "expiring30"}, {90, "expiring90"}, {400, "expiring400"}}

const (
	calendarDays = 3660
	mostExpiring = 200
)

// walk sums all of it up.
func walk(v *db.View, z clock.Zone) (out []mark) {
	today := z.LocalDay(v.Now())
	end := func(days int) int64 { return z.StartOfDay(z.AddDays(today, days+1)) }
	days := map[int]*mark{}
	for _, e := range ledger.ExpiringAll(v, ledger.Points, v.Now(), end(calendarDays)) {
		day := z.LocalDay(e.At - 1)
		if days[day] == nil {
			days[day] = &mark{Kind: markExpiry, Day: day, At: v.Now()}
		}
		days[day].Amount += e.Amount
		days[day].Members += e.Members
	}
	for _, m := range days {
		out = append(out, *m)
	}
	for _, w := range windows {
		for _, e := range ledger.ExpiringMembers(v, ledger.Points, v.Now(), end(w.days), mostExpiring) {
			out = append(out, mark{w.kind, z.LocalDay(e.First - 1), e.Member, e.Amount, 1, v.Now()})
		}
	}
	return append(out, walkTiers(v, z, end(calendarDays))...)
}

func walkTiers(v *db.View, z clock.Zone, until int64) (out []mark) {
	rules, found := tier.Policy.At(v, v.Now()).Value, map[markKey]*mark{}
	eachEnding(v, v.Now(), until, 0, math.MaxInt64, func(e ending) {
		k := markKey{markDemotion, z.LocalDay(e.Until - 1), int64(e.Earned)}
		if found[k] == nil {
			found[k] = &mark{Kind: k.Kind, Day: k.Day, Subject: k.Subject, At: v.Now()}
		}
		found[k].Members++
		if e.Growth < rules.Level(e.Earned).Keep {
			found[k].Amount++
		}
	})
	for _, m := range found {
		out = append(out, *m)
	}
	return out
}

// replace puts fresh marks in the place of all there are.
func replace(tx *db.Tx, fresh []mark) {
	keep := map[markKey]bool{}
	for i := range fresh {
		keep[fresh[i].key()] = true
	}
	for _, m := range marks.Select(tx, db.Query[mark]{Match: func(*mark) bool { return true }}) {
		if !keep[m.key()] {
			marks.Delete(tx, m.key())
		}
	}
	for _, m := range fresh {
		marks.Put(tx, m)
	}
}

// few is how many members are walked while somebody waits.
const few = 20_000

// marks gives the calendar of a kind: walked now where that is quick, else as it was walked last night.
func (k Console) marks(v *db.View, kind string) (out []mark, at int64) {
	if member.Count(v) <= few {
		for _, m := range walk(v, k.Zone) {
			if m.Kind == kind {
				out = append(out, m)
			}
		}
		slices.SortFunc(out, func(a, b mark) int { return cmp.Or(cmp.Compare(a.Day, b.Day), cmp.Compare(a.Subject, b.Subject)) })
		return out, v.Now()
	}
	out = marksOf(v, kind)
	if len(out) > 0 {
		at = out[0].At
	}
	return out, at
}

type calendarIn struct {
	Days int `query:"days" minimum:"1" maximum:"3660" default:"90" doc:"往后多少天|how many days ahead"`
}

type lapse struct {
	Day     int   `json:"day" doc:"到期自然日（当日结束时失效）|local day at whose end they lapse"`
	Points  int64 `json:"points" doc:"积分|points"`
	Members int64 `json:"members" doc:"会员数|members"`
}

type lapses struct {
	At   int64   `json:"at" doc:"统计时间；会员很多时每夜统计一次，0 为尚未统计|when it was summed up: nightly where there are many members, 0 not yet"`
	Data []lapse `json:"data" doc:"按日|by day"`
}

func (k Console) last(v *db.View, days int) int {
	return k.Zone.AddDays(k.Zone.LocalDay(v.Now()), days)
}

func (k Console) expiries(c *web.Ctx, in *calendarIn) (*lapses, error) {
	return staff.Read(c, k.Desk, func(v *db.View) (*lapses, error) {
		found, at := k.marks(v, markExpiry)
		out := &lapses{at, []lapse{}}
		for _, m := range found {
			if m.Day <= k.last(v, in.Days) {
				out.Data = append(out.Data, lapse{m.Day, m.Amount, m.Members})
			}
		}
		return out, nil
	})
}

type expiringIn struct {
	Days  int `query:"days" minimum:"1" maximum:"400" default:"30" doc:"往后多少天，按 7、30、90、400 天分档|how many days ahead: 7, 30, 90 or 400, whichever comes next"`
	Limit int `query:"limit" minimum:"1" maximum:"200" default:"50" doc:"条数|how many"`
}

// ExpiringMember is a member whose points lapse soon.
type ExpiringMember struct {
	Member web.ID `json:"member" doc:"会员|the member"`
	Points int64  `json:"points" doc:"即将到期积分|points that lapse"`
	Day    int    `json:"first_day" doc:"最早到期日|local day of the first"`
}

type expirings struct {
	At   int64            `json:"at" doc:"统计时间|when it was summed up"`
	Days int              `json:"days" doc:"所用档位|the days it is about"`
	Data []ExpiringMember `json:"data" doc:"最多的在前|most first"`
}

// Expiring lists whose points lapse within so many days (7, 30, 90 or 400, whichever comes next), those with most first.
func (k Console) Expiring(v *db.View, days, limit int) (out []ExpiringMember, within int, at int64) {
	w := windows[slices.IndexFunc(windows, func(w struct {
		days int
		kind string
	}) bool {
		return days <= w.days
	})]
	found, at := k.marks(v, w.kind)
	slices.SortStableFunc(found, func(a, b mark) int { return cmp.Compare(b.Amount, a.Amount) })
	out = []ExpiringMember{}
	for _, m := range found[:min(len(found), limit)] {
		out = append(out, ExpiringMember{web.ID(m.Subject), m.Amount, m.Day})
	}
	return out, w.days, at
}

func (k Console) expiring(c *web.Ctx, in *expiringIn) (*expirings, error) {
	return staff.Read(c, k.Desk, func(v *db.View) (*expirings, error) {
		list, days, at := k.Expiring(v, in.Days, in.Limit)
		return &expirings{at, days, list}, nil
	})
}

// Demotion is a day on which tiers end.
type Demotion struct {
	Day     int    `json:"day" doc:"等级有效期的最后一天|last day of the validity"`
	Rank    int    `json:"rank" doc:"等级序号|rank"`
	Key     string `json:"key" doc:"等级代码|key of the tier"`
	Zh      string `json:"zh" doc:"中文名|name in Chinese"`
	En      string `json:"en" doc:"英文名|name in English"`
	Members int64  `json:"members" doc:"到期的会员|members whose tier ends"`
	Down    int64  `json:"down" doc:"其中成长值不足、将降级的|of them, who would step down as they stand"`
}

type demotions struct {
	At   int64      `json:"at" doc:"统计时间；会员很多时每夜统计一次，0 为尚未统计|when it was summed up: nightly where there are many members, 0 not yet"`
	Data []Demotion `json:"data" doc:"按日与等级|by day and tier"`
}

// Demotions lists the days on which tiers end, so many days ahead.
func (k Console) Demotions(v *db.View, days int) (out []Demotion, at int64) {
	rules := tier.Policy.At(v, v.Now()).Value
	found, at := k.marks(v, markDemotion)
	out = []Demotion{}
	for _, m := range found {
		if m.Day <= k.last(v, days) {
			l := rules.Level(int(m.Subject))
			out = append(out, Demotion{m.Day, int(m.Subject), l.Key, l.Zh, l.En, m.Members, m.Amount})
		}
	}
	return out, at
}

func (k Console) demotions(c *web.Ctx, in *calendarIn) (*demotions, error) {
	return staff.Read(c, k.Desk, func(v *db.View) (*demotions, error) {
		list, at := k.Demotions(v, in.Days)
		return &demotions{at, list}, nil
	})
}

type demotionIn struct {
	web.Paging
	Day int `path:"day" minimum:"19900101" maximum:"99991231" doc:"等级有效期的最后一天，如 20260131|last day of the validity, such as 20260131"`
}

// Ending is a member whose tier ends.
type Ending struct {
	Member web.ID `json:"member" doc:"会员|the member"`
	Rank   int    `json:"rank" doc:"等级序号|rank"`
	Key    string `json:"key" doc:"等级代码|key of the tier"`
	Until  int64  `json:"until" doc:"有效期|end of the validity"`
	Growth int64  `json:"growth" doc:"成长值|growth"`
	Keep   int64  `json:"keep" doc:"保级成长值|growth to keep it"`
	Down   bool   `json:"down" doc:"将降级|would step down as it stands"`
}

// Endings lists the members whose tier ends on a day, by id after one.
func (k Console) Endings(v *db.View, day int, after, limit int64) (out []Ending) {
	rules := tier.Policy.At(v, v.Now()).Value
	from := k.Zone.StartOfDay(day)
	eachEnding(v, from, k.Zone.EndOfDay(from), after, limit, func(e ending) {
		l := rules.Level(e.Earned)
		out = append(out, Ending{web.ID(e.Member), e.Earned, l.Key, e.Until, e.Growth, l.Keep, e.Growth < l.Keep})
	})
	return out
}

func (k Console) demotionMembers(c *web.Ctx, in *demotionIn) (*web.Page[Ending], error) {
	var after int64
	if err := web.DecodeCursor(in.Cursor, &after); err != nil {
		return nil, err
	}
	return staff.Read(c, k.Desk, func(v *db.View) (*web.Page[Ending], error) {
		return web.PageOf(k.Endings(v, in.Day, after, int64(in.Limit+1)), in.Limit, func(e Ending) string { return web.EncodeCursor(int64(e.Member)) }), nil
	})
}
