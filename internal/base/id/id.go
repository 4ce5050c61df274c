// Package id makes the program's ids: 63 bits, time-ordered, unique per process node.
package id

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/binary"
	"io"
	"strconv"
	"sync"
)

// Layout: 41 bits of milliseconds since 2010 (good until 2079) · 6 bits of node · 16 bits of sequence.
const (
	epochMs  = 1262304000000 // 2010-01-01, so that simulated years before today work too
	nodeBits = 6
	seqBits  = 16
)

// Source makes ids that never go back, even when the clock does.
type Source struct {
	mu   sync.Mutex
	last int64 // ms<<seqBits | seq
	node int64
}

// NewSource makes a source for a node number below 64.
func NewSource(node int) *Source { return &Source{node: int64(node) & (1<<nodeBits - 1)} }

// Next makes an id for the instant now (ms UTC).
func (s *Source) Next(now int64) int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	base := max(now-epochMs, 1) << seqBits
	s.last = max(s.last+1, base)
	ms, seq := s.last>>seqBits, s.last&(1<<seqBits-1)
	return ms<<(nodeBits+seqBits) | s.node<<seqBits | seq
}

// Past makes the ids to come larger than one that another source has given out.
func (s *Source) Past(v int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.last = max(s.last, v>>(nodeBits+seqBits)<<seqBits|v&(1<<seqBits-1))
}

// Floor is the smallest id that can be made at or after an instant: it turns a time range into an id range.
func Floor(at int64) int64 { return max(at-epochMs, 0) << (nodeBits + seqBits) }

// String writes an id as decimal text, the form every API uses.
func String(v int64) string { return strconv.FormatInt(v, 10) }

// Parse reads decimal text; false when it is not an id.
func Parse(s string) (int64, bool) {
	v, err := strconv.ParseInt(s, 10, 64)
	return v, err == nil && v > 0
}

// Token makes n random bytes as URL-safe text: secrets, session tokens, codes.
func Token(n int) string {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails since Go 1.24
	return base64.RawURLEncoding.EncodeToString(b)
}

// Random is a source of random bytes for ciphers that want to draw their own.
func Random() io.Reader { return rand.Reader }

// Digits makes n random decimal digits from the secret source: codes that are shown or typed.
func Digits(n int) string {
	out := make([]byte, 0, n)
	var b [32]byte
	for len(out) < n {
		_, _ = rand.Read(b[:])
		for _, x := range b {
			if x < 250 && len(out) < n { // 250 is a multiple of ten: every digit is as likely
				out = append(out, '0'+x%10)
			}
		}
	}
	return string(out)
}

// Seed makes a random 64-bit seed.
func Seed() uint64 {
	var b [8]byte
	_, _ = rand.Read(b[:])
	return binary.LittleEndian.Uint64(b[:])
}
