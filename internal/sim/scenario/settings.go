package scenario

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"guanxi/internal/base/clock"
	"guanxi/internal/base/cond"
	"guanxi/internal/base/db"
	"guanxi/internal/base/money"
	"guanxi/internal/loyalty/earn"
	"guanxi/internal/loyalty/ledger"
	"guanxi/internal/loyalty/points"
	"guanxi/internal/loyalty/tier"
)

func zone(w *world, l *line) error {
	z, err := clock.LoadZone(l.word())
	if err != nil || w.app != nil {
		return fmt.Errorf("the zone must be an IANA name and the first sentence")
	}
	w.zone = z
	return l.end()
}

func at(w *world, l *line) error {
	to := l.time()
	if err := l.end(); err != nil {
		return err
	}
	return w.travel(to)
}

var units = map[string]int64{"second": clock.Second, "minute": clock.Minute, "hour": clock.Hour, "day": clock.Day}

func wait(w *world, l *line) error {
	n := l.int()
	unit, ok := units[strings.TrimSuffix(l.word(), "s")]
	if !ok {
		l.fail("time passes in days, hours, minutes or seconds")
	}
	if err := l.end(); err != nil {
		return err
	}
	return w.travel(w.clock.Now() + n*unit)
}

func withoutJobs(w *world, l *line) error {
	l.need("jobs")
	w.jobs = false
	return l.end()
}

func withJobs(w *world, l *line) error {
	l.need("jobs")
	w.jobs = true
	if err := l.end(); err != nil {
		return err
	}
	return w.work()
}

func restart(w *world, l *line) error {
	if err := l.end(); err != nil {
		return err
	}
	if err := w.close(); err != nil {
		return err
	}
	return w.open()
}

// set writes a text into the field of a settings struct that has this name in JSON; false when there is none.
func set(settings any, name, text string) (bool, error) {
	v := reflect.ValueOf(settings).Elem()
	for i := range v.NumField() {
		if tag, _, _ := strings.Cut(v.Type().Field(i).Tag.Get("json"), ","); tag != name {
			continue
		}
		literal := text
		switch v.Field(i).Interface().(type) {
		case money.Rate, string:
			literal = strconv.Quote(text)
		case bool:
			literal = fmt.Sprint(text == "yes")
		case []int64:
			literal = "[" + strings.ReplaceAll(text, "/", ",") + "]"
		}
		return true, json.Unmarshal([]byte(literal), v.Field(i).Addr().Interface())
	}
	return false, nil
}

// settings reads pairs of name and value into a struct, and from when they hold.
func (l *line) settings(into any) (from int64) {
	for l.more() {
		if l.take("from") {
			return l.time()
		}
		name := l.word()
		if ok, err := set(into, name, l.word()); !ok || err != nil {
			l.fail("%q is no setting, or not such a one", name)
		}
	}
	return 0
}

func pointsPolicy(w *world, l *line) error {
	return w.write(func(tx *db.Tx) error {
		r := *l
		next := points.Policy.At(tx, tx.Now()).Value
		from := r.settings(&next)
		if err := r.end(); err != nil {
			return err
		}
		_, err := points.SetPolicy(tx, next, from, "scenario")
		return err
	})
}

func rate(w *world, l *line) error {
	r, from, why := l.rate(), int64(0), ""
	if l.take("from") {
		from = l.time()
	}
	if l.more() {
		why = l.word()
	}
	if err := l.end(); err != nil {
		return err
	}
	return w.write(func(tx *db.Tx) error {
		_, err := points.SetRate(tx, r, from, why)
		return err
	})
}

// ladder reads: base 0, silver 100 keep 80 x1.2.
func (l *line) ladder() (out []tier.Level) {
	l.list(func() {
		v := tier.Level{Key: l.word(), Growth: l.int(), Multiplier: money.One}
		v.Zh, v.En, v.Keep = v.Key, v.Key, v.Growth
		if l.take("keep") {
			v.Keep = l.int()
		}
		if x, ok := strings.CutPrefix(l.peek(), "x"); ok {
			l.at++
			r, err := money.ParseRate(x)
			if err != nil {
				l.fail("%q is not a factor such as x1.5", x)
			}
			v.Multiplier = r
		}
		out = append(out, v)
	})
	return out
}

// changeTiers makes a version of the tiers' settings out of the one that holds now.
func (w *world) changeTiers(l *line, change func(l *line, s *tier.Settings) (from int64)) error {
	return w.write(func(tx *db.Tx) error {
		r := *l
		next := tier.Policy.At(tx, tx.Now()).Value
		from := change(&r, &next)
		if r.take("from") {
			from = r.time()
		}
		if err := r.end(); err != nil {
			return err
		}
		_, err := tier.SetPolicy(tx, next, from, "scenario")
		return err
	})
}

func tiers(w *world, l *line) error {
	return w.changeTiers(l, func(l *line, s *tier.Settings) int64 { s.Levels = l.ladder(); return 0 })
}

func growth(w *world, l *line) error {
	return w.changeTiers(l, func(l *line, s *tier.Settings) int64 {
		s.Sources = nil
		l.list(func() {
			x := tier.Source{Kind: l.word(), Unit: l.rate()}
			l.need("weight")
			x.Weight = l.int()
			s.Sources = append(s.Sources, x)
		})
		return 0
	})
}

func tierSentence(w *world, l *line) error {
	if p, err := w.who(l.peek()); err == nil {
		return w.grantTier(p, l)
	}
	return w.changeTiers(l, func(l *line, s *tier.Settings) int64 { return l.settings(s) })
}

func (w *world) grantTier(p person, l *line) error {
	l.word()
	key := l.word()
	l.need("until")
	until := l.time()
	note := l.word()
	if err := l.end(); err != nil {
		return err
	}
	return w.write(func(tx *db.Tx) error {
		rank, ok := tier.Policy.At(tx, tx.Now()).Value.Rank(key)
		if !ok {
			return tier.ErrNone.New()
		}
		return w.app.Tiers.Grant(tx, p.id, rank, until, note)
	}, p.id)
}

func noRules(w *world, l *line) error {
	l.need("rules")
	if err := l.end(); err != nil {
		return err
	}
	return w.write(func(tx *db.Tx) error {
		for _, v := range earn.VersionsOf(tx, 0) {
			if v.State != earn.Published {
				continue
			}
			if _, err := w.app.Earn.Retire(tx, v.ID, 0); err != nil {
				return err
			}
		}
		return nil
	})
}

// draft reads what a rule says after its name, and from when it holds.
func (l *line) draft(name string) (spec earn.Spec, from int64) {
	spec = earn.Spec{Kind: l.word(), Zh: name, En: name, Asset: "points", Class: ledger.ClassConsumption}
	kind, ok := earn.KindOf(spec.Kind)
	if !ok {
		l.fail("there is no kind of rule %q", spec.Kind)
		return spec, 0
	}
	settings := kind.Settings()
	for l.more() {
		switch w := l.word(); w {
		case "class":
			spec.Class = l.class()
		case "priority":
			spec.Priority = int(l.int())
		case "stop":
			spec.Stop = true
		case "cap":
			l.put(&spec.Caps, l.word())
		case "over":
			spec.Caps.Over = l.word()
		case "asset", "group", "bearer":
			l.put(&spec, w)
		case "when":
			spec.When = l.condition()
		case "from":
			from = l.time()
		default:
			l.put(settings, w)
		}
	}
	b, err := json.Marshal(settings)
	if err != nil {
		l.fail("%v", err)
	}
	spec.Settings = b
	return spec, from
}

func (l *line) put(into any, name string) {
	if ok, err := set(into, name, l.word()); !ok || err != nil {
		l.fail("%q is no setting here, or not such a one", name)
	}
}

func (l *line) class() int {
	n := slices.Index([]string{"", "consumption", "campaign", "reward"}, l.word())
	if n < 1 {
		l.fail("a class is consumption, campaign or reward")
	}
	return n
}

// comparisons are the words of conditions.
var comparisons = map[string]cond.Op{"is": cond.Eq, "not": cond.Ne, "<": cond.Lt, "<=": cond.Lte, ">": cond.Gt, ">=": cond.Gte,
	"between": cond.Between, "in": cond.In, "has": cond.AnyOf, "lacks": cond.NoneOf}

// condition reads: order.channel is pos and time.hour between 9..12 and order.skus has tea/cup.
func (l *line) condition() json.RawMessage {
	type leaf struct {
		Field string `json:"field"`
		Op    string `json:"op"`
		Value any    `json:"value"`
	}
	var all []leaf
	for first := true; first || l.take("and"); first = false {
		f := leaf{Field: l.word()}
		op, ok := comparisons[l.word()]
		place, known := earn.Fields.Lookup(f.Field)
		if !ok || !known {
			l.fail("%q can't be asked so", f.Field)
			return nil
		}
		f.Op = string(op)
		f.Value = l.values(op, earn.Fields.Fields()[place].Type)
		all = append(all, f)
	}
	b, err := json.Marshal(map[string]any{"all": all})
	if err != nil {
		l.fail("%v", err)
	}
	return b
}

func (l *line) values(op cond.Op, typ cond.Type) any {
	one := func(s string) any {
		if typ != cond.Int {
			return s
		}
		return json.RawMessage(s)
	}
	w, sep := l.word(), "/"
	switch op {
	case cond.Between:
		sep = ".."
	case cond.In, cond.AnyOf, cond.NoneOf:
	default:
		return one(w)
	}
	var out []any
	for _, s := range strings.Split(w, sep) {
		out = append(out, one(s))
	}
	return out
}

func rule(w *world, l *line) error {
	name := l.word()
	spec, from := l.draft(name)
	if err := l.end(); err != nil {
		return err
	}
	return w.write(func(tx *db.Tx) error {
		v, err := w.app.Earn.Draft(tx, w.ruleNamed(tx, name), spec)
		if err != nil {
			return err
		}
		_, err = w.app.Earn.Publish(tx, v.ID, from, "scenario")
		return err
	})
}

// ruleNamed finds a rule by the name of one of its versions, 0 when there is none.
func (w *world) ruleNamed(r db.Reader, name string) int64 {
	for _, v := range earn.VersionsOf(r, 0) {
		if v.SpecOf().Zh == name {
			return v.Rule
		}
	}
	return 0
}

// retire ends whatever version of a rule is in force, or will be.
func retire(w *world, l *line) error {
	name, when := l.word(), int64(0)
	if l.take("at") {
		when = l.time()
	}
	if err := l.end(); err != nil {
		return err
	}
	return w.write(func(tx *db.Tx) error {
		rule := w.ruleNamed(tx, name)
		if rule == 0 {
			return earn.ErrNoRule.New()
		}
		for _, v := range earn.VersionsOf(tx, rule) {
			if v.State != earn.Published || v.Until <= tx.Now() {
				continue
			}
			if _, err := w.app.Earn.Retire(tx, v.ID, when); err != nil {
				return err
			}
		}
		return nil
	})
}
