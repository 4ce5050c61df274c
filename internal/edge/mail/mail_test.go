package mail

import (
	"context"
	"errors"
	"net"
	"strings"
	"testing"

	"guanxi/internal/base/vault"
	"guanxi/internal/edge/channels"
	"guanxi/internal/emulator/mailbox"
)

func TestLetters(t *testing.T) {
	t.Parallel()
	ln, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	box := &mailbox.Box{Refuse: "nobody", Postpone: "later"}
	go box.Serve(t.Context(), ln)
	c := New(channels.Config{Mail: &channels.Mail{Host: "127.0.0.1", Port: ln.Addr().(*net.TCPAddr).Port, TLS: "none", From: "关系生活馆 <hello@example.com>"}})
	ctx := context.Background()
	if err := c.Ping(ctx); err != nil {
		t.Fatal(err)
	}
	send := func(to string) error {
		return c.Send(ctx, Letter{To: vault.Hide(to), Subject: "积分即将到期", Text: "您有 120 积分将于月底到期。\n.\n", Leave: "https://example.com/leave?t=1"})
	}
	if err := send("lin@example.com"); err != nil {
		t.Fatal(err)
	}
	got := box.Letters()
	if len(got) != 1 || got[0].From != "hello@example.com" || got[0].To != "lin@example.com" || !strings.Contains(got[0].Text, "List-Unsubscribe-Post: List-Unsubscribe=One-Click") {
		t.Errorf("%+v", got)
	}
	for to, want := range map[string]error{"nobody@example.com": ErrAddress, "later@example.com": ErrBusy, "not an address": ErrAddress} {
		if err := send(to); !errors.Is(err, want) || strings.Contains(err.Error(), "@") {
			t.Errorf("%s: %v", to, err)
		}
	}
	c.Server.TLS = "required"
	if err := send("lin@example.com"); err == nil || len(box.Letters()) != 1 {
		t.Errorf("a letter went in the clear: %v", err)
	}
	c.Server.Port = 1
	if err := c.Ping(ctx); !errors.Is(err, ErrBusy) {
		t.Errorf("no server: %v", err)
	}
	if New(channels.Config{}) != nil {
		t.Error("a client without a server")
	}
}
