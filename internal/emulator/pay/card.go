package pay

import (
	"crypto/rsa"
	"crypto/sha1" // #nosec G505 -- OAEP as the platform does it
	"encoding/base64"
	"errors"
	"regexp"
	"slices"
	"sort"
	"strconv"
	"time"
	"unicode/utf8"
)

// cards is what the platform knows of brands' member cards.
type cards struct {
	byID       map[string]*card
	requests   map[string]string // brand/out_request_no → body and id of what it made
	users      map[string]*userCard
	tokens     map[string]token
	activities map[string]map[string]any
	exchanges  map[string]*exchange
	feeds      []string
	calls      map[string]window
}

func (c *cards) init() {
	*c = cards{byID: map[string]*card{}, requests: map[string]string{}, users: map[string]*userCard{}, tokens: map[string]token{},
		activities: map[string]map[string]any{}, exchanges: map[string]*exchange{}, calls: map[string]window{}}
}

type card struct {
	m     *Merchant
	form  cardIn
	id    string
	state string
}

type userCard struct {
	card   *card
	openid string
	code   string
	state  string // UNCONFIRMED, EFFECTIVE, INVALID
	level  string
	points int64
	phone  string
}

type token struct {
	card, openid string
	until        int64
}

type exchange struct {
	u      *userCard
	state  string
	points int64
}

type window struct {
	second int64
	n      int
}

type jump struct {
	AppID string `json:"jump_appid"`
	Path  string `json:"jump_path"`
}

type cardIn struct {
	RequestNo string `json:"out_request_no"`
	AppID     string `json:"appid"`
	Type      string `json:"card_type"`
	Title     string `json:"card_title"`
	Color     string `json:"card_color,omitempty"`
	Picture   string `json:"card_picture_url,omitempty"`
	CodeMode  string `json:"code_mode"`
	CodeType  string `json:"code_type,omitempty"`
	CodePage  *jump  `json:"code_jump_information,omitempty"`
	Benefits  string `json:"benefits,omitempty"`
	NotifyURL string `json:"notify_url,omitempty"`
	Pinned    bool   `json:"need_pinned,omitempty"`
	ShowLevel bool   `json:"need_display_level,omitempty"`
	InitLevel string `json:"init_level,omitempty"`
	Phone     string `json:"service_phone,omitempty"`
	Agreement string `json:"legal_agreement,omitempty"`
	Valid     *struct {
		Type  string `json:"type"`
		Begin string `json:"available_begin_time,omitempty"`
		End   string `json:"available_end_time,omitempty"`
		Days  int    `json:"available_day_after_receive,omitempty"`
	} `json:"valid_date_information,omitempty"`
	MemberPage *jump          `json:"member_information,omitempty"`
	PointsPage *jump          `json:"points_information,omitempty"`
	Balance    map[string]any `json:"balance_information,omitempty"`
	Purchase   map[string]any `json:"purchase_information,omitempty"`
	Form       *struct {
		Common []string         `json:"common_field_list,omitempty"`
		Custom []map[string]any `json:"custom_field_list,omitempty"`
	} `json:"user_information,omitempty"`
}

var (
	requestNo = regexp.MustCompile(`^[0-9A-Za-z_-]{1,128}$`)
	color     = regexp.MustCompile(`^#[0-9A-Fa-f]{6}$`)
	cell      = regexp.MustCompile(`^[0-9]{1,2}(_[0-9]+){0,2}$`)
	formField = []string{"USER_FORM_FLAG_SEX", "USER_FORM_FLAG_NAME", "USER_FORM_FLAG_BIRTHDAY", "USER_FORM_FLAG_ADDRESS", "USER_FORM_FLAG_EMAIL", "USER_FORM_FLAG_CITY"}
)

func (p *Pay) cardRoutes() {
	const at = "/brand/card-member"
	limited := func(pattern string, a int, h handler) {
		p.handle(pattern, func(q *asked) (int, any, *problem) {
			key, now := q.m.Brand.ID+pattern, p.w.Clock.Now()/1000
			w := p.cards.calls[key]
			if w.second != now {
				w = window{second: now}
			}
			w.n++
			p.cards.calls[key] = w
			if w.n > a {
				return 0, nil, &problem{429, "RATELIMIT_EXCEEDED", "too many requests", "268447840"}
			}
			return h(q)
		})
	}
	limited("POST "+at+"/cards", 5, p.postCard)
	limited("GET "+at+"/cards", 5, p.getCards)
	limited("GET "+at+"/cards/{card}", 5, p.getCard)
	limited("PATCH "+at+"/cards/{card}", 5, p.patchCard)
	limited("POST "+at+"/cards/{card}/invalidate", 5, p.endCard)
	limited("POST "+at+"/pre-auth-tokens", 5, func(q *asked) (int, any, *problem) { return p.postToken(q, time.Hour) })
	limited("POST "+at+"/pay-view-tokens", 10, func(q *asked) (int, any, *problem) { return p.postToken(q, 10*time.Minute) })
	limited("POST "+at+"/user-cards/{code}/confirm", 5, p.confirmCard)
	limited("POST "+at+"/user-cards/import-by-openid", 5, p.importCard)
	limited("GET "+at+"/user-cards", 5, p.getUserCards)
	limited("GET "+at+"/user-cards/{code}", 5, p.getUserCard)
	limited("PATCH "+at+"/user-cards/{code}", 5, p.patchUserCard)
	limited("POST "+at+"/user-cards/{code}/invalidate", 5, p.endUserCard)
	limited("POST "+at+"/user-points/sync", 5, p.syncPoints)
	limited("POST "+at+"/user-points/exchange-coupon/confirm", 5, p.confirmExchange)
	limited("POST "+at+"/user-feeds", 5, p.postFeed)
	limited("POST "+at+"/membership-activities", 5, p.postActivity)
	limited("GET "+at+"/membership-activities", 5, p.getActivities)
	limited("GET "+at+"/membership-activities/{id}", 5, p.getActivity)
	limited("POST "+at+"/membership-activities/{id}/terminate", 5, p.endActivity)
}

func (p *Pay) noCard() *problem {
	return &problem{404, "RESOURCE_NOT_EXISTS", "no such card", "268512773"}
}

// once finds what a request number has made before; with another body it is refused.
func (p *Pay) once(q *asked, no string) (made string, err *problem) {
	if !requestNo.MatchString(no) {
		return "", bad("out_request_no")
	}
	was, ok := p.cards.requests[q.m.Brand.ID+"/"+no+"|"]
	if ok && was != string(q.body) {
		return "", &problem{400, "INVALID_REQUEST", "请求重入时参数不一致", "268498688"}
	}
	return p.cards.requests[q.m.Brand.ID+"/"+no], nil
}

func (p *Pay) made(q *asked, no, id string) {
	p.cards.requests[q.m.Brand.ID+"/"+no+"|"], p.cards.requests[q.m.Brand.ID+"/"+no] = string(q.body), id
}

func (p *Pay) postCard(q *asked) (int, any, *problem) {
	var in cardIn
	if no := q.into(&in); no != nil {
		return 0, nil, no
	}
	id, no := p.once(q, in.RequestNo)
	switch {
	case no != nil:
		return 0, nil, no
	case id != "":
		return 200, p.cards.byID[id].out(), nil
	case !slices.Contains(q.m.Brand.AppIDs, in.AppID):
		return 0, nil, &problem{400, "PARAM_ERROR", "appid is not bound to the brand", "268578704"}
	case !slices.Contains([]string{"NORMAL", "PURCHASE", "BALANCE"}, in.Type):
		return 0, nil, bad("card_type")
	case in.Title == "" || utf8.RuneCountInString(in.Title) > 10:
		return 0, nil, bad("card_title")
	case in.Color != "" && !color.MatchString(in.Color):
		return 0, nil, bad("card_color")
	case in.CodeMode != "SYSTEM_ALLOCATE" && in.CodeMode != "MERCHANT_ALLOCATE":
		return 0, nil, bad("code_mode")
	case utf8.RuneCountInString(in.Benefits) > 32:
		return 0, nil, bad("benefits")
	case in.NotifyURL != "" && checkNotify(in.NotifyURL) != nil:
		return 0, nil, bad("notify_url")
	case in.Valid != nil && !slices.Contains([]string{"PERMANENT", "FIX_TIME_RANGE", "FIX_TERM"}, in.Valid.Type):
		return 0, nil, bad("valid_date_information.type")
	case in.Form != nil && slices.ContainsFunc(in.Form.Common, func(f string) bool { return !slices.Contains(formField, f) }):
		return 0, nil, bad("user_information.common_field_list")
	}
	c := &card{m: q.m, form: in, id: "c" + p.digits(18), state: "CARD_EFFECTIVE"}
	p.cards.byID[c.id] = c
	p.made(q, in.RequestNo, c.id)
	return 200, c.out(), nil
}

type cardOut struct {
	cardIn
	ID    string `json:"card_id"`
	State string `json:"state"`
}

func (c *card) out() cardOut { return cardOut{c.form, c.id, c.state} }

func (p *Pay) cardOf(q *asked, id string) *card {
	if c := p.cards.byID[id]; c != nil && c.m == q.m {
		return c
	}
	return nil
}

func (p *Pay) getCards(q *asked) (int, any, *problem) {
	limit, err := strconv.Atoi(q.r.URL.Query().Get("limit"))
	offset, err2 := strconv.Atoi(q.r.URL.Query().Get("offset"))
	if err != nil || err2 != nil || limit < 1 || limit > 20 || offset < 0 {
		return 0, nil, bad("offset or limit")
	}
	state := q.r.URL.Query().Get("state")
	all := []cardOut{}
	for _, c := range p.cards.byID {
		if c.m == q.m && (state == "" || state == c.state) {
			all = append(all, c.out())
		}
	}
	sort.Slice(all, func(i, j int) bool { return all[i].ID < all[j].ID })
	from, to := min(offset, len(all)), min(offset+limit, len(all))
	return 200, map[string]any{"data": all[from:to], "total_count": len(all)}, nil
}

func (p *Pay) getCard(q *asked) (int, any, *problem) {
	c := p.cardOf(q, q.r.PathValue("card"))
	if c == nil {
		return 0, nil, p.noCard()
	}
	return 200, c.out(), nil
}

func (p *Pay) patchCard(q *asked) (int, any, *problem) {
	var in struct {
		RequestNo string `json:"out_request_no"`
		Title     string `json:"card_title"`
		Benefits  string `json:"benefits"`
		Picture   string `json:"card_picture_url"`
		Phone     string `json:"service_phone"`
	}
	if no := q.into(&in); no != nil {
		return 0, nil, no
	}
	c := p.cardOf(q, q.r.PathValue("card"))
	if c == nil {
		return 0, nil, p.noCard()
	}
	if _, no := p.once(q, in.RequestNo); no != nil {
		return 0, nil, no
	}
	if utf8.RuneCountInString(in.Title) > 10 || utf8.RuneCountInString(in.Benefits) > 32 {
		return 0, nil, bad("card_title or benefits")
	}
	p.made(q, in.RequestNo, c.id)
	for from, to := range map[*string]*string{&in.Title: &c.form.Title, &in.Benefits: &c.form.Benefits, &in.Picture: &c.form.Picture, &in.Phone: &c.form.Phone} {
		if *from != "" {
			*to = *from
		}
	}
	return 200, c.out(), nil
}

func (p *Pay) endCard(q *asked) (int, any, *problem) {
	c := p.cardOf(q, q.r.PathValue("card"))
	if c == nil {
		return 0, nil, p.noCard()
	}
	c.state = "CARD_INVALID"
	return 204, nil, nil
}

func (p *Pay) postToken(q *asked, lives time.Duration) (int, any, *problem) {
	var in struct {
		Card   string `json:"card_id"`
		OpenID string `json:"openid"`
	}
	if no := q.into(&in); no != nil {
		return 0, nil, no
	}
	c := p.cardOf(q, in.Card)
	if c == nil || c.state != "CARD_EFFECTIVE" {
		return 0, nil, p.noCard()
	}
	if _, ok := p.w.WhoIs(c.form.AppID, in.OpenID); !ok {
		return 0, nil, bad("openid")
	}
	t := token{in.Card, in.OpenID, p.w.Clock.Now() + lives.Milliseconds()}
	word := p.w.Word(32)
	p.cards.tokens[word] = t
	return 200, map[string]string{"token": word, "expire_time": stamp(t.until)}, nil
}

// What the phone says about cards.
var (
	errCard  = errors.New("会员卡不存在或已失效")
	errTaken = errors.New("已领取该会员卡")
)

// TakeCard is somebody who fills in the join form of a card. The brand is told, and must confirm.
func (p *Pay) TakeCard(cardID, person, attach string) (code string, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	c := p.cards.byID[cardID]
	who, ok := p.w.Person(person)
	if c == nil || c.state != "CARD_EFFECTIVE" || !ok {
		return "", errCard
	}
	openid := p.w.OpenID(c.form.AppID, person)
	for _, u := range p.cards.users {
		if u.card == c && u.openid == openid && u.state != "INVALID" {
			return u.code, errTaken
		}
	}
	u := &userCard{card: c, openid: openid, code: p.digits(24), state: "UNCONFIRMED", phone: who.Phone}
	p.cards.users[u.code] = u
	p.tellCard(u, "USER_CARD.CREATE", "user_card", map[string]any{"phone_number": who.Phone, "attach": attach, "user_card_state": u.state})
	return u.code, nil
}

// DropCard is somebody who deletes the card.
func (p *Pay) DropCard(code string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if u := p.cards.users[code]; u != nil {
		u.state = "INVALID"
		p.tellCard(u, "USER_CARD.DELETE", "user_card", map[string]any{"user_card_state": u.state})
	}
}

// AskPoints makes the platform ask for somebody's balance.
func (p *Pay) AskPoints(code string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if u := p.cards.users[code]; u != nil {
		p.tellCard(u, "SYNC_USER_POINT", "sync_user_point", nil)
	}
}

// Exchange is somebody who gives points for a coupon on the card.
func (p *Pay) Exchange(code string, points int64) (record string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	u := p.cards.users[code]
	if u == nil {
		return ""
	}
	record = p.digits(20)
	p.cards.exchanges[record] = &exchange{u: u, points: points}
	p.tellCard(u, "POINT_EXCHANGE_COUPON", "point_coupon", map[string]any{"record_id": record, "deduct_points": points, "exchange_coupon_template_id": "t1"})
	return record
}

func (p *Pay) tellCard(u *userCard, event, original string, more map[string]any) {
	what := map[string]any{"brand_id": u.card.m.Brand.ID, "card_id": u.card.id, "openid": u.openid, "user_card_code": u.code}
	for k, v := range more {
		what[k] = v
	}
	if u.card.form.NotifyURL != "" {
		p.tell(u.card.m, u.card.form.NotifyURL, "BRAND_MEMBER_CARD."+event, original, "会员卡", what)
	}
}

// CardOf tells what the card shows: its state, points and level.
func (p *Pay) CardOf(code string) (state string, points int64, level string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	u := p.cards.users[code]
	if u == nil {
		return "", 0, ""
	}
	return u.state, u.points, u.level
}

// ExchangeState tells how an exchange ended.
func (p *Pay) ExchangeState(record string) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	if x := p.cards.exchanges[record]; x != nil {
		return x.state
	}
	return ""
}

func (p *Pay) userCard(q *asked, code, cardID, openid string) (*userCard, *problem) {
	u := p.cards.users[code]
	if u == nil || u.card.m != q.m || u.card.id != cardID || u.openid != openid {
		return nil, &problem{404, "RESOURCE_NOT_EXISTS", "no such user card", "268512774"}
	}
	return u, nil
}

func (p *Pay) confirmCard(q *asked) (int, any, *problem) {
	var in struct {
		Card   string `json:"card_id"`
		OpenID string `json:"openid"`
		State  string `json:"user_card_confirm_state"`
		Level  string `json:"level"`
		Phone  string `json:"phone_number"`
		Attach string `json:"attach"`
	}
	if no := q.into(&in); no != nil {
		return 0, nil, no
	}
	u, no := p.userCard(q, q.r.PathValue("code"), in.Card, in.OpenID)
	if no != nil {
		return 0, nil, no
	}
	if in.Phone != "" {
		text, err := base64.StdEncoding.DecodeString(in.Phone)
		if err == nil {
			text, err = rsa.DecryptOAEP(sha1.New(), nil, p.keys.Key, text, nil) // #nosec G401
		}
		if err != nil {
			return 0, nil, bad("phone_number is not sealed with the key of Wechatpay-Serial")
		}
		u.phone = string(text)
	}
	switch in.State {
	case "CREATE_CARD_SUCCESS":
		u.state, u.level = "EFFECTIVE", in.Level
	case "CREATE_CARD_FAIL":
		u.state = "INVALID"
	default:
		return 0, nil, bad("user_card_confirm_state")
	}
	return 204, nil, nil
}

func (p *Pay) importCard(q *asked) (int, any, *problem) {
	var in struct {
		RequestNo string `json:"out_request_no"`
		Card      string `json:"card_id"`
		OpenID    string `json:"openid"`
		Code      string `json:"user_card_code"`
		Level     string `json:"level"`
	}
	if no := q.into(&in); no != nil {
		return 0, nil, no
	}
	c := p.cardOf(q, in.Card)
	if c == nil || c.state != "CARD_EFFECTIVE" {
		return 0, nil, p.noCard()
	}
	made, no := p.once(q, in.RequestNo)
	if no != nil || made != "" {
		return 204, nil, no
	}
	if in.Code == "" || len(in.Code) > 32 || p.cards.users[in.Code] != nil {
		return 0, nil, bad("user_card_code")
	}
	if _, ok := p.w.WhoIs(c.form.AppID, in.OpenID); !ok {
		return 0, nil, bad("openid")
	}
	p.cards.users[in.Code] = &userCard{card: c, openid: in.OpenID, code: in.Code, state: "EFFECTIVE", level: in.Level}
	p.made(q, in.RequestNo, in.Code)
	return 204, nil, nil
}

func (u *userCard) out() map[string]any {
	return map[string]any{"card_id": u.card.id, "openid": u.openid, "user_card_code": u.code, "user_card_state": u.state, "level": u.level, "point_balance": u.points}
}

func (p *Pay) getUserCards(q *asked) (int, any, *problem) {
	openid, state := q.r.URL.Query().Get("openid"), q.r.URL.Query().Get("user_card_state")
	codes := []string{}
	for code, u := range p.cards.users {
		if u.card.m == q.m && u.openid == openid && (state == "" || u.state == state) {
			codes = append(codes, code)
		}
	}
	sort.Strings(codes)
	list := []any{}
	for _, c := range codes {
		list = append(list, p.cards.users[c].out())
	}
	return 200, map[string]any{"data": list, "total_count": len(list)}, nil
}

func (p *Pay) getUserCard(q *asked) (int, any, *problem) {
	v := q.r.URL.Query()
	u, no := p.userCard(q, q.r.PathValue("code"), v.Get("card_id"), v.Get("openid"))
	if no != nil {
		return 0, nil, no
	}
	return 200, u.out(), nil
}

func (p *Pay) patchUserCard(q *asked) (int, any, *problem) {
	var in struct {
		Card    string `json:"card_id"`
		OpenID  string `json:"openid"`
		Level   string `json:"level"`
		Picture string `json:"card_picture_url"`
	}
	if no := q.into(&in); no != nil {
		return 0, nil, no
	}
	u, no := p.userCard(q, q.r.PathValue("code"), in.Card, in.OpenID)
	if no != nil {
		return 0, nil, no
	}
	if in.Level != "" {
		u.level = in.Level
	}
	return 200, u.out(), nil
}

func (p *Pay) endUserCard(q *asked) (int, any, *problem) {
	var in struct {
		Card   string `json:"card_id"`
		OpenID string `json:"openid"`
		Reason string `json:"invalid_reason"`
	}
	if no := q.into(&in); no != nil {
		return 0, nil, no
	}
	u, no := p.userCard(q, q.r.PathValue("code"), in.Card, in.OpenID)
	if no != nil {
		return 0, nil, no
	}
	if in.Reason == "" {
		return 0, nil, bad("invalid_reason")
	}
	u.state = "INVALID"
	return 204, nil, nil
}

func (p *Pay) syncPoints(q *asked) (int, any, *problem) {
	var in struct {
		RequestNo string `json:"out_request_no"`
		Card      string `json:"card_id"`
		OpenID    string `json:"openid"`
		Code      string `json:"user_card_code"`
		Balance   *int64 `json:"point_balance"`
	}
	if no := q.into(&in); no != nil {
		return 0, nil, no
	}
	u, no := p.userCard(q, in.Code, in.Card, in.OpenID)
	if no != nil {
		return 0, nil, no
	}
	if in.Balance == nil || *in.Balance < 0 || u.state != "EFFECTIVE" {
		return 0, nil, bad("point_balance, or the card is not open")
	}
	made, no := p.once(q, in.RequestNo)
	if no != nil || made != "" {
		return 204, nil, no // the same number again changes nothing
	}
	p.made(q, in.RequestNo, u.code)
	u.points = *in.Balance
	return 204, nil, nil
}

func (p *Pay) confirmExchange(q *asked) (int, any, *problem) {
	var in struct {
		Record   string `json:"record_id"`
		Template string `json:"exchange_coupon_template_id"`
		Card     string `json:"card_id"`
		OpenID   string `json:"openid"`
		Code     string `json:"user_card_code"`
		State    string `json:"state"`
		Coupon   string `json:"coupon_code"`
		Reason   string `json:"fail_reason"`
	}
	if no := q.into(&in); no != nil {
		return 0, nil, no
	}
	u, no := p.userCard(q, in.Code, in.Card, in.OpenID)
	if no != nil {
		return 0, nil, no
	}
	x := p.cards.exchanges[in.Record]
	switch {
	case x == nil || x.u != u:
		return 0, nil, &problem{404, "RESOURCE_NOT_EXISTS", "no such exchange", "268512775"}
	case in.State != "POINT_EXCHANGE_COUPON_SUCCESS" && in.State != "POINT_EXCHANGE_COUPON_FAIL":
		return 0, nil, bad("state")
	case in.State == "POINT_EXCHANGE_COUPON_SUCCESS" && in.Coupon == "":
		return 0, nil, bad("coupon_code")
	case x.state != "" && x.state != in.State:
		return 0, nil, &problem{400, "INVALID_REQUEST", "the exchange has ended otherwise", "268498690"}
	}
	x.state = in.State
	return 204, nil, nil
}

func (p *Pay) postFeed(q *asked) (int, any, *problem) {
	var in struct {
		Card      string `json:"card_id"`
		Code      string `json:"user_card_code"`
		OpenID    string `json:"openid"`
		RequestNo string `json:"out_request_no"`
		Cell      string `json:"cell"`
	}
	if no := q.into(&in); no != nil {
		return 0, nil, no
	}
	u, no := p.userCard(q, in.Code, in.Card, in.OpenID)
	if no != nil {
		return 0, nil, no
	}
	if len(in.RequestNo) > 64 || !cell.MatchString(in.Cell) {
		return 0, nil, bad("out_request_no or cell")
	}
	made, no := p.once(q, in.RequestNo)
	if no != nil || made != "" {
		return 204, nil, no
	}
	p.made(q, in.RequestNo, u.code)
	p.cards.feeds = append(p.cards.feeds, in.Cell)
	return 204, nil, nil
}

type activityIn struct {
	RequestNo string `json:"out_request_no"`
	Card      string `json:"card_id"`
	Channel   string `json:"activity_channel"`
	Title     string `json:"title"`
	Subtitle  string `json:"sub_title,omitempty"`
	Begin     string `json:"begin_time"`
	End       string `json:"end_time"`
	Total     int64  `json:"apply_total,omitempty"`
	Coupons   []struct {
		Coupon string `json:"product_coupon_id"`
		Stock  string `json:"stock_id"`
	} `json:"product_coupon_stock_list"`
}

func (p *Pay) postActivity(q *asked) (int, any, *problem) {
	var in activityIn
	if no := q.into(&in); no != nil {
		return 0, nil, no
	}
	begin, err := time.Parse(time.RFC3339, in.Begin)
	end, err2 := time.Parse(time.RFC3339, in.End)
	if p.cardOf(q, in.Card) == nil {
		return 0, nil, p.noCard()
	}
	if err != nil || err2 != nil || !end.After(begin) || in.Title == "" || in.Channel == "" || len(in.Coupons) == 0 {
		return 0, nil, bad("title, activity_channel, times or product_coupon_stock_list")
	}
	id, no := p.once(q, in.RequestNo)
	if no != nil {
		return 0, nil, no
	}
	if id == "" {
		id = p.digits(18)
		p.cards.activities[id] = map[string]any{"out_request_no": in.RequestNo, "card_id": in.Card, "activity_channel": in.Channel, "title": in.Title,
			"begin_time": in.Begin, "end_time": in.End, "product_coupon_stock_list": in.Coupons, "activity_id": id, "state": "ONGOING"}
		p.made(q, in.RequestNo, id)
	}
	return 200, p.cards.activities[id], nil
}

func (p *Pay) getActivities(*asked) (int, any, *problem) {
	ids := []string{}
	for id := range p.cards.activities {
		ids = append(ids, id)
	}
	sort.Strings(ids)
	list := []any{}
	for _, id := range ids {
		list = append(list, p.cards.activities[id])
	}
	return 200, map[string]any{"data": list, "total_count": len(list)}, nil
}

func (p *Pay) getActivity(q *asked) (int, any, *problem) {
	a := p.cards.activities[q.r.PathValue("id")]
	if a == nil {
		return 0, nil, &problem{404, "RESOURCE_NOT_EXISTS", "no such activity", "268512776"}
	}
	return 200, a, nil
}

func (p *Pay) endActivity(q *asked) (int, any, *problem) {
	a := p.cards.activities[q.r.PathValue("id")]
	if a == nil {
		return 0, nil, &problem{404, "RESOURCE_NOT_EXISTS", "no such activity", "268512776"}
	}
	a["state"] = "TERMINATED"
	return 204, nil, nil
}
