package pay

import (
	"context"
	"net/http"
	"net/url"
	"strconv"

	"guanxi/internal/base/vault"
	"guanxi/internal/edge/wechat/crypt"
)

// What stands below is the brand's own (品牌直连): who asks stands in the Authorization header, not in the body.
const cards = "/brand/card-member"

// CardForm is a member card as it is made.
type CardForm struct {
	RequestNo   string         `json:"out_request_no"`
	AppID       string         `json:"appid"`
	Type        string         `json:"card_type"` // NORMAL, PURCHASE, BALANCE
	Title       string         `json:"card_title"`
	Color       string         `json:"card_color,omitempty"`
	Picture     string         `json:"card_picture_url,omitempty"`
	CodeMode    string         `json:"code_mode"` // SYSTEM_ALLOCATE, MERCHANT_ALLOCATE
	CodeType    string         `json:"code_type,omitempty"`
	Benefits    string         `json:"benefits,omitempty"`
	NotifyURL   string         `json:"notify_url,omitempty"`
	Pinned      bool           `json:"need_pinned,omitempty"`
	ShowLevel   bool           `json:"need_display_level,omitempty"`
	InitLevel   string         `json:"init_level,omitempty"`
	Phone       string         `json:"service_phone,omitempty"`
	Agreement   string         `json:"legal_agreement,omitempty"`
	Valid       *CardValid     `json:"valid_date_information,omitempty"`
	MemberPage  *CardJump      `json:"member_information,omitempty"`
	PointsPage  *CardJump      `json:"points_information,omitempty"`
	CodePage    *CardJump      `json:"code_jump_information,omitempty"`
	UserForm    *CardUserForm  `json:"user_information,omitempty"`
	BalancePage map[string]any `json:"balance_information,omitempty"`
}

// CardValid is how long a card lives.
type CardValid struct {
	Type  string `json:"type"` // PERMANENT, FIX_TIME_RANGE, FIX_TERM
	Begin string `json:"available_begin_time,omitempty"`
	End   string `json:"available_end_time,omitempty"`
	Days  int    `json:"available_day_after_receive,omitempty"`
}

// CardJump is a page of a mini program.
type CardJump struct {
	AppID string `json:"jump_appid"`
	Path  string `json:"jump_path"`
}

// CardUserForm is what somebody is asked who takes the card.
type CardUserForm struct {
	Common []string `json:"common_field_list,omitempty"`
}

// CardState is a card as the platform has it.
type CardState struct {
	CardForm
	CardID string `json:"card_id"`
	State  string `json:"state"` // CARD_EFFECTIVE, CARD_INVALID
}

func (c *Client) brandCall(ctx context.Context, method, path string, q url.Values, in, out any) error {
	_, err := c.do(ctx, call{method: method, path: cards + path, query: q, in: in, out: out})
	return err
}

// CreateCard makes the member card. The same request number gives the same card.
func (c *Client) CreateCard(ctx context.Context, f CardForm) (s CardState, err error) {
	err = c.brandCall(ctx, http.MethodPost, "/cards", nil, f, &s)
	return s, err
}

// Cards lists the brand's cards.
func (c *Client) Cards(ctx context.Context, state string, offset, limit int) (list []CardState, total int, err error) {
	var out struct {
		Data  []CardState `json:"data"`
		Total int         `json:"total_count"`
	}
	q := url.Values{"offset": {strconv.Itoa(offset)}, "limit": {strconv.Itoa(limit)}}
	if state != "" {
		q.Set("state", state)
	}
	err = c.brandCall(ctx, http.MethodGet, "/cards", q, nil, &out)
	return out.Data, out.Total, err
}

// GetCard reads one card.
func (c *Client) GetCard(ctx context.Context, card string) (s CardState, err error) {
	err = c.brandCall(ctx, http.MethodGet, "/cards/"+url.PathEscape(card), nil, nil, &s)
	return s, err
}

// CardChange is what may be changed of a card.
type CardChange struct {
	RequestNo string `json:"out_request_no"`
	Title     string `json:"card_title,omitempty"`
	Benefits  string `json:"benefits,omitempty"`
	Picture   string `json:"card_picture_url,omitempty"`
	Phone     string `json:"service_phone,omitempty"`
}

// UpdateCard changes a card.
func (c *Client) UpdateCard(ctx context.Context, card string, f CardChange) (s CardState, err error) {
	err = c.brandCall(ctx, http.MethodPatch, "/cards/"+url.PathEscape(card), nil, f, &s)
	return s, err
}

// InvalidateCard ends a card: nobody can take it any more.
func (c *Client) InvalidateCard(ctx context.Context, card string) error {
	return c.brandCall(ctx, http.MethodPost, "/cards/"+url.PathEscape(card)+"/invalidate", nil, struct{}{}, nil)
}

type cardOpenID struct {
	CardID string `json:"card_id"`
	OpenID string `json:"openid"`
}

// CardToken opens a component on the phone.
type CardToken struct {
	Token  string `json:"token"`
	Expire string `json:"expire_time"`
}

// PreAuthToken opens the join component for somebody; it lives an hour.
func (c *Client) PreAuthToken(ctx context.Context, card, openid string) (t CardToken, err error) {
	err = c.brandCall(ctx, http.MethodPost, "/pre-auth-tokens", nil, cardOpenID{card, openid}, &t)
	return t, err
}

// PayViewToken opens the component with payment code and member code; it lives ten minutes and works once.
func (c *Client) PayViewToken(ctx context.Context, card, openid string) (t CardToken, err error) {
	err = c.brandCall(ctx, http.MethodPost, "/pay-view-tokens", nil, cardOpenID{card, openid}, &t)
	return t, err
}

// CardConfirm says whether somebody who filled in the form has become a member. Without it the card is not opened.
type CardConfirm struct {
	CardID string `json:"card_id"`
	OpenID string `json:"openid"`
	State  string `json:"user_card_confirm_state"` // CREATE_CARD_SUCCESS, CREATE_CARD_FAIL
	Level  string `json:"level,omitempty"`
	Phone  string `json:"phone_number,omitempty"` // sealed
	Attach string `json:"attach,omitempty"`
}

// Words of CardConfirm.State.
const (
	CardOpened  = "CREATE_CARD_SUCCESS"
	CardRefused = "CREATE_CARD_FAIL"
)

// ConfirmCard opens somebody's card. The phone, when given, is sealed for the platform.
func (c *Client) ConfirmCard(ctx context.Context, code string, f CardConfirm, phone vault.Secret) error {
	q := call{method: http.MethodPost, path: cards + "/user-cards/" + url.PathEscape(code) + "/confirm"}
	if !phone.IsEmpty() && len(c.known) > 0 {
		sealed, err := crypt.SealPayField(c.known[0].Key, phone.Reveal())
		if err != nil {
			return err
		}
		f.Phone, q.serial = sealed, c.known[0].Serial
	}
	q.in = f
	_, err := c.do(ctx, q)
	return err
}

// CardImport brings an existing member's card in; it needs no confirmation.
type CardImport struct {
	RequestNo string `json:"out_request_no"`
	CardID    string `json:"card_id"`
	OpenID    string `json:"openid"`
	Code      string `json:"user_card_code"`
	Level     string `json:"level,omitempty"`
}

// ImportCard gives somebody who is a member already the card.
func (c *Client) ImportCard(ctx context.Context, f CardImport) error {
	return c.brandCall(ctx, http.MethodPost, "/user-cards/import-by-openid", nil, f, nil)
}

// UserCard is somebody's card.
type UserCard struct {
	CardID string `json:"card_id"`
	OpenID string `json:"openid"`
	Code   string `json:"user_card_code"`
	State  string `json:"user_card_state"`
	Level  string `json:"level"`
	Points int64  `json:"point_balance"`
}

// UserCards lists somebody's cards.
func (c *Client) UserCards(ctx context.Context, openid, state string, offset, limit int) ([]UserCard, error) {
	var out struct {
		Data []UserCard `json:"data"`
	}
	q := url.Values{"openid": {openid}, "offset": {strconv.Itoa(offset)}, "limit": {strconv.Itoa(limit)}}
	if state != "" {
		q.Set("user_card_state", state)
	}
	err := c.brandCall(ctx, http.MethodGet, "/user-cards", q, nil, &out)
	return out.Data, err
}

// GetUserCard reads one card of somebody.
func (c *Client) GetUserCard(ctx context.Context, code, card, openid string) (u UserCard, err error) {
	err = c.brandCall(ctx, http.MethodGet, "/user-cards/"+url.PathEscape(code), url.Values{"card_id": {card}, "openid": {openid}}, nil, &u)
	return u, err
}

// UserCardChange is what changes of somebody's card: the level, say.
type UserCardChange struct {
	CardID  string `json:"card_id"`
	OpenID  string `json:"openid"`
	Level   string `json:"level,omitempty"`
	Picture string `json:"card_picture_url,omitempty"`
}

// UpdateUserCard changes somebody's card.
func (c *Client) UpdateUserCard(ctx context.Context, code string, f UserCardChange) error {
	return c.brandCall(ctx, http.MethodPatch, "/user-cards/"+url.PathEscape(code), nil, f, nil)
}

// InvalidateUserCard takes somebody's card away.
func (c *Client) InvalidateUserCard(ctx context.Context, code, card, openid, reason string) error {
	in := struct {
		cardOpenID
		Reason string `json:"invalid_reason"`
	}{cardOpenID{card, openid}, reason}
	return c.brandCall(ctx, http.MethodPost, "/user-cards/"+url.PathEscape(code)+"/invalidate", nil, in, nil)
}

// PointSync tells the platform a balance: the whole of it, never a change.
type PointSync struct {
	RequestNo string `json:"out_request_no"`
	CardID    string `json:"card_id"`
	OpenID    string `json:"openid"`
	Code      string `json:"user_card_code"`
	Balance   int64  `json:"point_balance"`
}

// SyncPoints sets the balance that the card shows.
func (c *Client) SyncPoints(ctx context.Context, f PointSync) error {
	return c.brandCall(ctx, http.MethodPost, "/user-points/sync", nil, f, nil)
}

// CouponAnswer ends an exchange of points for a coupon that somebody began on the card.
type CouponAnswer struct {
	RecordID string `json:"record_id"`
	Template string `json:"exchange_coupon_template_id"`
	CardID   string `json:"card_id"`
	OpenID   string `json:"openid"`
	Code     string `json:"user_card_code"`
	State    string `json:"state"` // POINT_EXCHANGE_COUPON_SUCCESS, …_FAIL
	Coupon   string `json:"coupon_code,omitempty"`
	Reason   string `json:"fail_reason,omitempty"`
}

// Words of CouponAnswer.State.
const (
	CouponGiven   = "POINT_EXCHANGE_COUPON_SUCCESS"
	CouponRefused = "POINT_EXCHANGE_COUPON_FAIL"
)

// AnswerCoupon ends an exchange.
func (c *Client) AnswerCoupon(ctx context.Context, f CouponAnswer) error {
	return c.brandCall(ctx, http.MethodPost, "/user-points/exchange-coupon/confirm", nil, f, nil)
}

// Feed tells a member of an order that was not paid with WeChat Pay.
type Feed struct {
	RequestNo string `json:"out_request_no"`
	CardID    string `json:"card_id"`
	OpenID    string `json:"openid"`
	Code      string `json:"user_card_code"`
	Cell      string `json:"cell"`
}

// SendFeed shows a line about points below the brand's card.
func (c *Client) SendFeed(ctx context.Context, f Feed) error {
	return c.brandCall(ctx, http.MethodPost, "/user-feeds", nil, f, nil)
}

// Activity is a gift for joining (入会有礼).
type Activity struct {
	RequestNo string          `json:"out_request_no"`
	CardID    string          `json:"card_id"`
	Channel   string          `json:"activity_channel"`
	Title     string          `json:"title"`
	Subtitle  string          `json:"sub_title,omitempty"`
	Begin     string          `json:"begin_time"`
	End       string          `json:"end_time"`
	Total     int64           `json:"apply_total,omitempty"`
	Coupons   []ActivityStock `json:"product_coupon_stock_list"`
}

// ActivityStock is a stock of product coupons.
type ActivityStock struct {
	Coupon string `json:"product_coupon_id"`
	Stock  string `json:"stock_id"`
}

// ActivityState is an activity as the platform has it.
type ActivityState struct {
	Activity
	ID    string `json:"activity_id"`
	State string `json:"state"`
}

// CreateActivity begins a gift for joining.
func (c *Client) CreateActivity(ctx context.Context, a Activity) (s ActivityState, err error) {
	err = c.brandCall(ctx, http.MethodPost, "/membership-activities", nil, a, &s)
	return s, err
}

// GetActivity reads one.
func (c *Client) GetActivity(ctx context.Context, id string) (s ActivityState, err error) {
	err = c.brandCall(ctx, http.MethodGet, "/membership-activities/"+url.PathEscape(id), nil, nil, &s)
	return s, err
}

// Activities lists them.
func (c *Client) Activities(ctx context.Context, offset, limit int) ([]ActivityState, error) {
	var out struct {
		Data []ActivityState `json:"data"`
	}
	q := url.Values{"offset": {strconv.Itoa(offset)}, "limit": {strconv.Itoa(limit)}}
	err := c.brandCall(ctx, http.MethodGet, "/membership-activities", q, nil, &out)
	return out.Data, err
}

// TerminateActivity ends one early.
func (c *Client) TerminateActivity(ctx context.Context, id string) error {
	return c.brandCall(ctx, http.MethodPost, "/membership-activities/"+url.PathEscape(id)+"/terminate", nil, struct{}{}, nil)
}

// Attach puts the member's feed behind a merchant's own attach (下单同步入会): the page of the payment then shows it, and an
// unknown payer gets the card opened. Without room for all of it nothing is added: attach has 128 bytes.
func Attach(own, cell, card, code string) string {
	s := own + "cell=" + cell + "&card_id=" + card + "&user_card_code=" + code
	if len(s) > maxAttach {
		return own
	}
	return s
}

const maxAttach = 128

// OpenField decrypts a personal field that was sealed for the merchant.
func (c *Client) OpenField(sealed string) (string, error) { return crypt.OpenPayField(c.key, sealed) }
