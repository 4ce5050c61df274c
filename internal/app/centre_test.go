package app

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"guanxi/internal/base/clock"
	"guanxi/internal/base/db"
	"guanxi/internal/loyalty/points"
	"guanxi/internal/loyalty/staff"
)

func TestTheHomePageSaysWhatIsTrueNow(t *testing.T) {
	t.Parallel()
	w := open(t)
	m, o := w.join("13800138000"), w.join("13900139000")
	me := w.enter(m)
	me.get("/api/member/me/home?early=true").want(200, "member_no="+m, "card.tier=base", "card.name=普通会员", "card.face.from=#5d6b7a", "progress.percent=0",
		"progress.next.tier=silver", "progress.next.missing_growth=100", "progress.next.brings.0.name=消费积分 1.2 倍", "ahead_percent=0", "points.available=0",
		"nudges.0.kind=profile", "nudges.0.n=10", "nudges.1=", "tasks.0.key=profile", "tasks.0.points=10", "tasks.0.done=false", "tasks.1.key=order", "tasks.1.points=50")
	w.till.post("/api/partner/orders", w.order(m, "A1", 10000, `,"points_used":0`)).want(201)
	w.clock.Add(2 * clock.Second) // the standing is a second old at most
	home := me.get("/api/member/me/home?lang=en").want(200, "progress.growth=63", "progress.percent=63", "card.name=Member", "tasks.1.done=true", "points.available=150")
	if home.at("ahead_percent") != "50" {
		t.Error("ahead of", home.at("ahead_percent"))
	}
	me.send("PUT", "/api/member/me/profile", "", `{"nickname":"李雷","region":"杭州","gender":"male","birthday":"1990-05-17"}`).want(200)
	me.get("/api/member/me/home").want(200, "nickname=李雷", "nudges.0.kind=profile") // the phone is missing: a till's identity is no profile
	w.till.send("PUT", "/api/partner/members/"+m+"/profile", "", `{"phone":"13800138000"}`).want(200)
	me.get("/api/member/me/home").want(200, "nudges=[]", "tasks.0.done=true", "tasks.2.key=checkin", "tasks.2.done=false", "points.available=160")
	me.send("POST", "/api/member/me/tasks/browse", "", "").want(201)
	me.send("POST", "/api/member/me/checkins", "", "").want(201)
	me.get("/api/member/me/home").want(200, "tasks=[]", "points.available=185", "checkin.streak=1", "checkin.checked_today=true", "checkin.next_points=6")
	w.till.post("/api/partner/orders", w.order(m, "A2", 5000, `,"points_used":0`)).want(201)
	me.get("/api/member/me/home").want(200, "progress.growth=93", "nudges.0.kind=near_upgrade", "nudges.0.n=7", "nudges.0.title=再得 7 成长值升级银卡会员")
	w.enter(o).get("/api/member/me/home").want(200, "points.available=0", "tasks.0.done=false")
	w.clock.Add(3 * clock.Day)
	w.enter(o).get("/api/member/me/home").want(200, "tasks=[]", "nudges.0.kind=profile")
	w.clock.Add(185 * clock.Day)
	w.enter(m).get("/api/member/me/home").want(200, "nudges.0.kind=near_upgrade", "nudges.1.kind=profile_again")
}

func TestAMemberCodeWorksOnceForAMinute(t *testing.T) {
	t.Parallel()
	w := open(t)
	m, o := w.join("13800138000"), w.join("13900139000")
	me := w.enter(m)
	use := func(of *caller, code string) answer {
		return of.post("/api/partner/member-codes", `{"code":"`+code+`"}`)
	}
	next := func() string { return me.send("POST", "/api/member/me/codes", "-", "").want(201).at("code") }
	code := next()
	if len(code) != 20 || strings.Trim(code, "0123456789") != "" {
		t.Error("not a code for a till:", code)
	}
	body := `{"code":"` + code + `","store":"W-01"}`
	first := w.till.send("POST", "/api/partner/member-codes", "k1", body).want(200, "id="+m)
	if again := w.till.send("POST", "/api/partner/member-codes", "k1", body); again.body != first.body {
		t.Error("the same request is answered otherwise:", again.body)
	}
	use(w.till, code).want(409, "code=member.code_used")
	late, good := next(), next()
	w.clock.Add(59 * clock.Second)
	use(w.east, good).want(200, "id="+m)
	w.clock.Add(clock.Second)
	use(w.till, late).want(422, "code=member.code")
	// a digit misread, digits swapped, a guess, somebody else's number
	code = next()
	for i := range code {
		wrong := []byte(code)
		wrong[i] = '0' + (wrong[i]-'0'+1)%10
		use(w.till, string(wrong)).want(422, "code=member.code")
	}
	for _, guess := range []string{o, "28", "28000000000000000000", code + "0", "2８" + code[2:]} {
		use(w.till, guess).want(422, "code=member.code")
	}
	use(w.partner(0, "points.read"), code).want(403)
	use(w.till, code).want(200, "id="+m)
	// at most five at once: the oldest gives way
	oldest := next()
	for range 5 {
		w.clock.Add(clock.Second)
		code = next()
	}
	use(w.till, oldest).want(422, "code=member.code")
	use(w.till, code).want(200)
	// the code of a member who was closed meanwhile, and of one who was merged
	code = next()
	w.status(m, "cancelled")
	use(w.till, code).want(422, "code=member.code")
}

func TestOneCodeServesOneOfManyTills(t *testing.T) {
	t.Parallel()
	w := open(t)
	me := w.enter(w.join("13800138000"))
	for range 5 {
		code := me.send("POST", "/api/member/me/codes", "-", "").want(201).at("code")
		var won, refused atomic.Int64
		var all sync.WaitGroup
		for range 32 {
			all.Go(func() {
				switch w.till.post("/api/partner/member-codes", `{"code":"`+code+`"}`).status {
				case 200:
					won.Add(1)
				case 409:
					refused.Add(1)
				}
			})
		}
		all.Wait()
		if won.Load() != 1 || refused.Load() != 31 {
			t.Fatalf("%d tills knew the member, %d were refused", won.Load(), refused.Load())
		}
	}
}

func TestTheStatementByMonthAndFilter(t *testing.T) {
	t.Parallel()
	w := open(t)
	m := w.join("13800138000")
	w.till.post("/api/partner/orders", w.order(m, "A1", 20000, `,"points_used":0`)).want(201) // July: 200 + 50
	w.clock.Add(31 * clock.Day)                                                               // 1 August 12:00
	w.give(m, 30)
	w.till.post("/api/partner/postings", `{"member_id":"`+m+`","points":-110,"reason":"gift card"}`).want(201)
	me := w.enter(m)
	me.get("/api/member/me/statement/months").want(200, "data.0.month=202608", "data.0.in=30", "data.0.out=-110", "data.0.entries=2", "data.0.expired=0",
		"data.1.month=202607", "data.1.in=250", "data.1.out=0", "data.2=")
	me.get("/api/member/me/statement/months?months=1").want(200, "data.0.month=202608", "data.1=")
	me.get("/api/member/me/statement?month=202607").want(200, "data.0.amount=50", "data.1.amount=200", "data.1.title=消费送积分 · A1", "data.2=")
	me.get("/api/member/me/statement?month=202608").want(200, "data.0.amount=-110", "data.1.amount=30", "data.1.title=gift", "data.2=")
	me.get("/api/member/me/statement?month=202609").want(200, "data=[]")
	me.get("/api/member/me/statement?direction=out").want(200, "data.0.amount=-110", "data.1=")
	me.get("/api/member/me/statement?direction=in&kind=earn&limit=1").want(200, "data.0.amount=50", "data.1=")
	me.get("/api/member/me/statement?kind=dream").want(422)
	w.clock.Add(65 * clock.Day) // the 50 of a campaign lapsed on 2 October: spent partly, soonest first
	w.work()
	w.clock.Add(clock.Day)
	w.work()
	me = w.enter(m)
	me.get("/api/member/me/expiring?days=400").want(200, "data.0.last_day=20270701", "data.0.points=170", "total=170")
	me.get("/api/member/me/statement?lang=en&kind=spend").want(200, "data.0.title=Used")
}

// dot is a picture of one pixel.
const dot = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="

func TestTheLookIsVersionedAndChecked(t *testing.T) {
	t.Parallel()
	w := openHouse(t)
	w.hire("sys", staff.Grant{Role: staff.SystemAdmin})
	var made struct{ ID, URL, Media string }
	w.ask("sys", "POST", "/images", `{"data":"`+dot+`"}`, 201, &made)
	set := func(value string, status int, parts ...string) {
		t.Helper()
		has(t, w.ask("sys", "PUT", "/settings/theme", `{"value":`+value+`,"reason":"brand day"}`, status, nil), parts...)
	}
	set(`{"name_zh":"茶里","name_en":"Chali","logo":"`+made.ID+`","primary":"#123456"}`, 200, `"name_zh":"茶里"`)
	set(`{"primary":"red"}`, 422, "centre.colour")
	set(`{"primary":"#ffee00"}`, 422, "centre.ink")
	set(`{"logo":"1"}`, 422, "centre.image")
	set(`{"faces":[{"tier":"nobody","from":"#000000","to":"#000000","ink":"#ffffff"}]}`, 422, "centre.face")
	set(`{"faces":[{"tier":"gold","from":"#ffffff","to":"#ffffff","ink":"#ffffff"}]}`, 422, "centre.ink")
	for _, bad := range []string{base64.StdEncoding.EncodeToString([]byte("<svg onload=alert(1)>")), "!!", base64.StdEncoding.EncodeToString(append([]byte("\xff\xd8\xff"), make([]byte, 48_000)...))} {
		w.ask("sys", "POST", "/images", `{"data":"`+bad+`"}`, 422, nil)
	}
	get := func(path string) *httptest.ResponseRecorder {
		rec := httptest.NewRecorder()
		w.front.Handler().ServeHTTP(rec, httptest.NewRequest(http.MethodGet, path, nil))
		return rec
	}
	has(t, get("/api/member/theme"), `"name":"茶里"`, `"logo_url":"`+made.URL+`"`, `"primary":"#123456"`, `"tier":"diamond"`)
	has(t, get("/api/member/theme?lang=en"), `"name":"Chali"`)
	img := get(made.URL)
	if raw, _ := base64.StdEncoding.DecodeString(dot); img.Code != 200 || img.Body.String() != string(raw) || img.Header().Get("Content-Type") != "image/png" {
		t.Error(img.Code, img.Header())
	}
	for _, path := range []string{"/media/1", "/media/x", "/media/0"} {
		if rec := get(path); rec.Code != 404 {
			t.Error(path, rec.Code)
		}
	}
}

func TestTheRulesInWordsFollowTheSettings(t *testing.T) {
	t.Parallel()
	w := open(t)
	(&caller{town: w}).get("/api/member/rules").want(200, "sections.0.lines.0=每消费 1 元得 1 积分，再乘以等级倍率。",
		"sections.0.lines.1=首单另得 50 积分。", "sections.0.lines.2=完善资料得 10 积分，一次。", "sections.1.lines.1=每连续满 7 天另得 10 积分。", "sections.2.lines.0=100 积分抵 1 元。", "sections.2.lines.1=每单最多抵扣 30%。", "sections.2.version=0",
		"sections.3.lines.1=活动积分自获得起 3 个月有效，到最后一天结束时失效。", "sections.5.lines.1=银卡会员：成长值 100 起；消费积分 1.2 倍")
	var version int64
	w.write(func(tx *db.Tx) error {
		next := points.Policy.At(tx, tx.Now()).Value
		next.PerYuan, next.Campaign = 50, 0
		v, err := points.SetPolicy(tx, next, 0, "anniversary")
		version = v.ID
		return err
	})
	(&caller{town: w}).get("/api/member/rules?lang=en").want(200, "sections.2.lines.0=50 points are worth ¥1.", "sections.3.lines.1=Points of campaigns don't expire.", fmt.Sprint("sections.2.version=", version))
}
