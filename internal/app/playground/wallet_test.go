package playground

import (
	"fmt"
	"testing"

	"guanxi/internal/base/clock"
	"guanxi/internal/base/db"
	"guanxi/internal/base/job"
	"guanxi/internal/base/vault"
	"guanxi/internal/edge/wechat/cashier"
	"guanxi/internal/emulator/world"
	"guanxi/internal/loyalty/ledger"
	"guanxi/internal/loyalty/member"
)

// settle lets everything that waits for its time come.
func (x *place) settle() {
	x.t.Helper()
	for range 4 {
		x.at.Add(20 * clock.Second)
		x.work()
	}
}

func (x *place) noDeadLetters() {
	x.t.Helper()
	_ = x.a.DB.View(x.t.Context(), func(v *db.View) error {
		for _, d := range job.DeadLetters(v, 10) {
			x.t.Errorf("a dead letter: %s %s", d.Kind, d.LastError)
		}
		return nil
	})
}

// take puts the account's card of 2016 into somebody's wallet and sends its form.
func (x *place) take(person string) (code string) {
	x.t.Helper()
	code, ok := x.p.Accounts.TakeCard(x.oa, person, x.p.Channels.OA[0].Card, "")
	if !ok || !x.p.Accounts.FillCard(x.oa, code) {
		x.t.Fatal("the card can't be taken")
	}
	x.work()
	return code
}

// holds says whose a card is and what is on it, beside what should be.
func (x *place) holds(code string) (id int64, got, want string) {
	s := x.p.Accounts.CardShown(code)
	_ = x.a.DB.View(x.t.Context(), func(v *db.View) error {
		for _, m := range member.List(v, 0, "", 100) {
			for _, u := range cashier.CardsOf(v, m.ID) {
				if u.Code == code {
					id, want = m.ID, fmt.Sprintf("%s %d", u.State, ledger.Now(v, m.ID, ledger.Points).Available)
				}
			}
		}
		return nil
	})
	return id, fmt.Sprintf("%s %d", map[bool]string{true: "open", false: "gone"}[s.Status == "NORMAL"], s.Points), want
}

func TestTheCardInTheWalletLeadsToAMemberAndIsKeptInStep(t *testing.T) {
	t.Parallel()
	x := shown(t)
	x.settle() // the form of the card is set
	x.p.World.SetDisorder(world.Disorder{Copies: 2, Spread: 30 * clock.Second})
	x.p.World.Faults.Add(world.Fault{Path: "/card/membercard/userinfo", ErrCode: -1, Times: 2})
	code := x.take("lin")
	x.settle()
	id, got, want := x.holds(code)
	if id == 0 || got != want || got != "open 0" {
		t.Fatalf("member %d, the card shows %s, should be %s", id, got, want)
	}
	x.p.World.Faults.Add(world.Fault{Path: "/card/membercard/updateuser", Lost: true})
	x.buy(id, "W-1", 12_345)
	x.settle()
	if _, got, want = x.holds(code); got != want || got == "open 0" {
		t.Errorf("the card shows %s, should be %s", got, want)
	}

	x.at.Add(clock.Minute)
	x.p.Accounts.DropCard(x.oa, code)
	x.settle()
	x.buy(id, "W-2", 10_000)
	x.settle()
	if _, got, want = x.holds(code); got == want {
		t.Errorf("a card that was thrown away was told of %s", got)
	}
	x.at.Add(clock.Minute)
	if x.take("lin") != code {
		t.Fatal("another card")
	}
	x.settle()
	if _, got, want = x.holds(code); got != want {
		t.Errorf("out of the bin it shows %s, should be %s", got, want)
	}

	// Who is a member already by the account is the same one.
	_, chen := x.follower("chen")
	chens := x.take("chen")
	x.settle()
	if id, got, want := x.holds(chens); id != chen || got != want {
		t.Errorf("member %d, should be %d; the card shows %s, should be %s", id, chen, got, want)
	}
	// A card that the platform no longer knows is told no more and leaves no dead letter.
	x.p.World.Faults.Add(world.Fault{Path: "/card/membercard/", ErrCode: 40056, Times: -1})
	x.buy(chen, "W-3", 10_000)
	x.settle()
	_ = x.a.DB.View(t.Context(), func(v *db.View) error {
		if u := cashier.CardsOf(v, chen); len(u) != 1 || u[0].State != "gone" {
			t.Errorf("%+v", u)
		}
		return nil
	})
	x.noDeadLetters()
}

func TestACardTakenWithoutItsFormIsNobodysYet(t *testing.T) {
	t.Parallel()
	x := shown(t)
	x.settle()
	before := x.members()
	code, _ := x.p.Accounts.TakeCard(x.oa, "zhao", x.p.Channels.OA[0].Card, "")
	x.settle()
	if id, _, _ := x.holds(code); id != 0 || x.members() != before {
		t.Error("who only took the card became a member")
	}
	x.write(func(tx *db.Tx) error { // of another account's card, or of no card at all, nothing is kept
		if err := x.a.Cashier.TakeWallet(tx, x.oa.ID, "p-other", "1"); err != nil {
			return err
		}
		return x.a.Cashier.TakeWallet(tx, "wx-other", x.p.Channels.OA[0].Card, "1")
	})
	x.noDeadLetters()
	x.p.Accounts.FillCard(x.oa, code)
	x.settle()
	if id, _, _ := x.holds(code); id == 0 || x.members() != before+1 {
		t.Error("the form made no member")
	}
}

// The account knows one member and the phone another: nobody is merged, and somebody is asked.
func TestACardWhosePhoneIsAnothersIsForAPersonToDecide(t *testing.T) {
	t.Parallel()
	x := shown(t)
	x.settle()
	_, lin := x.follower("lin")
	person, _ := x.p.World.Person("lin")
	var other member.Member
	x.write(func(tx *db.Tx) (err error) {
		phone, err := vault.Phone(person.Phone)
		if err != nil {
			return err
		}
		other, _, err = x.a.Members.Join(tx, member.Join{Channel: "store", Source: "test", Identities: []member.Identity{{Kind: member.KindPhone, Value: phone, Verified: true}}})
		return err
	})
	code := x.take("lin")
	x.settle()
	if id, got, want := x.holds(code); id != lin || got != want {
		t.Errorf("the card is %d's, should be %d's; it shows %s, should be %s", id, lin, got, want)
	}
	_ = x.a.DB.View(t.Context(), func(v *db.View) error {
		if list := member.SuspectsAbout(v, lin); len(list) != 1 || list[0].A != min(lin, other.ID) || list[0].B != max(lin, other.ID) {
			t.Errorf("suspects: %+v", list)
		}
		return nil
	})
	x.noDeadLetters()
}
