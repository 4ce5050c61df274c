package accounts

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"unicode/utf8"

	"guanxi/internal/emulator/world"
)

// wallet is the member cards of 2016 (微信卡券会员卡): what accounts offer and what people took.
type wallet struct {
	offers map[string]*offer
	held   map[string]*held // by code
}

func (w *wallet) init() {
	*w = wallet{offers: map[string]*offer{}, held: map[string]*held{}}
}

type offer struct {
	app, id string
	fields  []string // of the form that opens the card
}

type held struct {
	offer  *offer
	person string
	Shown
	form map[string]string
}

// Shown is what somebody's card shows.
type Shown struct {
	Code   string `json:"code"`
	Status string `json:"status"` // as the platform words it
	Active bool   `json:"active"`
	Number string `json:"number"`
	Points int64  `json:"points"`
	Level  string `json:"level"`
	Why    string `json:"why"`
}

const (
	cardLives = "NORMAL"
	cardGone  = "DELETE"
)

var formFields = []string{"USER_FORM_INFO_FLAG_MOBILE", "USER_FORM_INFO_FLAG_SEX", "USER_FORM_INFO_FLAG_NAME", "USER_FORM_INFO_FLAG_BIRTHDAY",
	"USER_FORM_INFO_FLAG_EMAIL", "USER_FORM_INFO_FLAG_LOCATION"}

// strictly reads a body that has no field but those of v.
func (c *call) strictly(v any) bool {
	d := json.NewDecoder(bytes.NewReader(c.raw))
	d.DisallowUnknownFields()
	return d.Decode(v) == nil
}

// OfferCard has an account offer a card, as its owner would in the console. The title tells cards of an account apart.
func (p *Platform) OfferCard(app, title string) (id string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	o := &offer{app: app, id: "p" + p.W.Fixed(27, "card|"+app+"|"+title)}
	p.wallet.offers[o.id] = o
	return o.id
}

func (p *Platform) offered(app, id string) *offer {
	if o := p.wallet.offers[id]; o != nil && o.app == app {
		return o
	}
	return nil
}

var (
	noSuchCard = fail(40078, "invalid card status")
	noSuchCode = fail(40056, "invalid serial code")
)

func (p *Platform) setCardForm(c *call) any {
	type named struct {
		Name string `json:"name"`
		URL  string `json:"url"`
	}
	type form struct {
		Modify bool             `json:"can_modify"`
		Common []string         `json:"common_field_id_list"`
		Custom []string         `json:"custom_field_list"`
		Rich   []map[string]any `json:"rich_field_list"`
	}
	var in struct {
		Card      string `json:"card_id"`
		Statement named  `json:"service_statement"`
		Old       named  `json:"bind_old_card"`
		Required  form   `json:"required_form"`
		Optional  form   `json:"optional_form"`
	}
	if !c.strictly(&in) || strings.HasPrefix(in.Statement.URL, "http") == (in.Statement.Name == "") {
		return fail(47001, "data format error")
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	o := p.offered(c.app.ID, in.Card)
	if o == nil {
		return noSuchCard
	}
	fields := append(slices.Clone(in.Required.Common), in.Optional.Common...)
	for i, f := range fields {
		if !slices.Contains(formFields, f) || slices.Contains(fields[:i], f) {
			return fail(40035, "invalid parameter")
		}
	}
	o.fields = fields
	return done
}

// TakeCard puts an offered card into somebody's wallet. One that was thrown away comes back with the code it had.
func (p *Platform) TakeCard(app world.App, person, id, outer string) (code string, ok bool) {
	p.mu.Lock()
	o := p.offered(app.ID, id)
	if o == nil {
		p.mu.Unlock()
		return "", false
	}
	h, again := p.heldBy(o, person), "0"
	switch {
	case h != nil && h.Status == cardLives:
		p.mu.Unlock()
		return h.Code, true
	case h != nil:
		h.Status, again = cardLives, "1"
	default:
		h = &held{offer: o, person: person, Shown: Shown{Code: p.W.Word(12), Status: cardLives}}
		p.wallet.held[h.Code] = h
	}
	p.mu.Unlock()
	p.event(app, person, "user_get_card", "", Part{"CardId", id}, Part{"IsGiveByFriend", int64(0)}, Part{"UserCardCode", h.Code},
		Part{"OuterStr", outer}, Part{"IsRestoreMemberCard", again}, Part{"UnionId", p.W.UnionID(&app, person)})
	return h.Code, true
}

func (p *Platform) heldBy(o *offer, person string) *held {
	for _, h := range p.wallet.held {
		if h.offer == o && h.person == person {
			return h
		}
	}
	return nil
}

// FillCard lets somebody send the form that opens the card; the phone is the one that WeChat knows.
func (p *Platform) FillCard(app world.App, code string) bool {
	p.mu.Lock()
	h := p.wallet.held[code]
	if h == nil || h.Status != cardLives || h.offer.app != app.ID || len(h.offer.fields) == 0 {
		p.mu.Unlock()
		return false
	}
	who, _ := p.W.Person(h.person)
	h.form = map[string]string{}
	for _, f := range h.offer.fields {
		h.form[f] = map[string]string{"USER_FORM_INFO_FLAG_MOBILE": who.Phone, "USER_FORM_INFO_FLAG_NAME": who.Name}[f]
	}
	p.mu.Unlock()
	p.event(app, h.person, "submit_membercard_user_info", "", Part{"CardId", h.offer.id}, Part{"UserCardCode", code})
	return true
}

// DropCard lets somebody throw the card away.
func (p *Platform) DropCard(app world.App, code string) {
	p.mu.Lock()
	h := p.wallet.held[code]
	if h == nil || h.Status != cardLives || h.offer.app != app.ID {
		p.mu.Unlock()
		return
	}
	h.Status = cardGone
	p.mu.Unlock()
	p.event(app, h.person, "user_del_card", "", Part{"CardId", h.offer.id}, Part{"UserCardCode", code})
}

// CardShown tells what a card shows.
func (p *Platform) CardShown(code string) Shown {
	p.mu.Lock()
	defer p.mu.Unlock()
	if h := p.wallet.held[code]; h != nil {
		return h.Shown
	}
	return Shown{}
}

// holding finds a card that still is in a wallet, or says what the platform says.
func (p *Platform) holding(app, card, code string) (*held, *failure) {
	o := p.offered(app, card)
	if o == nil {
		return nil, &noSuchCard
	}
	h := p.wallet.held[code]
	if h == nil || h.offer != o {
		return nil, &noSuchCode
	}
	return h, nil
}

type cardChange struct {
	Card    string         `json:"card_id"`
	Code    string         `json:"code"`
	Number  string         `json:"membership_number"`
	Init    int64          `json:"init_bonus"`
	InitWhy string         `json:"init_bonus_record"`
	From    int64          `json:"activate_begin_time"`
	Until   int64          `json:"activate_end_time"`
	Picture string         `json:"background_pic_url"`
	First1  string         `json:"init_custom_field_value1"`
	First2  string         `json:"init_custom_field_value2"`
	First3  string         `json:"init_custom_field_value3"`
	Bonus   *int64         `json:"bonus"`
	Add     int64          `json:"add_bonus"`
	Why     string         `json:"record_bonus"`
	Field1  *string        `json:"custom_field_value1"`
	Field2  *string        `json:"custom_field_value2"`
	Field3  *string        `json:"custom_field_value3"`
	Notify  map[string]any `json:"notify_optional"`
}

func (p *Platform) activateCard(c *call) any {
	var in cardChange
	if !c.strictly(&in) || in.Number == "" || in.Bonus != nil || in.Add != 0 || in.Init < 0 {
		return fail(47001, "data format error")
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	h, bad := p.holding(c.app.ID, in.Card, in.Code)
	if bad != nil {
		return *bad
	}
	if h.Status != cardLives {
		return noSuchCard
	}
	h.Active, h.Number, h.Points, h.Level = true, in.Number, in.Init, in.First1
	return done
}

func (p *Platform) updateCard(c *call) any {
	var in cardChange
	if !c.strictly(&in) || in.Number != "" || in.Init != 0 || in.Bonus != nil && in.Add != 0 {
		return fail(47001, "data format error")
	}
	if utf8.RuneCountInString(in.Why) > 14 {
		return fail(45021, "field size out of limit")
	}
	p.mu.Lock()
	h, bad := p.holding(c.app.ID, in.Card, in.Code)
	if bad == nil && (h.Status != cardLives || !h.Active) {
		bad = &noSuchCard
	}
	if bad != nil {
		p.mu.Unlock()
		return *bad
	}
	if in.Bonus != nil {
		h.Points = *in.Bonus
	}
	h.Points += in.Add
	if h.Why = in.Why; in.Field1 != nil {
		h.Level = *in.Field1
	}
	points := h.Points
	p.mu.Unlock()
	return map[string]any{"errcode": 0, "errmsg": "ok", "result_bonus": points, "result_balance": 0, "openid": p.W.OpenID(c.app.ID, h.person)}
}

func (p *Platform) walletCard(c *call) any {
	var in struct {
		Card string `json:"card_id"`
		Code string `json:"code"`
	}
	if !c.strictly(&in) {
		return fail(47001, "data format error")
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	h, bad := p.holding(c.app.ID, in.Card, in.Code)
	if bad != nil {
		return *bad
	}
	common := []map[string]string{}
	for _, f := range h.offer.fields {
		if v, ok := h.form[f]; ok {
			common = append(common, map[string]string{"name": f, "value": v})
		}
	}
	who, _ := p.W.Person(h.person)
	return map[string]any{"errcode": 0, "errmsg": "ok", "openid": p.W.OpenID(c.app.ID, h.person), "nickname": who.Name, "membership_number": h.Number, "bonus": h.Points,
		"balance": 0, "sex": "", "user_info": map[string]any{"common_field_list": common, "custom_field_list": []string{}}, "user_card_status": h.Status}
}
