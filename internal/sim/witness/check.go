package witness

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"guanxi/internal/base/db"
	"guanxi/internal/loyalty/ledger"
)

type leg struct {
	member int64
	asset  int
	key    int
}

// ErrBroken is that the database does not keep what callers were told.
var ErrBroken = errors.New("promise broken")

const maxWrong = 8

// Check compares the database with the log; an error that is not ErrBroken is that it could not be read.
func (l *Log) Check(s *Site) error {
	found, wrong, err := read(s)
	if err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	wrong = append(wrong, l.wrong...)
	wrong = append(wrong, l.compare(found)...)
	if len(wrong) == 0 {
		return nil
	}
	if more := len(wrong) - maxWrong; more > 0 {
		wrong = append(wrong[:maxWrong], fmt.Sprintf("and %d more", more))
	}
	return fmt.Errorf("%w: %s", ErrBroken, strings.Join(wrong, "; "))
}

// Applied are the unsettled keys that a reader finds in the database.
func (l *Log) Applied(s *Site) ([]int, error) {
	found, _, err := read(s)
	if err != nil {
		return nil, err
	}
	var out []int
	for _, k := range l.Unsettled() {
		if found[leg{owners(k)[0], ledger.Points, k}] > 0 {
			out = append(out, k)
		}
	}
	return out, nil
}

// read counts the entries of each key and verifies the ledger.
func read(s *Site) (found map[leg]int, wrong []string, err error) {
	found = map[leg]int{}
	err = s.DB.View(context.Background(), func(v *db.View) error {
		ledger.Entries.Each(v, db.Query[ledger.Entry]{}, func(e *ledger.Entry) {
			key, ok := keyOf(e.Source)
			if !ok {
				wrong = append(wrong, fmt.Sprintf("member %d has an entry from %q", e.Member, e.Source))
			}
			found[leg{e.Member, e.Asset, key}]++
		})
		for _, w := range ledger.Verify(v, nil).Wrong {
			wrong = append(wrong, fmt.Sprintf("%s %s: %s", w.Table, w.Row, w.What))
		}
		return nil
	})
	if err != nil {
		err = fmt.Errorf("reading: %w (%w)", err, errors.Unwrap(err))
	}
	return found, wrong, err
}

// compare holds the entries found to what callers were told; it empties found.
func (l *Log) compare(found map[leg]int) (wrong []string) {
	say := func(key int, what string) { wrong = append(wrong, fmt.Sprintf("key %d: %s", key, what)) }
	for key, a := range l.told {
		o := owners(key)
		first, second := leg{o[0], ledger.Points, key}, leg{o[1], ledger.Growth, key}
		n, m := found[first], found[second]
		delete(found, first)
		delete(found, second)
		switch {
		case n > 1 || m > 1:
			say(key, "applied more than once")
		case n != m:
			say(key, "applied in half")
		case a.now == Acked && n == 0:
			say(key, "acknowledged, but lost")
		case a.now == Refused && n != 0:
			say(key, "refused, but applied")
		}
	}
	for at := range found {
		wrong = append(wrong, fmt.Sprintf("member %d has an entry from key %d, which nobody asked for", at.member, at.key))
	}
	slices.Sort(wrong)
	return wrong
}
