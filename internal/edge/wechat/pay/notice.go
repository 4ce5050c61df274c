package pay

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"

	"guanxi/internal/edge/wechat/crypt"
)

// Events of notifications.
const (
	EventPaid            = "TRANSACTION.SUCCESS"
	EventRefunded        = "REFUND.SUCCESS"
	EventRefundAbnormal  = "REFUND.ABNORMAL"
	EventRefundClosed    = "REFUND.CLOSED"
	EventCardJoined      = "BRAND_MEMBER_CARD.USER_CARD.CREATE"
	EventCardDeleted     = "BRAND_MEMBER_CARD.USER_CARD.DELETE"
	EventCardAsksPoints  = "BRAND_MEMBER_CARD.SYNC_USER_POINT"
	EventCardWantsCoupon = "BRAND_MEMBER_CARD.POINT_EXCHANGE_COUPON"
)

// Notice is one notification, verified and opened.
type Notice struct {
	ID    string
	Event string
	At    int64
	Plain []byte // the opened resource
}

// RefundNotice is how the platform tells what became of a refund.
type RefundNotice struct {
	MchID         string `json:"mchid"`
	No            string `json:"out_trade_no"`
	TransactionID string `json:"transaction_id"`
	RefundNo      string `json:"out_refund_no"`
	ID            string `json:"refund_id"`
	Status        string `json:"refund_status"`
	SuccessTime   string `json:"success_time"`
	Amount        struct {
		Total       int64 `json:"total"`
		Refund      int64 `json:"refund"`
		PayerTotal  int64 `json:"payer_total"`
		PayerRefund int64 `json:"payer_refund"`
	} `json:"amount"`
}

// CardNotice is what the platform tells of a brand's member card.
type CardNotice struct {
	BrandID  string `json:"brand_id"`
	CardID   string `json:"card_id"`
	OpenID   string `json:"openid"`
	Code     string `json:"user_card_code"`
	Phone    string `json:"phone_number"` // sealed for our key, or plain digits
	State    string `json:"user_card_state"`
	RecordID string `json:"record_id"`
	Template string `json:"exchange_coupon_template_id"`
	Points   int64  `json:"deduct_points"`
}

// ErrNotice says that a body is no notification.
var ErrNotice = errors.New("pay: the body is no notification")

type envelope struct {
	ID           string             `json:"id"`
	CreateTime   string             `json:"create_time"`
	EventType    string             `json:"event_type"`
	ResourceType string             `json:"resource_type"`
	Summary      string             `json:"summary"`
	Resource     *crypt.PayResource `json:"resource"`
}

// parseNotice reads the outer form; nothing of it is believed before the signature holds.
func parseNotice(body []byte) (e envelope, err error) {
	d := json.NewDecoder(bytes.NewReader(body))
	if err := d.Decode(&e); err != nil {
		return e, ErrNotice
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return e, ErrNotice
	}
	if e.ID == "" || len(e.ID) > 64 || e.EventType == "" || len(e.EventType) > 64 || e.ResourceType != "encrypt-resource" || e.Resource == nil {
		return e, ErrNotice
	}
	return e, nil
}

// Open verifies a notification on its raw body, and only then reads and decrypts it.
func (c *Client) Open(ctx context.Context, h http.Header, body []byte) (Notice, error) {
	if err := c.verify(ctx, h, body); err != nil {
		return Notice{}, err
	}
	return c.opened(body)
}

// opened reads and decrypts a body whose signature holds.
func (c *Client) opened(body []byte) (Notice, error) {
	e, err := parseNotice(body)
	if err != nil {
		return Notice{}, err
	}
	plain, err := e.Resource.Open([]byte(c.apiv3.Reveal()))
	if err != nil {
		return Notice{}, err
	}
	return Notice{ID: e.ID, Event: e.EventType, At: ParseTime(e.CreateTime), Plain: plain}, nil
}

// Into reads the opened resource.
func (n *Notice) Into(v any) error {
	if err := json.Unmarshal(n.Plain, v); err != nil {
		return ErrNotice // the decoder's words would hold what stands inside
	}
	return nil
}
