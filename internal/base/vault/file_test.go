package vault

import (
	"bytes"
	"errors"
	"io"
	"testing"

	"guanxi/internal/base/fault"
)

func TestSealedFileTellsWhatWasDoneToIt(t *testing.T) {
	t.Parallel()
	v, err := Load(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	at := Place{Table: "task", Row: 7, Column: "file"}
	want := bytes.Repeat([]byte("13800138000 会员\n"), 40_000) // three pieces
	var sealed bytes.Buffer
	w := v.SealFile(&sealed, at)
	for rest := want; len(rest) > 0; rest = rest[min(len(rest), 1000):] {
		if _, err := w.Write(rest[:min(len(rest), 1000)]); err != nil {
			t.Fatal(err)
		}
	}
	open := sealed.Len()
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	read := func(text []byte, at Place) ([]byte, error) { return io.ReadAll(v.OpenFile(bytes.NewReader(text), at)) }
	if got, err := read(sealed.Bytes(), at); err != nil || !bytes.Equal(got, want) {
		t.Fatalf("%d bytes of %d, %v", len(got), len(want), err)
	}
	if bytes.Contains(sealed.Bytes(), []byte("13800138000")) {
		t.Error("it stands there in the clear")
	}
	lines := bytes.SplitAfter(sealed.Bytes(), []byte("\n"))
	if len(lines) != 5 { // three pieces, the end, and nothing behind it
		t.Fatalf("%d lines", len(lines))
	}
	if _, err := read(sealed.Bytes()[:open], at); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("without its end: %v", err)
	}
	for name, text := range map[string][]byte{
		"two pieces changed places": bytes.Join([][]byte{lines[1], lines[0], lines[2], lines[3]}, nil),
		"a piece left out":          bytes.Join([][]byte{lines[0], lines[2], lines[3]}, nil),
		"cut off before its end":    bytes.Join([][]byte{lines[0], lines[3]}, nil),
	} {
		if _, err := read(text, at); !fault.Is(err, ErrRefused) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := read(sealed.Bytes(), Place{Table: "task", Row: 8, Column: "file"}); !fault.Is(err, ErrRefused) {
		t.Errorf("of another task: %v", err)
	}
}
