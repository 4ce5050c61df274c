package oa

import (
	"context"
	"errors"

	"guanxi/internal/edge/wechat"
)

// The member card of 2016 (微信卡券会员卡): for merchants that still have one. It lives in the wallet of who took it from an account
// and is known by its code. Today's card is 商家名片会员, at WeChat Pay.

// WalletCard is what the platform knows of somebody's card.
type WalletCard struct {
	OpenID string `json:"openid"`
	Number string `json:"membership_number"`
	Bonus  int64  `json:"bonus"`
	Status string `json:"user_card_status"`
	Info   struct {
		Common []struct {
			Name  string `json:"name"`
			Value string `json:"value"`
		} `json:"common_field_list"`
	} `json:"user_info"`
}

// mobile is the field of the form that WeChat fills in with the phone it has verified.
const mobile = "USER_FORM_INFO_FLAG_MOBILE"

// Phone is what the form says; false as long as it was not sent.
func (w WalletCard) Phone() (string, bool) {
	for _, f := range w.Info.Common {
		if f.Name == mobile && f.Value != "" {
			return f.Value, true
		}
	}
	return "", false
}

// Lives says whether the card is in somebody's wallet.
func (w WalletCard) Lives() bool { return w.Status == "NORMAL" }

// SetCardForm has the platform ask who takes the card for the phone, which cannot be typed over: it is the one WeChat has verified.
func (c *Client) SetCardForm(ctx context.Context, card, words, link string) error {
	type named struct {
		Name string `json:"name"`
		URL  string `json:"url"`
	}
	type form struct {
		Modify bool     `json:"can_modify"`
		Common []string `json:"common_field_id_list"`
	}
	return c.api.Ask(ctx, "/card/membercard/activateuserform/set", struct {
		Card      string `json:"card_id"`
		Statement named  `json:"service_statement"`
		Required  form   `json:"required_form"`
	}{card, named{words, link}, form{Common: []string{mobile}}}, nil)
}

// WalletCard reads somebody's card.
func (c *Client) WalletCard(ctx context.Context, card, code string) (out WalletCard, err error) {
	return out, c.api.Ask(ctx, "/card/membercard/userinfo/get", map[string]string{"card_id": card, "code": code}, &out)
}

// CardHolder is what a card shows.
type CardHolder struct {
	Card, Code string
	Number     string // the member's
	Points     int64
	Level      string
}

// ActivateCard opens somebody's card.
func (c *Client) ActivateCard(ctx context.Context, h CardHolder) error {
	return c.api.Ask(ctx, "/card/membercard/activate", struct {
		Card   string `json:"card_id"`
		Code   string `json:"code"`
		Number string `json:"membership_number"`
		Points int64  `json:"init_bonus"`
		Level  string `json:"init_custom_field_value1"`
	}{h.Card, h.Code, h.Number, h.Points, h.Level}, nil)
}

// ErrCardTold is an answer with another balance than was sent.
var ErrCardTold = errors.New("oa: the card shows other points than it was told")

// UpdateCard tells a card all its points and the level. The platform can also add: that would count twice when it is sent twice.
func (c *Client) UpdateCard(ctx context.Context, h CardHolder, why string) error {
	var out struct {
		Points int64 `json:"result_bonus"`
	}
	err := c.api.Ask(ctx, "/card/membercard/updateuser", struct {
		Card   string `json:"card_id"`
		Code   string `json:"code"`
		Points int64  `json:"bonus"`
		Why    string `json:"record_bonus"`
		Level  string `json:"custom_field_value1"`
	}{h.Card, h.Code, h.Points, why, h.Level}, &out)
	if err == nil && out.Points != h.Points {
		return ErrCardTold
	}
	return err
}

// CardLost says that the platform knows no such card or no longer lets it be used.
func CardLost(err error) bool {
	switch wechat.CodeOf(err) {
	case cardCode, cardState:
		return true
	}
	return false
}

// The platform's numbers about cards.
const (
	cardCode  = 40056
	cardState = 40078
)
