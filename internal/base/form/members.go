package form

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
)

// ErrNotObject says that the bytes are not exactly one JSON object.
var ErrNotObject = errors.New("form: not one JSON object")

// Member is one key of a JSON object with its unread value.
type Member struct {
	Key   string
	Value json.RawMessage
}

// Members reads one JSON object into its members, in order and with repeated keys kept,
// so that a strict reader can refuse what a map would silently drop.
func Members(object []byte) ([]Member, error) {
	dec := json.NewDecoder(bytes.NewReader(object))
	if open, err := dec.Token(); err != nil || open != json.Delim('{') {
		return nil, ErrNotObject
	}
	var out []Member
	for dec.More() {
		key, err := dec.Token()
		if err != nil {
			return nil, ErrNotObject
		}
		m := Member{Key: key.(string)}
		if err := dec.Decode(&m.Value); err != nil {
			return nil, ErrNotObject
		}
		out = append(out, m)
	}
	if _, err := dec.Token(); err != nil {
		return nil, ErrNotObject
	}
	if _, err := dec.Token(); err != io.EOF {
		return nil, ErrNotObject
	}
	return out, nil
}
