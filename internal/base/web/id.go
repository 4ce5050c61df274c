package web

import (
	"errors"

	"github.com/danielgtaylor/huma/v2"

	"guanxi/internal/base/id"
)

// ID is an id as callers see it: decimal text, because JavaScript's numbers lose the last digits of 63 bits.
// It stands in bodies, paths and queries; a list of ids belongs in a body.
type ID int64

var errNoID = errors.New("not an id")

// MarshalJSON writes the id as text.
func (v ID) MarshalJSON() ([]byte, error) { return []byte(`"` + id.String(int64(v)) + `"`), nil }

// UnmarshalJSON reads the text form only: a number may have been rounded on its way.
func (v *ID) UnmarshalJSON(b []byte) error {
	if len(b) < 2 || b[0] != '"' || b[len(b)-1] != '"' {
		return errNoID
	}
	n, ok := id.Parse(string(b[1 : len(b)-1]))
	if !ok {
		return errNoID
	}
	*v = ID(n)
	return nil
}

// String is the decimal text.
func (v ID) String() string { return id.String(int64(v)) }

const idFormat = "id"

// Schema describes the text form.
func (ID) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: huma.TypeString, Format: idFormat, Pattern: "^[1-9][0-9]{0,18}$", Examples: []any{"288230376151711744"}}
}

// splitIDParams lets ids stand in paths and queries. There huma has parsed the text into a number before it
// validates, so the schema it validates with must be a number's; the one it documents stays text.
func splitIDParams(_ *huma.OpenAPI, op *huma.Operation) {
	for _, p := range op.Parameters {
		if p.Schema == nil {
			continue
		}
		if p.Schema.Items != nil && p.Schema.Items.Format == idFormat {
			panic("web: " + op.OperationID + ": a list of ids belongs in a body")
		}
		if p.Schema.Format != idFormat {
			continue
		}
		documented, one := *p.Schema, 1.0
		*p.Schema = huma.Schema{Type: huma.TypeInteger, Minimum: &one}
		p.Schema.PrecomputeMessages()
		p.Schema = &documented
	}
}

// JSON is a value handed on as it is.
type JSON string

// MarshalJSON gives the text itself.
func (j JSON) MarshalJSON() ([]byte, error) { return []byte(j), nil }

// UnmarshalJSON takes the text itself: whoever it is for reads it.
func (j *JSON) UnmarshalJSON(b []byte) error { *j = JSON(b); return nil }

// Schema allows any value.
func (JSON) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Description: "任意 JSON|any JSON"}
}
