// Package mail sends e-mail through the server of an installation (邮件).
package mail

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/wneessen/go-mail"

	"guanxi/internal/base/vault"
	"guanxi/internal/edge/channels"
)

// What a letter is refused for.
var (
	ErrAddress = errors.New("mail: the address is not one that can be reached")
	ErrBusy    = errors.New("mail: the server does not take it now")
	ErrSetup   = errors.New("mail: server, password or sender: an operator must act")
	ErrRefused = errors.New("mail: the server refuses the letter for good")
)

// Client sends through one server.
type Client struct{ Server channels.Mail }

// New makes the client, nil when no server is configured.
func New(c channels.Config) *Client {
	if c.Mail == nil {
		return nil
	}
	return &Client{*c.Mail}
}

// Letter is one e-mail. Leave is where one tap takes the reader off the list; marketing must have it.
type Letter struct {
	To      vault.Secret
	Key     string // makes its Message-ID, so that the same letter sent again is known; empty: a new one
	Subject string
	Text    string
	Leave   string
}

const patience = 20 * time.Second

func (c *Client) dial() (*mail.Client, error) {
	opts := []mail.Option{mail.WithPort(c.Server.Port), mail.WithTimeout(patience)}
	switch c.Server.TLS {
	case "none": // a relay on this machine
		opts = append(opts, mail.WithTLSPolicy(mail.NoTLS))
	case "implicit":
		opts = append(opts, mail.WithSSL())
	default:
		opts = append(opts, mail.WithTLSPolicy(mail.TLSMandatory))
	}
	if c.Server.User != "" {
		opts = append(opts, mail.WithSMTPAuth(mail.SMTPAuthAutoDiscover), mail.WithUsername(c.Server.User), mail.WithPassword(c.Server.Password.Reveal()))
	}
	return mail.NewClient(c.Server.Host, opts...)
}

// Send sends one letter. No error tells an address.
func (c *Client) Send(ctx context.Context, l Letter) error {
	m := mail.NewMsg()
	if m.From(c.Server.From) != nil {
		return ErrSetup
	}
	if m.To(l.To.Reveal()) != nil {
		return ErrAddress
	}
	if l.Key != "" {
		m.SetMessageIDWithValue(l.Key + "@guanxi")
	}
	m.Subject(l.Subject)
	m.SetBodyString(mail.TypeTextPlain, l.Text)
	if l.Leave != "" {
		m.SetGenHeader("List-Unsubscribe", "<"+l.Leave+">")
		m.SetGenHeader("List-Unsubscribe-Post", "List-Unsubscribe=One-Click")
	}
	client, err := c.dial()
	if err != nil {
		return ErrSetup
	}
	return verdict(client.DialAndSendWithContext(ctx, m))
}

// Ping says whether the server lets us in.
func (c *Client) Ping(ctx context.Context) error {
	client, err := c.dial()
	if err != nil {
		return ErrSetup
	}
	if err := client.DialWithContext(ctx); err != nil {
		return verdict(err)
	}
	return client.Close()
}

// verdict turns the library's errors, which may tell addresses, into ours.
func verdict(err error) error {
	if err == nil {
		return nil
	}
	refused, ok := errors.AsType[*mail.SendError](err)
	switch {
	case !ok || refused.IsTemp():
		return ErrBusy
	case refused.Reason == mail.ErrSMTPRcptTo:
		return ErrAddress
	}
	return fmt.Errorf("%w (%d)", ErrRefused, refused.ErrorCode())
}
