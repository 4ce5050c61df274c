package playground

import (
	"fmt"
	"testing"

	"guanxi/internal/base/clock"
	"guanxi/internal/base/db"
	"guanxi/internal/emulator/world"
	"guanxi/internal/loyalty/member"
)

// mailed reads the newest code from a person's letters.
func (x *place) mailed(person string) (code string) {
	x.t.Helper()
	for _, b := range x.p.World.Bubbles(person, 0) {
		if b.Kind == "mail" {
			code = digits.FindString(b.Title)
		}
	}
	return code
}

func (x *place) askMail(b *browser, person, address string) string {
	x.t.Helper()
	x.at.Add(61 * clock.Second)
	before := x.mailed(person)
	b.post("/api/member/me/email-codes", `{"email":"`+address+`"}`).want(200, "again_after=60", "lives=300")
	code := x.mailed(person)
	if code == "" || code == before {
		x.t.Fatalf("no letter came to %s", person)
	}
	return code
}

func TestAnAddressIsBoundByTheCodeSentToIt(t *testing.T) {
	t.Parallel()
	x := shown(t)
	b := x.joined("lin")
	b.get("/api/member/me/email").want(200, "can_bind=true", "verified=false", "email=null")
	b.post("/api/member/me/email-codes", `{"email":"no address"}`).want(422, "code=member.identity")
	code := x.askMail(b, "lin", " Lin@Example.com ")
	b.post("/api/member/me/email-codes", `{"email":"lin@example.com"}`).want(429, "code=entry.phone_limit")
	b.post("/api/member/me/email-codes", `{"email":"other@example.com"}`).want(429, "code=entry.phone_limit") // nor to anybody else
	bind := func(b *browser, code string) said {
		return b.post("/api/member/me/email", `{"code":"`+code+`","email":"lin@example.com"}`)
	}
	wrong := "000000"
	if code == wrong {
		wrong = "111111"
	}
	bind(b, wrong).want(409, "code=entry.phone_code")
	x.noted("entry.phone_code")
	other := x.joined("wang")
	bind(other, code).want(409, "code=entry.phone_code") // good for who asked alone
	bind(b, code).want(200, "email=l***@example.com", "verified=true")
	bind(b, code).want(200, "email=l***@example.com") // the same request
	x.at.Add(clock.Second)
	b.post("/api/member/me/email", `{"email":"lin@example.com","code":"`+code+`"}`).want(409, "code=entry.phone_code_expired") // used
	b.get("/api/member/me/email").want(200, "email=l***@example.com")

	// Another address takes its place; what was bound before is free again.
	x.p.World.AddPerson(world.Person{ID: "lin2", Name: "林", Email: "new@example.com"})
	code = x.askMail(b, "lin2", "new@example.com")
	b.post("/api/member/me/email", `{"email":"new@example.com","code":"`+code+`"}`).want(200, "email=n***@example.com")
	code = x.askMail(other, "lin", "lin@example.com")
	bind(other, code).want(200, "email=l***@example.com")

	// What belongs to somebody else is refused once it is proved, and a person will look at it.
	code = x.askMail(b, "lin", "lin@example.com")
	bind(b, code).want(409, "code=member.identity_taken")
	x.noted("member.identity_taken")
	b.get("/api/member/me/email").want(200, "email=n***@example.com")
	if err := x.a.DB.View(t.Context(), func(v *db.View) error {
		if n := len(member.Suspects(v, member.SuspectOpen, 0, 10)); n != 1 {
			t.Errorf("%d pairs are suspected", n)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	b.do("DELETE", "/api/member/me/email", "").want(200, "email=null")
	x.at.Add(clock.Second)
	b.do("DELETE", "/api/member/me/email", "").want(404, "code=entry.no_email")
}

func TestCodesByMailAreGuarded(t *testing.T) {
	t.Parallel()
	x := shown(t)
	b := x.joined("lin")
	code := x.askMail(b, "lin", "lin@example.com")
	for i := range 5 {
		b.post("/api/member/me/email", fmt.Sprintf(`{"code":"9%05d","email":"lin@example.com"}`, i)).want(409)
	}
	b.post("/api/member/me/email", `{"code":"`+code+`","email":"lin@example.com"}`).want(409, "code=entry.phone_code_expired") // after five tries none is good
	code = x.askMail(b, "lin", "lin@example.com")
	x.at.Add(5 * clock.Minute)
	b.post("/api/member/me/email", `{"code":"`+code+`","email":"lin@example.com"}`).want(409, "code=entry.phone_code_expired")
	for range 3 {
		x.askMail(b, "lin", "lin@example.com")
	}
	x.at.Add(61 * clock.Second)
	b.post("/api/member/me/email-codes", `{"email":"lin@example.com"}`).want(429) // five an hour
	b.get("/api/member/me/email").want(200, "email=null")
}
