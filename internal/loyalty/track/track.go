// Package track takes in what members do in the member centre (行为): pages, clicks, dwell and shares, in batches; and knows the links by which
// they come (入口链接).
//
// Invariants:
//
//   - nothing is kept of a member who does not agree to it at that moment; the answer says so, and the app stops asking;
//   - an event counts once, however often its batch is sent: it is named by the run of the app and its number in it;
//   - a batch, a run and the list of pages are bounded, so that no app can fill the house;
//   - what is kept says where on our pages something happened, and nothing a person typed;
//   - an entry link leads to a page of ours and nowhere else; its code is never used again.
package track

import (
	"encoding/base64"
	"encoding/binary"
	"regexp"

	"guanxi/internal/base/fault"
	"guanxi/internal/base/setting"
)

// Kinds of events.
var Kinds = []string{"page", "click", "dwell", "share", "error"}

// Pages of the member centre; all others count as "other".
var Pages = []string{"home", "join", "code", "statement", "expiring", "tiers", "profile", "checkin", "orders", "order", "messages", "settings", "privacy",
	"consents", "data", "closure", "help", "agreements", "tasks", "coupons", "mall", "me", "other"}

// Policy is how long events are kept.
type Policy struct {
	On       bool  `json:"on" zh:"采集行为事件" en:"Take events in"`
	KeepDays int64 `json:"keep_days" zh:"明细保留天数" en:"Days single events are kept" unit:"days" min:"1" max:"730"`
}

// Rules holds the versions of the policy.
var Rules = setting.New("tracking", Policy{On: true, KeepDays: 90})

// Limits of a batch.
const (
	MaxEvents = 100
	maxRuns   = 20 // of one member; the oldest gives way
	window    = 256
)

// ErrRun refuses a name that no run of an app has.
var ErrRun = fault.Define("track.run", fault.Invalid, "运行编号须为 8 到 32 位字母或数字", "A run is named by 8 to 32 letters or digits")

var runName = regexp.MustCompile(`^[A-Za-z0-9]{8,32}$`)

// Event is one thing that happened.
type Event struct {
	N      int64  // its number in the run, from 1
	Kind   string // page, click, dwell, share, error
	Page   string
	Target string // what was clicked or shared, as our pages name it
	At     int64  // by the phone's clock
	MS     int64  // of dwell
	Link   string // the entry link by which the member came, "" for none we know
}

// seen remembers which of the last numbers of a run were taken: the highest, and a bit for each of those before it. Numbers
// older than the window count as taken: an app that is so late has sent them before, or lost them.
type seen struct {
	high int64
	bits [window / 64]uint64
}

// take notes a number; false when it was taken before.
func (s *seen) take(n int64) bool {
	switch {
	case n <= 0 || n <= s.high-window:
		return false
	case n > s.high:
		s.shift(n - s.high)
		s.high = n
		s.bits[0] |= 1
		return true
	}
	back := s.high - n
	word, bit := back/64, uint64(1)<<(back%64)
	if s.bits[word]&bit != 0 {
		return false
	}
	s.bits[word] |= bit
	return true
}

// shift makes room for numbers above the highest.
func (s *seen) shift(by int64) {
	if by >= window {
		s.bits = [window / 64]uint64{}
		return
	}
	words, bits := int(by/64), uint(by%64)
	for i := len(s.bits) - 1; i >= 0; i-- {
		var v uint64
		if i-words >= 0 {
			v = s.bits[i-words] << bits
			if bits > 0 && i-words-1 >= 0 {
				v |= s.bits[i-words-1] >> (64 - bits)
			}
		}
		s.bits[i] = v
	}
}

// text is how a row holds the bits.
func (s *seen) text() string {
	var b [window / 8]byte
	for i, w := range s.bits {
		binary.LittleEndian.PutUint64(b[i*8:], w)
	}
	return base64.RawStdEncoding.EncodeToString(b[:])
}

// readSeen reads what text wrote; damage reads as everything seen, so that nothing counts twice.
func readSeen(high int64, text string) seen {
	s := seen{high: high}
	b, err := base64.RawStdEncoding.DecodeString(text)
	for i := range s.bits {
		s.bits[i] = ^uint64(0)
		if err == nil && len(b) == window/8 {
			s.bits[i] = binary.LittleEndian.Uint64(b[i*8:])
		}
	}
	return s
}
