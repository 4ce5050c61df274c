package webhook

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"syscall"
	"time"

	"guanxi/internal/base/fact"
	"guanxi/internal/base/id"
	"guanxi/internal/base/vault"
)

const (
	secretPrefix = "whsec_"
	secretBytes  = 32
	timeOut      = 20 * time.Second
)

// newSecret writes random text as the standard wants it.
func newSecret(token string) vault.Secret {
	raw, _ := base64.RawURLEncoding.DecodeString(token) // made by ourselves
	return vault.Hide(secretPrefix + base64.StdEncoding.EncodeToString(raw))
}

// message is what a consumer reads. The member is named by id alone.
type message struct {
	Type      string          `json:"type"`
	Timestamp string          `json:"timestamp"`
	Data      json.RawMessage `json:"data"`
	ID        string          `json:"id"`
	Member    string          `json:"member_id,omitempty"`
	Cause     string          `json:"cause_id,omitempty"`
}

func messageOf(f *fact.Row) ([]byte, error) {
	m := message{Type: f.Kind, Timestamp: time.UnixMilli(f.At).UTC().Format("2006-01-02T15:04:05.000Z"), Data: json.RawMessage(f.Body), ID: id.String(f.ID)}
	if f.Member != 0 {
		m.Member = id.String(f.Member)
	}
	if f.Cause != 0 {
		m.Cause = id.String(f.Cause)
	}
	return json.Marshal(m)
}

// refusal is an answer that is none of success.
type refusal struct{ status int }

func (r refusal) Error() string { return fmt.Sprint("the consumer answers ", r.status) }

// isGone tells that a consumer wants no more.
func isGone(err error) bool {
	var r refusal
	return errors.As(err, &r) && r.status == http.StatusGone
}

var errInside = errors.New("the address is inside our own network")

// poster sends to the outside, and only there.
type poster struct{ client *http.Client }

func newPoster(inside []netip.Prefix) poster {
	d := &net.Dialer{Timeout: timeOut, Control: func(_, address string, _ syscall.RawConn) error { return allowed(address, inside) }}
	return poster{&http.Client{
		Timeout:       timeOut,
		Transport:     &http.Transport{DialContext: d.DialContext, TLSHandshakeTimeout: timeOut, MaxIdleConnsPerHost: 2, IdleConnTimeout: time.Minute},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

var carrierNAT = netip.MustParsePrefix("100.64.0.0/10")

// allowed is asked after the name was resolved, so a name can't change its mind in between.
func allowed(address string, inside []netip.Prefix) error {
	at, err := netip.ParseAddrPort(address)
	if err != nil {
		return err
	}
	ip := at.Addr().Unmap()
	for _, p := range inside {
		if p.Contains(ip) {
			return nil
		}
	}
	if !ip.IsGlobalUnicast() || ip.IsPrivate() || carrierNAT.Contains(ip) {
		return errInside
	}
	return nil
}

// send posts one fact, signed for its id, this moment and this body.
func (p poster) send(ctx context.Context, address string, secret vault.Secret, f *fact.Row, now int64) error {
	body, err := messageOf(f)
	if err != nil {
		return err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(body))
	if err != nil {
		return err
	}
	name, at := "fact_"+id.String(f.ID), strconv.FormatInt(now/1000, 10)
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("User-Agent", "guanxi")
	r.Header.Set("Webhook-Id", name)
	r.Header.Set("Webhook-Timestamp", at)
	r.Header.Set("Webhook-Signature", "v1,"+signature(secret, name, at, body))
	resp, err := p.client.Do(r)
	if err != nil {
		var u *url.Error
		if errors.As(err, &u) {
			return u.Err // without the address, which may hold a secret of the consumer's
		}
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, 64<<10)) // so that the connection can be used again
	if resp.StatusCode/100 != 2 {
		return refusal{resp.StatusCode}
	}
	return nil
}

func signature(secret vault.Secret, name, at string, body []byte) string {
	key, _ := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret.Reveal(), secretPrefix)) // made by ourselves
	h := hmac.New(sha256.New, key)
	h.Write([]byte(name + "." + at + "."))
	h.Write(body)
	return base64.StdEncoding.EncodeToString(h.Sum(nil))
}
