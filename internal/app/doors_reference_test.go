package app

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

// schema is what this test reads of the reference.
type schema struct {
	Properties  map[string]schema
	Description string
	Ref         string `json:"$ref"`
}

func TestEveryFieldIsExplainedInBothLanguages(t *testing.T) {
	t.Parallel()
	w := open(t)
	var api struct {
		Paths map[string]map[string]struct {
			OperationID string
			Parameters  []struct{ Name, Description string }
		}
		Components struct{ Schemas map[string]schema }
	}
	if err := json.Unmarshal([]byte((&caller{town: w}).get("/docs/api/openapi.json").body), &api); err != nil {
		t.Fatal(err)
	}
	routes := 0
	for path, methods := range api.Paths {
		for method, op := range methods {
			routes++
			for _, p := range op.Parameters {
				both(t, fmt.Sprint(method, " ", path, " ", p.Name), p.Description)
			}
		}
	}
	for name, s := range api.Components.Schemas {
		for field, p := range s.Properties {
			if p.Ref == "" {
				both(t, name+"."+field, p.Description)
			}
		}
	}
	if routes < 35 {
		t.Errorf("only %d routes in the reference", routes)
	}
}

func both(t *testing.T, what, text string) {
	t.Helper()
	zh, en, _ := strings.Cut(text, "|")
	if zh == "" || en == "" {
		t.Errorf("%s is explained by %q", what, text)
	}
}
