// Package sms sends short messages through Aliyun or Tencent Cloud (短信). Each vendor is one signed POST. A text is never written by us:
// it is the number of an approved template and its parameters.
package sms

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"sort"
	"strconv"
	"strings"
	"time"

	"guanxi/internal/base/clock"
	"guanxi/internal/base/id"
	"guanxi/internal/base/vault"
	"guanxi/internal/edge/channels"
)

// What a message is refused for.
var (
	ErrLimit    = errors.New("sms: this number gets no more for now") // not to be repeated
	ErrSetup    = errors.New("sms: signature, template, key or balance: an operator must act")
	ErrNumber   = errors.New("sms: the number is not one that can be reached")
	ErrBusy     = errors.New("sms: the vendor does not answer; it may or may not have been sent")
	ErrAway     = errors.New("sms: the vendor is not reached; nothing was sent")
	ErrTemplate = errors.New("sms: no template for this purpose")
)

// Client sends through the account of an installation.
type Client struct {
	Account channels.SMS
	Base    string
	HTTP    channels.Doer
	Clock   clock.Clock
}

// New makes the client of the vendor that is configured, nil when none is.
func New(c channels.Config, d channels.Doer, k clock.Clock) *Client {
	if c.SMS == nil {
		return nil
	}
	base := c.Hosts.Aliyun
	if c.SMS.Vendor == "tencent" {
		base = c.Hosts.Tencent
	}
	return &Client{*c.SMS, base, d, k}
}

// Send sends the message of a purpose to one number.
func (c *Client) Send(ctx context.Context, phone vault.Secret, purpose string, params map[string]string) error {
	template := c.Account.Templates[purpose]
	if template == "" {
		return ErrTemplate
	}
	if c.Account.Vendor == "tencent" {
		return c.tencent(ctx, phone.Reveal(), template, params)
	}
	return c.aliyun(ctx, phone.Reveal(), template, params)
}

func (c *Client) aliyun(ctx context.Context, phone, template string, params map[string]string) error {
	text, err := json.Marshal(params)
	if err != nil {
		return err
	}
	q := url.Values{"PhoneNumbers": {strings.TrimPrefix(phone, "+86")}, "SignName": {c.Account.Sign}, "TemplateCode": {template}, "TemplateParam": {string(text)}}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.Base+"/?"+Canonical(q), nil)
	if err != nil {
		return ErrSetup
	}
	h := map[string]string{"host": req.URL.Host, "x-acs-action": "SendSms", "x-acs-version": "2017-05-25", "x-acs-signature-nonce": id.Token(16),
		"x-acs-date": time.UnixMilli(c.Clock.Now()).UTC().Format("2006-01-02T15:04:05Z"), "x-acs-content-sha256": hexSHA(nil)}
	for k, v := range h {
		if k != "host" {
			req.Header.Set(k, v)
		}
	}
	req.Header.Set("Authorization", SignAliyun(c.Account.KeyID, c.Account.KeySecret.Reveal(), http.MethodPost, req.URL.Path, Canonical(q), h))
	var out struct{ Code, Message string }
	if err := c.ask(ctx, req, &out); err != nil {
		return err
	}
	return verdict(out.Code, out.Message, map[string]error{"OK": nil, "isv.BUSINESS_LIMIT_CONTROL": ErrLimit, "isv.MOBILE_NUMBER_ILLEGAL": ErrNumber, "isp.SYSTEM_ERROR": ErrBusy})
}

func (c *Client) tencent(ctx context.Context, phone, template string, params map[string]string) error {
	names := make([]string, 0, len(params))
	for k := range params {
		names = append(names, k)
	}
	sort.Strings(names)
	values := []string{}
	for _, k := range names {
		values = append(values, params[k])
	}
	body, err := json.Marshal(map[string]any{"PhoneNumberSet": []string{phone}, "SmsSdkAppId": c.Account.AppID, "SignName": c.Account.Sign, "TemplateId": template, "TemplateParamSet": values})
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.Base+"/", bytes.NewReader(body))
	if err != nil {
		return ErrSetup
	}
	now := c.Clock.Now() / clock.Second
	const media = "application/json; charset=utf-8"
	region := c.Account.Region
	if region == "" {
		region = "ap-guangzhou"
	}
	for k, v := range map[string]string{"Content-Type": media, "X-TC-Action": "SendSms", "X-TC-Version": "2021-01-11", "X-TC-Region": region, "X-TC-Timestamp": strconv.FormatInt(now, 10),
		"Authorization": SignTencent(c.Account.KeyID, c.Account.KeySecret.Reveal(), "sms", req.URL.Host, req.URL.Path, media, now, body)} {
		req.Header.Set(k, v)
	}
	var out struct {
		Response struct {
			Error  *struct{ Code, Message string }
			Status []struct{ Code, Message string } `json:"SendStatusSet"`
		}
	}
	if err := c.ask(ctx, req, &out); err != nil {
		return err
	}
	r := out.Response
	codes := map[string]error{"Ok": nil, "LimitExceeded.PhoneNumberDailyLimit": ErrLimit, "LimitExceeded.PhoneNumberThirtySecondLimit": ErrLimit,
		"LimitExceeded.PhoneNumberOneHourLimit": ErrLimit, "InvalidParameterValue.IncorrectPhoneNumber": ErrNumber, "InternalError": ErrBusy}
	if r.Error != nil {
		return verdict(r.Error.Code, r.Error.Message, codes)
	}
	if len(r.Status) != 1 {
		return ErrBusy
	}
	return verdict(r.Status[0].Code, r.Status[0].Message, codes)
}

// verdict turns a vendor's code into one of ours; a code that is not listed is for an operator.
func verdict(code, message string, known map[string]error) error {
	if code == "" {
		return ErrBusy
	}
	err, ok := known[code]
	if !ok {
		err = ErrSetup
	}
	if err == nil {
		return nil
	}
	return fmt.Errorf("%w: %s %s", err, code, vault.Mask(message))
}

func (c *Client) ask(ctx context.Context, req *http.Request, out any) error {
	ans, err := channels.Send(ctx, c.HTTP, req)
	if channels.Unreached(err) {
		return ErrAway
	}
	if err != nil || ans.Status >= http.StatusInternalServerError {
		return ErrBusy
	}
	if json.Unmarshal(ans.Body, out) != nil {
		return ErrBusy
	}
	return nil
}

func hexSHA(b []byte) string { sum := sha256.Sum256(b); return hex.EncodeToString(sum[:]) }

func hmacSHA(key []byte, text string) []byte {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(text))
	return mac.Sum(nil)
}

// Canonical is a query as both vendors sign it: sorted, a space as %20.
func Canonical(q url.Values) string {
	return strings.NewReplacer("+", "%20", "*", "%2A", "%7E", "~").Replace(q.Encode())
}

// headerBlock is the canonical form of signed headers, and their names.
func headerBlock(h map[string]string) (block, names string) {
	keys := make([]string, 0, len(h))
	for k := range h {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	for _, k := range keys {
		block += k + ":" + strings.TrimSpace(h[k]) + "\n"
	}
	return block, strings.Join(keys, ";")
}

// SignAliyun is the Authorization of a V3 request with an empty body.
func SignAliyun(keyID, secret, method, path, query string, headers map[string]string) string {
	block, names := headerBlock(headers)
	canonical := strings.Join([]string{method, path, query, block, names, headers["x-acs-content-sha256"]}, "\n")
	mac := hmacSHA([]byte(secret), "ACS3-HMAC-SHA256\n"+hexSHA([]byte(canonical)))
	return "ACS3-HMAC-SHA256 Credential=" + keyID + ",SignedHeaders=" + names + ",Signature=" + hex.EncodeToString(mac)
}

// SignTencent is the Authorization of a TC3 request.
func SignTencent(keyID, secret, service, host, path, media string, at int64, body []byte) string {
	block, names := headerBlock(map[string]string{"content-type": media, "host": host})
	canonical := strings.Join([]string{http.MethodPost, path, "", block, names, hexSHA(body)}, "\n")
	day := time.Unix(at, 0).UTC().Format("2006-01-02")
	scope := day + "/" + service + "/tc3_request"
	text := "TC3-HMAC-SHA256\n" + strconv.FormatInt(at, 10) + "\n" + scope + "\n" + hexSHA([]byte(canonical))
	key := hmacSHA(hmacSHA(hmacSHA([]byte("TC3"+secret), day), service), "tc3_request")
	return "TC3-HMAC-SHA256 Credential=" + keyID + "/" + scope + ", SignedHeaders=" + names + ", Signature=" + hex.EncodeToString(hmacSHA(key, text))
}
