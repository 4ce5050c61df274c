package scenario

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"guanxi/internal/base/clock"
	"guanxi/internal/base/money"
)

type word struct {
	text   string
	quoted bool
}

// line is one sentence of a script, read word by word. The first mistake sticks, so that a command reads all it needs
// and asks once, before it does anything, whether the sentence made sense.
type line struct {
	no    int
	text  string
	words []word
	at    int
	zone  clock.Zone
	err   error

	expected int // how many expected values were read
	lie      int // the one to read wrong, -1 for none
}

// parse cuts a script into its sentences; blank lines and what stands after # are for people.
func parse(text string) ([]line, error) {
	var out []line
	for i, s := range strings.Split(text, "\n") {
		words, err := cut(s)
		if err != nil {
			return nil, fmt.Errorf("%d: %w", i+1, err)
		}
		if len(words) > 0 {
			out = append(out, line{no: i + 1, text: strings.TrimSpace(s), words: words, lie: -1})
		}
	}
	return out, nil
}

// cut splits a sentence at blanks; commas and colons after a word stand alone, quotes keep a text together.
func cut(s string) ([]word, error) {
	var out []word
	for s = strings.TrimSpace(s); s != "" && s[0] != '#'; s = strings.TrimSpace(s) {
		if s[0] == '"' {
			text, rest, ok := strings.Cut(s[1:], `"`)
			if !ok {
				return nil, errors.New("a quote is not closed")
			}
			out, s = append(out, word{text, true}), rest
			continue
		}
		n := strings.IndexAny(s, " \t\"")
		if n < 0 {
			n = len(s)
		}
		w := s[:n]
		s = s[n:]
		bare := strings.TrimRight(w, ",")
		if bare != "" {
			out = append(out, word{bare, false})
		}
		if bare != w {
			out = append(out, word{",", false})
		}
	}
	return out, nil
}

// fresh gives the line unread; lie is the expected value to read wrong, -1 for none.
func (l *line) fresh(zone clock.Zone, lie int) *line {
	return &line{no: l.no, text: l.text, words: l.words, zone: zone, lie: lie}
}

func (l *line) fail(format string, args ...any) {
	if l.err == nil {
		l.err = fmt.Errorf(format, args...)
	}
}

// more says whether words are left to read.
func (l *line) more() bool { return l.err == nil && l.at < len(l.words) }

func (l *line) peek() string {
	if !l.more() {
		return ""
	}
	return l.words[l.at].text
}

func (l *line) word() string {
	if !l.more() {
		l.fail("a word is missing at the end")
		return ""
	}
	l.at++
	return l.words[l.at-1].text
}

// take reads the next word if it is this one.
func (l *line) take(w string) bool {
	if l.peek() != w || l.words[l.at].quoted {
		return false
	}
	l.at++
	return true
}

// need reads a word that must be this one.
func (l *line) need(w string) {
	if !l.take(w) {
		l.fail("%q is missing before %q", w, l.peek())
	}
}

// end says whether the sentence made sense, to its last word.
func (l *line) end() error {
	if l.more() {
		l.fail("%q is not understood", l.peek())
	}
	return l.err
}

func (l *line) int() int64 {
	w := l.word()
	n, err := strconv.ParseInt(w, 10, 64)
	if err != nil {
		l.fail("%q is not a whole number", w)
	}
	return n
}

// yuan reads an amount such as 12.30; the two decimals are demanded so that no one takes points for money.
func (l *line) yuan() int64 {
	w := l.word()
	fen, err := money.ParseFen(w)
	if _, decimals, _ := strings.Cut(w, "."); err != nil || len(decimals) != 2 {
		l.fail("%q is not an amount such as 12.30", w)
	}
	return int64(fen)
}

func (l *line) rate() money.Rate {
	w := l.word()
	r, err := money.ParseRate(w)
	if err != nil {
		l.fail("%q is not a factor such as 1.5", w)
	}
	return r
}

var clockLayouts = []string{"15:04", "15:04:05", "15:04:05.999"}

// time reads 2026-03-01 or 2026-03-01 10:00 (with seconds and thousandths if needed), or never.
func (l *line) time() int64 {
	if l.take("never") {
		return clock.Never
	}
	day := l.word()
	t, err := l.zone.Parse("2006-01-02", day)
	if err != nil {
		l.fail("%q is not a day such as 2026-03-01", day)
	}
	for _, layout := range clockLayouts {
		if at, err := l.zone.Parse("2006-01-02 "+layout, day+" "+l.peek()); err == nil {
			l.at++
			return at
		}
	}
	return t
}

// day reads a natural day as 20260301.
func (l *line) day() int { return l.zone.LocalDay(l.time()) }

// Expected values: what an expectation compares. Each can be read wrong on purpose, and must then be missed.

func (l *line) lying() bool {
	l.expected++
	return l.expected-1 == l.lie
}

func (l *line) wantInt() int64 {
	n := l.int()
	if l.lying() {
		n++
	}
	return n
}

func (l *line) wantYuan() int64 {
	n := l.yuan()
	if l.lying() {
		n++
	}
	return n
}

func (l *line) wantWord() string {
	w := l.word()
	if l.lying() {
		w += "?"
	}
	return w
}

// wantUntil reads the last day something is valid, as words: 2027-03-01 or never.
func (l *line) wantUntil() string { return l.wantWord() }

// list reads parts divided by commas up to the end or a word that stops.
func (l *line) list(part func()) {
	for {
		part()
		if !l.take(",") {
			return
		}
	}
}
