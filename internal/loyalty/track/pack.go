package track

import (
	"encoding/base64"
	"encoding/binary"
	"errors"
	"slices"
)

// A batch is packed as: per event the number (delta), kind, page, time (delta), dwell, and the length and bytes of the target. Ten to fifteen bytes an event.

func pack(events []Event) string {
	b := make([]byte, 0, 16*len(events))
	var n, at int64
	for _, e := range events {
		b = binary.AppendVarint(b, e.N-n)
		b = append(b, byte(slices.Index(Kinds, e.Kind)), byte(slices.Index(Pages, e.Page)))
		b = binary.AppendVarint(b, e.At-at)
		b = binary.AppendVarint(b, e.MS)
		b = append(binary.AppendUvarint(b, uint64(len(e.Target))), e.Target...)
		n, at = e.N, e.At
	}
	return base64.RawStdEncoding.EncodeToString(b)
}

var errPacked = errors.New("track: a batch can't be read")

func unpack(text string) (out []Event, err error) {
	b, err := base64.RawStdEncoding.DecodeString(text)
	if err != nil {
		return nil, errPacked
	}
	varint := func() int64 {
		v, n := binary.Varint(b)
		if n <= 0 {
			err = errPacked
			return 0
		}
		b = b[n:]
		return v
	}
	var e Event
	for len(b) > 0 && err == nil {
		e.N += varint()
		if err != nil || len(b) < 2 || int(b[0]) >= len(Kinds) || int(b[1]) >= len(Pages) {
			return nil, errPacked
		}
		e.Kind, e.Page = Kinds[b[0]], Pages[b[1]]
		b = b[2:]
		e.At += varint()
		e.MS = varint()
		size, n := binary.Uvarint(b)
		if err != nil || n <= 0 || size > uint64(len(b)-n) {
			return nil, errPacked
		}
		e.Target = string(b[n : n+int(size)])
		b = b[n+int(size):]
		out = append(out, e)
	}
	return out, err
}
