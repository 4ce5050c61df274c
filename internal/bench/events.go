package bench

import (
	"context"
	"fmt"
	"strconv"

	"guanxi/internal/base/db"
	"guanxi/internal/base/vault"
	"guanxi/internal/loyalty/member"
)

// Events are taken in from members, not from a partner: each of some members has a session, has agreed to be tracked, and
// reports batches of what a member centre reports. That every event counts, and none twice, is in each answer.

const (
	eventMembers = 256
	eventsBatch  = 50
)

type tokensIn struct{ Members int }

// tokens makes members who have agreed to be tracked, and logs them in.
func (h *host) tokens(ctx context.Context, in tokensIn) (out []string, err error) {
	for i := range in.Members {
		err = h.app.DB.Write(ctx, db.Op{Actor: "bench"}, func(tx *db.Tx) error {
			m, _, err := h.app.Members.Join(tx, member.Join{Identities: []member.Identity{{Kind: member.KindCard, Issuer: "bench", Value: vault.Hide(fmt.Sprint("events", i))}}})
			if err != nil {
				return err
			}
			if err := h.app.Members.SetConsent(tx, m.ID, member.ForTracking, true, -1, "bench"); err != nil {
				return err
			}
			token, _, err := h.app.Members.OpenSession(tx, m.ID)
			out = append(out[:i], token)
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}

// eventWork reports batches as these members, each with numbers that rise.
func eventWork(tokens []string) *work {
	return &work{method: "POST", status: 200, suffix: `"new":50,"again":0,"off":false}`, items: eventsBatch, members: true,
		make: func(q *request, l *load, n uint64) {
			who, first := n%uint64(len(tokens)), n/uint64(len(tokens))*eventsBatch
			q.path = append(q.path[:0], "/api/member/me/events"...)
			q.bearer = tokens[who]
			b := append(q.body[:0], `{"run":"bench001","events":[`...)
			for i := range uint64(eventsBatch) {
				if i > 0 {
					b = append(b, ',')
				}
				b = strconv.AppendUint(append(b, `{"n":`...), first+i+1, 10)
				b = append(b, []string{`,"kind":"page","page":"home","at":`, `,"kind":"click","page":"tiers","target":"card.next","at":`}[i%2]...)
				b = append(strconv.AppendInt(b, l.began.UnixMilli(), 10), '}')
			}
			q.body = append(b, "]}"...)
		}}
}

func (b *bench) events(ctx context.Context, s *server) error {
	if !b.wants("events") {
		return nil
	}
	var tokens []string
	if err := s.call("tokens", tokensIn{eventMembers}, &tokens, nil); err != nil {
		return err
	}
	return b.measure(ctx, s, figure{name: "events", zh: "行为事件，每批 50 条，64 并发", en: "events of behaviour in batches of 50, 64 clients", work: eventWork(tokens), conns: 64, least: 20_000})
}
