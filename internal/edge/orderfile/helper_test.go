package orderfile

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"guanxi/internal/base/fault"
)

func reader(t *testing.T, text string, o Options) *Reader {
	t.Helper()
	r, err := New(strings.NewReader(text), int64(len(text)), o)
	if err != nil {
		t.Fatalf("New: %v", err)
	}
	return r
}

// all reads to the end; err is nil when that was io.EOF.
func all(r *Reader) (out []Record, err error) {
	for {
		rec, err := r.Next()
		if errors.Is(err, io.EOF) {
			return out, nil
		}
		if err != nil {
			return out, err
		}
		out = append(out, rec)
	}
}

func readAll(t *testing.T, text string, o Options) []Record {
	t.Helper()
	out, err := all(reader(t, text, o))
	if err != nil {
		t.Fatalf("Next: %v", err)
	}
	return out
}

// brief writes records in one line each, to be compared.
func brief(records []Record) string {
	var b strings.Builder
	for _, r := range records {
		switch r.Kind {
		case Refused:
			fmt.Fprintf(&b, "refused %q line %d %s %s [%d-%d]\n", r.No, r.Refusal.Line, r.Refusal.Code, r.Refusal.Field, r.FirstLine, r.LastLine)
			continue
		case Order:
			fmt.Fprintf(&b, "order %s", r.No)
		case Refund:
			fmt.Fprintf(&b, "refund %s of %q", r.No, r.OriginalNo)
		}
		fmt.Fprintf(&b, " by %q %s", r.MemberRef, r.AmountFen)
		for _, l := range r.Lines {
			fmt.Fprintf(&b, " %s/%s:%d*%s=%s", l.SKU, l.Name, l.Qty, l.PriceFen, l.AmountFen)
		}
		fmt.Fprintf(&b, " [%d-%d]\n", r.FirstLine, r.LastLine)
	}
	return b.String()
}

func expect(t *testing.T, got, want string) {
	t.Helper()
	if got = strings.TrimSpace(got); got != strings.TrimSpace(want) {
		t.Errorf("got\n%s\nwant\n%s", got, strings.TrimSpace(want))
	}
}

func expectCode(t *testing.T, err error, want *fault.Kind) {
	t.Helper()
	if !fault.Is(err, want) {
		t.Errorf("got %v, want %s", err, want.Code)
	}
}

func packed(text string) []byte {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write([]byte(text)); err != nil {
		panic(err)
	}
	if err := w.Close(); err != nil {
		panic(err)
	}
	return b.Bytes()
}
