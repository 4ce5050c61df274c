package bench

import (
	"context"
	"fmt"
	"time"

	"guanxi/internal/base/clock"
)

// What an order leaves behind, about as long as the product writes it.
const (
	orderLines    = `[{"sku":"A100","name":"拿铁","qty":1,"amount":12084,"el":12084},{"sku":"B200","name":"可颂","qty":2,"amount":24168,"el":24168}]`
	orderFact     = `{"order":2238900029903340689,"source":"p2238900010018144256","amount":36252,"eligible":36252,"occurred":1796099359223}`
	orderDecision = `{"m":2238899999893095804,"tier":"gold","rank":2,"joined":1796099356725,"by":"bench","day":20261201,"aw":[{"v":2238899970960785409,"r":2238899970960785408,` +
		`"a":1,"n":543,"x":{"n":543,"fen":36252,"rate":"1","tier":"1.5","float":"1","byline":true},"c":1,"ln":[181,362],"s":2,"l":2238900029903340691,"e":1827676800000,"t":1796099363880},` +
		`{"a":2,"n":220,"x":{"n":217,"fen":36252,"byline":true},"ln":[72,145],"act":3,"s":2,"l":2238900029903340693,"e":1827676800000,"t":1796099363880}]}`
	orderReply = `{"order":{"id":"2238900029903340682","no":"B000004121","member_id":"2238899974806965033","status":"paid","amount_fen":42809,"eligible_fen":42809,"refunded_fen":0,` +
		`"points_used":0,"channel":"pos","store":"S01","occurred_at":1796099359223,"received_at":1796099363880},"again":false,"joined":false,"awards":[{"asset":"points","amount":856,` +
		`"rule":"消费送积分","rule_id":"2238899970960785408","version_id":"2238899970960785409","expires_at":1827676800000,"taken_back":0,"forgone":0},{"asset":"growth","amount":259,` +
		`"rule":"成长值","expires_at":1827676800000,"taken_back":0,"forgone":0}],"member":{"points":{"balance":1000906,"available":1000906,"pending":0,"held":0,"frozen":0,"debt":0},"growth":2279}}`
	orderDetail = `{"actor":"partner:2238900010018144256"}`
)

// stat is what an order must know of those before it.
type stat struct{ orders, spent, first int64 }

// stats reads what the members of a group have bought.
func (h *hand) stats(ctx context.Context, group []line) (map[int64]*stat, error) {
	out := map[int64]*stat{}
	err := h.read(ctx, "SELECT member_id, orders, spent, first_at FROM order_stat WHERE member_id IN (", group, func(scan func(...any) error) error {
		var member int64
		s := &stat{}
		err := scan(&member, &s.orders, &s.spent, &s.first)
		out[member] = s
		return err
	})
	return out, err
}

// sell writes a group of orders of members who have bought before: the rows of the product in its tables, and no others.
func (h *hand) sell(ctx context.Context, group []line) error {
	var points, growth map[int64]*account
	var stats map[int64]*stat
	err := h.known(ctx, group)
	if err == nil {
		points, err = h.accounts(ctx, 1, group)
	}
	if err == nil {
		growth, err = h.accounts(ctx, 2, group)
	}
	if err == nil {
		stats, err = h.stats(ctx, group)
	}
	if err != nil {
		return err
	}
	now := time.Now().UnixMilli()
	var keys, replies, orderKeys, orders, decisions, facts, entries, lots, accounts, counts multi
	h.seal++
	for _, l := range group {
		s := stats[l.member]
		if points[l.member] == nil || growth[l.member] == nil || s == nil {
			return fmt.Errorf("bench: member %d has not bought", l.member)
		}
		s.orders++
		s.spent += l.points
		o, reply := h.ids.Next(now), h.ids.Next(now)
		ref := fmt.Sprint("order:", o)
		keys.add("partner:2238900010018144256|"+l.key, "order.pay", hash43, 201, "", now, reply)
		replies.add(reply, orderReply)
		orderKeys.add("p2238900010018144256|B"+l.key, l.member, o, hash43[:24])
		orders.add(l.member, o, "p2238900010018144256", l.key, "paid", l.points, l.points, 0, 0, 0, 0, "pos", "S01", now, now, 0, orderLines, 0)
		decisions.add(o, l.member, now, orderDecision)
		facts.add(h.ids.Next(now), "order.paid", l.member, 0, now, orderFact)
		for asset, a := range []*account{points[l.member], growth[l.member]} {
			a.seq++
			a.balance += l.points
			lot := h.ids.Next(now)
			entries.add(l.member, asset+1, a.seq, now, now, l.points, a.balance, "earn", fmt.Sprintf("award:%d:2238899970960785408", o), lot, clock.Never, 1, 2238899970960785409, ref, orderDetail, h.seal, lot)
			lots.add(l.member, asset+1, clock.Never, lot, l.points, 0, 0, 1, 2238899970960785409, l.points, ref)
		}
	}
	for m := range points {
		for asset, a := range []*account{points[m], growth[m]} {
			accounts.add(m, asset+1, a.balance, 0, 0, 0, 0, a.seq, now, now, 0, now)
		}
		counts.add(m, stats[m].orders, 0, stats[m].spent, 0, stats[m].first, now, 20261201)
	}
	return h.writeAll(ctx, len(group), []statement{
		{"INSERT INTO idempotency (id, route, hash, status, reply, at, reply_id) VALUES ", &keys},
		{"INSERT INTO idempotency_reply (id, body) VALUES ", &replies},
		{"INSERT INTO order_key (id, member_id, order_id, hash) VALUES ", &orderKeys},
		{"INSERT INTO orders (member_id, order_id, source, no, status, amount, eligible, refunded, points_used, hold_id, via_id, channel, store, occurred_at, received_at, closed_at, sku_lines, terminal_id) VALUES ", &orders},
		{"INSERT INTO earn_decision (cause_id, member_id, at, body) VALUES ", &decisions},
		{"INSERT INTO fact (id, kind, member_id, cause_id, at, body) VALUES ", &facts},
		{insertEntries, &entries}, {insertLots, &lots}, {replaceAccounts, &accounts},
		{"REPLACE INTO order_stat (member_id, orders, refunds, spent, refunded, first_at, last_at, last_day) VALUES ", &counts},
	})
}
