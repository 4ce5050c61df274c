package message

import (
	"embed"
	"strings"

	"guanxi/internal/base/db"
)

//go:embed schema/*.sql
var files embed.FS

// Schema is the tables of messages.
var Schema = db.Schema{Feature: "message", Files: files}

// Letter is one message in an inbox.
type Letter struct {
	Member   int64
	ID       int64
	Occasion string
	Dedupe   string
	Template int64 // version of the words
	Values   string
	At       int64
	Read     int64
}

type pair struct{ Member, ID int64 }

func pairArgs(k pair, a []any) []any { return append(a, k.Member, k.ID) }

func pairOwner(k pair) int64 { return k.Member }

var letters = db.NewTable(db.Spec[Letter, pair]{
	Name: "message_inbox", Keys: 2, Indexed: true, Cols: []string{"member_id", "id", "occasion", "dedupe", "template_id", "vals", "at", "read_at"},
	Row: func(r *Letter, p []any) []any {
		return append(p, &r.Member, &r.ID, &r.Occasion, &r.Dedupe, &r.Template, &r.Values, &r.At, &r.Read)
	},
	Key: func(r *Letter) pair { return pair{r.Member, r.ID} }, Args: pairArgs, Owner: pairOwner,
})

// told finds a message by what it was told for.
func told(r db.Reader, member int64, occasion, dedupe string) bool {
	return len(letters.Select(r, db.Query[Letter]{
		Where: "member_id = ? AND occasion = ? AND dedupe = ?", Args: []any{member, occasion, dedupe}, Limit: 1, Owner: member,
		Match: func(l *Letter) bool { return l.Occasion == occasion && l.Dedupe == dedupe },
	})) > 0
}

// inbox lists messages, newest first, before an id.
func inbox(r db.Reader, member, before int64, unread bool, limit int) []Letter {
	flag := 0
	if unread {
		flag = 1
	}
	return letters.Select(r, db.Query[Letter]{
		Where: "member_id = ? AND id < ? AND (? = 0 OR read_at = 0)", Args: []any{member, before, flag}, Order: "id DESC", Limit: limit, Owner: member,
		Match: func(l *Letter) bool { return l.ID < before && (!unread || l.Read == 0) },
		Less:  func(a, b *Letter) bool { return a.ID > b.ID },
	})
}

// CountOf counts a member's messages of an occasion.
func CountOf(v *db.View, member int64, occasion string) (n int64) {
	v.Row("SELECT COUNT(*) FROM message_inbox WHERE member_id = ? AND occasion = ?", []any{member, occasion}, &n)
	return n
}

// maxUnread is where counting ends: a badge says 99+.
const maxUnread = 100

// Unread counts unread messages, up to a hundred.
func Unread(r db.Reader, member int64) int {
	return len(inbox(r, member, 1<<62, true, maxUnread))
}

// oldBefore lists messages of all members that were told before an instant.
func oldBefore(r db.Reader, at int64, limit int) []Letter {
	return letters.Select(r, db.Query[Letter]{
		Where: "at < ?", Args: []any{at}, Order: "member_id, id", Limit: limit, Match: func(l *Letter) bool { return l.At < at },
		Less: func(a, b *Letter) bool { return a.Member < b.Member || a.Member == b.Member && a.ID < b.ID },
	})
}

// Send is one attempt to reach a member over a channel.
type Send struct {
	Member    int64
	ID        int64
	Occasion  string
	Dedupe    string
	Channel   string
	State     string
	Reason    string
	Marketing bool
	Template  int64
	At        int64
	Done      int64
	Provider  string
}

// States of a send.
const (
	Sending = "sending" // recorded, perhaps on its way
	Went    = "sent"
	Failed  = "failed"
	Waits   = "waiting" // for an employee who must send it
	Skipped = "skipped" // not allowed when its time came
	Maybe   = "unknown" // nobody knows; not sent again
)

var sends = db.NewTable(db.Spec[Send, pair]{
	Name: "message_send", Keys: 2, Indexed: true,
	Cols: []string{"member_id", "id", "occasion", "dedupe", "channel", "state", "reason", "marketing", "template_id", "at", "done_at", "provider"},
	Row: func(r *Send, p []any) []any {
		return append(p, &r.Member, &r.ID, &r.Occasion, &r.Dedupe, &r.Channel, &r.State, &r.Reason, &r.Marketing, &r.Template, &r.At, &r.Done, &r.Provider)
	},
	Key: func(r *Send) pair { return pair{r.Member, r.ID} }, Args: pairArgs, Owner: pairOwner,
})

// sendsOf lists what was tried for one message.
func sendsOf(r db.Reader, member int64, occasion, dedupe string) []Send {
	return sends.Select(r, db.Query[Send]{
		Where: "member_id = ? AND occasion = ? AND dedupe = ?", Args: []any{member, occasion, dedupe}, Order: "id", Owner: member,
		Match: func(s *Send) bool { return s.Occasion == occasion && s.Dedupe == dedupe },
		Less:  func(a, b *Send) bool { return a.ID < b.ID },
	})
}

// LogOf lists what was sent to a member, newest first, before an id.
func LogOf(r db.Reader, member, before int64, limit int) []Send {
	return sends.Select(r, db.Query[Send]{
		Where: "member_id = ? AND id < ?", Args: []any{member, before}, Order: "id DESC", Limit: limit, Owner: member,
		Match: func(s *Send) bool { return s.ID < before },
		Less:  func(a, b *Send) bool { return a.ID > b.ID },
	})
}

// countSince counts what went out, or may have, to a member since an instant.
func countSince(r db.Reader, member, since int64, marketing bool) int64 {
	flag := 0
	if marketing {
		flag = 1
	}
	return int64(len(sends.Select(r, db.Query[Send]{
		Where: "member_id = ? AND at >= ? AND marketing = ? AND state <> 'failed' AND state <> 'skipped'", Args: []any{member, since, flag}, Limit: 1000, Owner: member,
		Match: func(s *Send) bool {
			return s.At >= since && s.Marketing == marketing && s.State != Failed && s.State != Skipped
		},
	})))
}

// Credit is one entry of the ledger of one-time subscriptions (订阅次数).
type Credit struct {
	Member   int64
	ID       int64
	Template string
	Amount   int64
	Balance  int64
	Source   string
	At       int64
}

var credits = db.NewTable(db.Spec[Credit, pair]{
	Name: "message_credit", Keys: 2, Indexed: true, Cols: []string{"member_id", "id", "template", "amount", "balance", "source", "at"},
	Row: func(r *Credit, p []any) []any {
		return append(p, &r.Member, &r.ID, &r.Template, &r.Amount, &r.Balance, &r.Source, &r.At)
	},
	Key: func(r *Credit) pair { return pair{r.Member, r.ID} }, Args: pairArgs, Owner: pairOwner,
})

// CreditsLeft is how many sends of a template a member has agreed to and not yet got.
func CreditsLeft(r db.Reader, member int64, template string) int64 {
	last := credits.Select(r, db.Query[Credit]{
		Where: "member_id = ? AND template = ?", Args: []any{member, template}, Order: "id DESC", Limit: 1, Owner: member,
		Match: func(c *Credit) bool { return c.Template == template },
		Less:  func(a, b *Credit) bool { return a.ID > b.ID },
	})
	if len(last) == 0 {
		return 0
	}
	return last[0].Balance
}

// yesSince counts the yeses since an instant by one teller, and by the other.
func yesSince(r db.Reader, member int64, template, by string, since int64) (mine, theirs int) {
	for _, c := range credits.Select(r, db.Query[Credit]{
		Where: "member_id = ? AND template = ? AND at >= ? AND amount >= 0", Args: []any{member, template, since}, Limit: maxCredits, Owner: member,
		Match: func(c *Credit) bool { return c.Template == template && c.At >= since && c.Amount >= 0 },
	}) {
		switch {
		case strings.HasPrefix(c.Source, by+":"):
			mine++
		case strings.HasPrefix(c.Source, ByApp+":"), strings.HasPrefix(c.Source, ByPlatform+":"):
			theirs++
		}
	}
	return mine, theirs
}

func creditBooked(r db.Reader, member int64, template, source string) bool {
	return len(credits.Select(r, db.Query[Credit]{
		Where: "member_id = ? AND template = ? AND source = ?", Args: []any{member, template, source}, Limit: 1, Owner: member,
		Match: func(c *Credit) bool { return c.Template == template && c.Source == source },
	})) > 0
}

// Tally is how many sends of an occasion ended how on a channel.
type Tally struct {
	Occasion, Channel, State string
	N                        int64
}

// Tallies counts sends in [from, until).
func Tallies(v *db.View, from, until int64) (out []Tally) {
	v.Rows("SELECT occasion, channel, state, COUNT(*) FROM message_send WHERE at >= ? AND at < ? GROUP BY occasion, channel, state ORDER BY occasion, channel, state",
		[]any{from, until}, func(scan func(...any)) {
			var t Tally
			scan(&t.Occasion, &t.Channel, &t.State, &t.N)
			out = append(out, t)
		})
	return out
}
