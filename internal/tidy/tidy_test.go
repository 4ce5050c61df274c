package tidy

import (
	"sort"
	"strings"
	"testing"
)

// A check reads a tree and says what is wrong with it, a line a finding.
type check struct {
	name   string
	find   func(tree []*source) []string
	plants []plant
}

// A plant is a small tree. Where want is empty the check must keep quiet about it, else exactly one finding must contain want.
type plant struct {
	want  string
	files map[string]string
}

// one is a plant of a single file.
func one(want, path, text string) plant { return plant{want, map[string]string{path: text}} }

var checks = []check{
	layerCheck, forbiddenCheck, initCheck, printCheck, panicCheck, floatCheck,
	sqlCheck, schemaCheck, sqlPlaceCheck,
	lengthCheck, commentCheck, faultCheck,
	pathCheck, linkCheck, dependencyCheck, ladderCheck,
}

// TestTree holds every rule against the repository.
func TestTree(t *testing.T) {
	t.Parallel()
	tree := theTree(t)
	for _, c := range checks {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			findings := c.find(tree)
			sort.Strings(findings)
			for _, f := range findings {
				t.Error(f)
			}
		})
	}
}

// TestPlants proves that every rule can be broken, and that it keeps quiet about what is right.
func TestPlants(t *testing.T) {
	t.Parallel()
	for _, c := range checks {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			guilty, innocent := 0, 0
			for _, p := range c.plants {
				holdPlant(t, c, p)
				if p.want == "" {
					innocent++
				} else {
					guilty++
				}
			}
			if guilty == 0 || innocent == 0 {
				t.Errorf("%d plants that break the rule and %d that keep it: both are needed", guilty, innocent)
			}
		})
	}
}

func holdPlant(t *testing.T, c check, p plant) {
	t.Helper()
	var tree []*source
	for name, text := range p.files {
		s, err := parse(name, text)
		if err != nil {
			t.Fatalf("plant %s: %v", name, err)
		}
		tree = append(tree, s)
	}
	findings := c.find(tree)
	switch {
	case p.want == "" && len(findings) > 0:
		t.Errorf("innocent, but found %q", findings)
	case p.want != "" && (len(findings) != 1 || !strings.Contains(findings[0], p.want)):
		t.Errorf("want one finding with %q, got %q", p.want, findings)
	}
}
