package staff

import (
	"encoding/json"
	"testing"

	"guanxi/internal/base/clock"
	"guanxi/internal/base/db"
	"guanxi/internal/base/fault"
)

func TestPasskeysTakeAHostName(t *testing.T) {
	t.Parallel()
	for origin, ok := range map[string]bool{"https://shop.example": true, "http://localhost:8080": true, "http://127.0.0.1:8080": false, "https://[::1]": false, "": false, "null": false} {
		if _, err := relying(origin); (err == nil) != ok || err != nil && !fault.Is(err, ErrPasskeyHost) {
			t.Errorf("%q: %v", origin, err)
		}
	}
}

func TestAChallengeIsAnsweredOnceAndSoon(t *testing.T) {
	t.Parallel()
	h := open(t)
	ask := func() (asked Asked) {
		h.write(func(tx *db.Tx) (err error) { asked, err = h.s.AskPasskey(tx, "https://shop.example"); return err })
		return asked
	}
	take := func(ticket string) (err error) {
		_ = h.try(func(tx *db.Tx) error { _, _, err = answered(tx, ticket); return nil })
		return err
	}
	first := ask()
	options, _ := json.Marshal(first.Options)
	if err := take(first.Ticket); err != nil || len(options) < 50 {
		t.Fatalf("%v, asked for %s", err, options)
	}
	if err := take(first.Ticket); !fault.Is(err, ErrPasskey) {
		t.Error("a ticket is taken twice: ", err)
	}
	if err := take("none"); !fault.Is(err, ErrPasskey) {
		t.Error(err)
	}
	if _, _, err := h.s.LoginPasskey(t.Context(), Attempt{}, "https://shop.example", ask().Ticket, []byte(`{"id":"AA","type":"public-key"}`)); !fault.Is(err, ErrPasskey) {
		t.Error("whatever is sent signs in: ", err)
	}
	late := ask()
	h.clock.Add(5 * clock.Minute)
	if err := take(late.Ticket); !fault.Is(err, ErrPasskey) {
		t.Error("a ticket is taken late: ", err)
	}
	h.write(func(tx *db.Tx) error {
		for sweep(tx) {
		}
		if left := challengesOver(tx, tx.Now(), 10); len(left) > 0 {
			t.Error("challenges are left behind: ", left)
		}
		return nil
	})
}
