package web

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"strings"
)

// Page is one page of a list. Without next it is the last.
type Page[T any] struct {
	Data []T    `json:"data" doc:"本页内容|what is on this page"`
	Next string `json:"next,omitempty" doc:"下一页的翻页标记，没有则已到末页|cursor of the next page; absent on the last"`
}

// Paging is embedded in the input of a list.
type Paging struct {
	Limit  int    `query:"limit" minimum:"1" maximum:"200" default:"50" doc:"每页条数|how many on a page"`
	Cursor string `query:"cursor" maxLength:"512" doc:"上一页给出的 next|next of the page before"`
}

// PageOf makes a page of rows that were read with a limit one higher than the page's: the one too many tells
// that there is a next page. Next gives the cursor after a row.
func PageOf[T any](rows []T, limit int, next func(T) string) *Page[T] {
	p := &Page[T]{Data: rows}
	if p.Data == nil {
		p.Data = []T{}
	}
	if len(rows) > limit {
		p.Data = rows[:limit]
		p.Next = next(p.Data[limit-1])
	}
	return p
}

// EncodeCursor makes an opaque cursor of the key of a page's last row: int64 and string parts.
func EncodeCursor(parts ...any) string {
	b := make([]byte, 4, 64)
	for _, p := range parts {
		switch v := p.(type) {
		case int64:
			b = binary.AppendVarint(append(b, 'i'), v)
		case string:
			b = append(binary.AppendUvarint(append(b, 's'), uint64(len(v))), v...)
		default:
			panic(fmt.Sprintf("web: a cursor has int64 and string parts, not %T", p))
		}
	}
	binary.BigEndian.PutUint32(b, crc32.ChecksumIEEE(b[4:]))
	return base64.RawURLEncoding.EncodeToString(b)
}

// DecodeCursor reads a cursor into *int64 and *string parts. An empty cursor leaves them as they are, which is
// where the first page starts. What EncodeCursor did not make for the same parts is refused.
func DecodeCursor(cursor string, parts ...any) error {
	if cursor == "" {
		return nil
	}
	b, err := base64.RawURLEncoding.Strict().DecodeString(cursor)
	if err != nil || strings.ContainsAny(cursor, "\r\n") || len(b) < 4 || // the decoder passes over line ends
		binary.BigEndian.Uint32(b) != crc32.ChecksumIEEE(b[4:]) {
		return ErrCursor.New().At("cursor")
	}
	r := bytes.NewReader(b[4:])
	read := make([]func(), len(parts))
	for i, p := range parts {
		if read[i] = readPart(r, p); read[i] == nil {
			return ErrCursor.New().At("cursor")
		}
	}
	if r.Len() > 0 {
		return ErrCursor.New().At("cursor")
	}
	for _, set := range read {
		set()
	}
	return nil
}

// readPart reads one part and gives what sets it, nil when it is not of that type.
func readPart(r *bytes.Reader, part any) func() {
	kind, _ := r.ReadByte()
	switch p := part.(type) {
	case *int64:
		v, err := binary.ReadVarint(r)
		if kind != 'i' || err != nil {
			return nil
		}
		return func() { *p = v }
	case *string:
		n, err := binary.ReadUvarint(r)
		if kind != 's' || err != nil || n > uint64(r.Len()) {
			return nil
		}
		b := make([]byte, n)
		_, _ = r.Read(b)
		return func() { *p = string(b) }
	}
	panic(fmt.Sprintf("web: a cursor is read into *int64 and *string, not %T", part))
}
