package playground

import (
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"

	"guanxi/internal/base/clock"
	"guanxi/internal/base/db"
	"guanxi/internal/base/vault"
	"guanxi/internal/emulator/world"
	"guanxi/internal/loyalty/ledger"
	"guanxi/internal/loyalty/member"
	"guanxi/internal/loyalty/message"
)

// A town behind the emulator of the 服务号 (关注小镇): people follow by the codes of stores, leave, come back, join, answer subscription questions,
// withdraw; pushes come several times, in disorder, or never. In the end the platform's lists and ours must say the same.

type townsman struct {
	id    string
	codes map[string]bool // the stores whose codes they ever scanned
	mini  bool            // joined in the mini program, which asks the questions
	in    bool
}

type followTown struct {
	*place
	rng       *rand.Rand
	people    []*townsman
	codes     map[string]string // what the code of a store says
	templates []string
}

func settleTown(t *testing.T, seed uint64, people int) *followTown {
	t.Helper()
	x := &followTown{place: shown(t), rng: rand.New(rand.NewPCG(seed, 11)), codes: map[string]string{}}
	client, err := x.a.Entry.OA("")
	if err != nil {
		t.Fatal(err)
	}
	for _, store := range []string{"S001", "S002", "S003"} {
		qr, err := client.QR(t.Context(), "s="+store, 0)
		if err != nil {
			t.Fatal(err)
		}
		x.codes[store] = qr.URL
	}
	x.view(func(v *db.View) {
		for _, one := range message.Templates.At(v, v.Now()).Value.Templates {
			if one.Mini != "" && !slices.Contains(x.templates, one.Mini) {
				x.templates = append(x.templates, one.Mini)
			}
		}
	})
	for i := range people {
		p := world.Person{ID: fmt.Sprintf("t%03d", i), Phone: fmt.Sprintf("137%08d", i)}
		x.p.World.AddPerson(p)
		x.people = append(x.people, &townsman{id: p.ID, codes: map[string]bool{}})
	}
	return x
}

func (x *followTown) view(f func(*db.View)) {
	x.t.Helper()
	if err := x.a.DB.View(x.t.Context(), func(v *db.View) error { f(v); return nil }); err != nil {
		x.t.Fatal(err)
	}
}

// days lets somebody do something every half hour, and the nights pass.
func (x *followTown) days(n int) {
	for range n {
		for range 24 {
			x.something(x.people[x.rng.IntN(len(x.people))])
			x.pass(30 * clock.Minute)
		}
		x.pass(12 * clock.Hour)
	}
}

// pass moves time in steps, with what falls due on the way.
func (x *followTown) pass(ms int64) {
	for ; ms > 0; ms -= 10 * clock.Minute {
		x.at.Add(10 * clock.Minute)
		x.work()
	}
}

func (x *followTown) something(p *townsman) {
	some := []string{x.templates[x.rng.IntN(len(x.templates))]}
	switch n := x.rng.IntN(12); {
	case n < 4:
		store := fmt.Sprintf("S00%d", 1+x.rng.IntN(3))
		p.codes[store] = true
		x.p.Accounts.ScanText(p.id, x.codes[store])
	case n < 6:
		x.p.Accounts.Unsubscribe(x.oa, p.id)
	case n < 8 && !p.in:
		p.in, p.mini = true, n == 7
		if p.mini {
			x.mini(p.id, `,"agreement":{"version":"0"}`).want(200, "state=in", "is_new=true")
		} else {
			x.joined(p.id)
		}
	case n < 10 && p.mini:
		x.p.Accounts.Accept(x.mp, p.id, some, n == 8)
	case n == 10 && p.mini:
		x.p.Accounts.Withdraw(x.mp, p.id, some)
	default:
		x.p.Accounts.Say(x.oa, p.id, "在吗")
	}
}

// differences lays the platform's lists beside ours; credits only where every push has arrived.
func (x *followTown) differences(credits bool) (out []string) {
	differ := func(format string, args ...any) { out = append(out, fmt.Sprintf(format, args...)) }
	joined := 0
	x.view(func(v *db.View) {
		for _, p := range x.people {
			open := vault.Hide(x.p.World.OpenID(x.oa.ID, p.id))
			if ours, theirs := x.a.Entry.Follows(v, x.oa.ID, open), x.p.Accounts.Follows(x.oa.ID, p.id); ours != theirs {
				differ("%s follows: %v, and we say %v", p.id, theirs, ours)
			}
			app := x.oa.ID
			if p.mini {
				app = x.mp.ID
			}
			f, known, err := x.a.Members.Find(v, member.Identity{Kind: member.KindOpenID, Issuer: app, Value: vault.Hide(x.p.World.OpenID(app, p.id))})
			if err != nil || known != p.in {
				differ("%s is in: %v, and we say %v %v", p.id, p.in, known, err)
			}
			if !known {
				continue
			}
			joined++
			if m, _ := member.Members.Get(v, f.Member); m.Store != "" && !p.codes[m.Store] {
				differ("%s joined by %s and never was there", p.id, m.Store)
			}
			for _, one := range x.templates {
				if ours, theirs := message.CreditsLeft(v, f.Member, one), x.p.Accounts.Credits(x.mp.ID, p.id, one); credits && ours != int64(theirs) {
					differ("%s would take %d of %s, and we say %d", p.id, theirs, one, ours)
				}
			}
		}
		if n := int(member.Count(v)); n != joined {
			differ("%d joined, and there are %d members", joined, n)
		}
		if bad := ledger.Verify(v, nil); len(bad.Wrong) > 0 {
			differ("the ledger: %+v", bad.Wrong[0])
		}
	})
	return out
}

func TestTheTownBehindThePlatform(t *testing.T) {
	t.Parallel()
	days := 4
	if os.Getenv("GUANXI_FULL") != "" {
		days = 60
	}
	x := settleTown(t, 1, 40)
	x.p.World.SetDisorder(world.Disorder{Copies: 2, Spread: 90_000})
	x.days(days)
	x.p.World.SetDisorder(world.Disorder{})
	x.pass(clock.Hour)
	if list := x.differences(true); len(list) > 0 {
		t.Fatalf("pushes in disorder: %d differences, the first: %s", len(list), list[0])
	}
	for _, p := range x.people { // an answer that is not heard of is seen
		if p.mini {
			x.p.World.SetDisorder(world.Disorder{Lost: 100})
			x.p.Accounts.Accept(x.mp, p.id, x.templates[:1], true)
			break
		}
	}
	if list := x.differences(true); len(list) != 1 || !strings.Contains(list[0], "would take") {
		t.Fatalf("a lost answer is not seen: %v", list)
	}
	// Half of all pushes are lost; the list that is read at night tells.
	x.p.World.SetDisorder(world.Disorder{Copies: 1, Spread: 90_000, Lost: 70})
	x.days(days)
	x.p.World.SetDisorder(world.Disorder{})
	if list := x.differences(false); len(list) != 0 {
		t.Fatalf("after the night: %d differences, the first: %s", len(list), list[0])
	}
	// Lost by day, before the night: the comparison does see it.
	x.p.World.SetDisorder(world.Disorder{Lost: 100})
	p := x.people[0]
	if x.p.Accounts.Follows(x.oa.ID, p.id) {
		x.p.Accounts.Unsubscribe(x.oa, p.id)
	} else {
		x.p.Accounts.ScanText(p.id, x.codes["S001"])
	}
	x.pass(10 * clock.Minute)
	if list := x.differences(false); len(list) != 1 || !strings.Contains(list[0], p.id+" follows") {
		t.Fatalf("a lost push is not seen: %v", list)
	}
	x.pass(24 * clock.Hour)
	if list := x.differences(false); len(list) != 0 {
		t.Fatalf("the night did not tell: %v", list)
	}
}
