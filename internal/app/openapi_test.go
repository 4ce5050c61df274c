package app

import (
	"bytes"
	"flag"
	"os"
	"testing"
)

var update = flag.Bool("update", false, "write the golden files")

// TestOpenAPIIsAsCheckedIn: the description is checked in, so that a change of the API is seen by whoever reviews it.
// Regenerate it with: go test ./internal/app -run OpenAPI -update
func TestOpenAPIIsAsCheckedIn(t *testing.T) {
	t.Parallel()
	const golden = "../../docs/api/openapi.yaml"
	got := openHouse(t).front.OpenAPI()
	if *update {
		if err := os.WriteFile(golden, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("the API is described in %d bytes, checked in are %d: regenerate with -update and look at the difference", len(got), len(want))
	}
}
