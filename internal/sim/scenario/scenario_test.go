package scenario

import (
	"context"
	"strings"
	"testing"
)

// TestScripts plays every script of the house, and doubts every value it expects.
func TestScripts(t *testing.T) {
	t.Parallel()
	all, err := All()
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range all {
		t.Run(strings.TrimSuffix(s.Name, ".txt"), func(t *testing.T) {
			t.Parallel()
			told, err := Run(context.Background(), s, Options{Dir: t.TempDir(), Doubt: true})
			if err != nil {
				t.Fatal(err)
			}
			for _, b := range told.Blind {
				t.Errorf("%s:%s may change without notice", s.Name, b)
			}
		})
	}
}
