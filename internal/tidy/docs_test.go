package tidy

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"
)

var (
	namedPath = regexp.MustCompile(`(?:^|[^/\w])((?:internal|cmd|docs|web|\.ci)/[A-Za-z0-9_./{},-]*)`)
	link      = regexp.MustCompile(`\]\(([^)\s#]+)[^)]*\)`)
)

// isDocument says whether the file is prose of ours. A changelog speaks of what once was.
func isDocument(s *source) bool {
	return strings.HasSuffix(s.path, ".md") && s.path != "CHANGELOG.md" && (s.under("docs") || s.dir() == ".")
}

// known collects every file and folder of the tree; the floors count, for the map may name one before it is built.
func known(tree []*source) map[string]bool {
	paths := map[string]bool{}
	for _, s := range tree {
		for p := s.path; p != "."; p = path.Dir(p) {
			paths[p] = true
		}
	}
	for floor := range Floors {
		paths[floor] = true
	}
	return paths
}

var pathCheck = check{
	name: "documents name what exists",
	find: func(tree []*source) (found []string) {
		exists := known(tree)
		for _, s := range tree {
			if !isDocument(s) {
				continue
			}
			for i, line := range strings.Split(s.text, "\n") {
				for _, said := range namedPath.FindAllStringSubmatch(line, -1) {
					for _, p := range spread(said[1]) {
						if p = strings.TrimRight(p, "/.,"); !exists[p] {
							found = append(found, fmt.Sprintf("%s:%d: there is no %s", s.path, i+1, p))
						}
					}
				}
			}
		}
		return found
	},
	plants: []plant{
		one("there is no internal/base/nothing", "docs/x.md", "see `internal/base/nothing`."),
		one("there is no docs/y.md", "README.md", "[y](docs/y.md)"),
		{"there is no internal/base/b", map[string]string{"docs/x.md": "in `internal/base/{a,b}`", "internal/base/a/a.go": "package a"}},
		{"", map[string]string{"docs/x.md": "`internal/base/a/`, `internal/base/{a}/a.go`, internal/app.", "internal/base/a/a.go": "package a"}},
		one("", "CHANGELOG.md", "internal/base/nothing is gone"),
		one("", "README.md", "open http://localhost/docs/api or /docs/api"),
	},
}

// spread writes out one pair of braces: a/{b,c} is a/b and a/c.
func spread(p string) []string {
	before, rest, ok := strings.Cut(p, "{")
	if !ok {
		return []string{p}
	}
	list, after, ok := strings.Cut(rest, "}")
	if !ok {
		return []string{before}
	}
	var out []string
	for name := range strings.SplitSeq(list, ",") {
		out = append(out, before+strings.TrimSpace(name)+after)
	}
	return out
}

var linkCheck = check{
	name: "links between documents lead somewhere",
	find: func(tree []*source) (found []string) {
		exists := known(tree)
		for _, s := range tree {
			if !isDocument(s) {
				continue
			}
			for _, m := range link.FindAllStringSubmatch(s.text, -1) {
				if !strings.Contains(m[1], ":") && !exists[path.Join(s.dir(), m[1])] {
					found = append(found, fmt.Sprintf("%s: the link %s leads nowhere", s.path, m[1]))
				}
			}
		}
		return found
	},
	plants: []plant{
		one("leads nowhere", "docs/x.md", "[y](y.md)"),
		{"", map[string]string{"docs/a/x.md": "[y](../y.md#part) [web](https://example.org)", "docs/y.md": ""}},
	},
}

// dependencyCheck holds that whoever brings a library says why, and that nobody keeps one that is gone.
var dependencyCheck = check{
	name: "each library has its reason",
	find: func(tree []*source) (found []string) {
		var reasons string
		var modules []string
		for _, s := range tree {
			switch s.path {
			case "docs/decisions/dependencies.md":
				reasons = s.text
			case "go.mod":
				modules = required(s.text)
			}
		}
		for _, m := range direct(tree, modules) {
			if !strings.Contains(reasons, "`"+m+"`") {
				found = append(found, m+" is imported and has no line in docs/decisions/dependencies.md")
			}
		}
		for _, m := range listed.FindAllStringSubmatch(reasons, -1) {
			if !slices.Contains(modules, m[1]) {
				found = append(found, m[1]+" stands in docs/decisions/dependencies.md and not in go.mod")
			}
		}
		return found
	},
	plants: []plant{
		{"has no line", map[string]string{"go.mod": "require (\n\ta.org/b v1.0.0\n)", "cmd/x.go": "package main\nimport _ `a.org/b/c`"}},
		{"not in go.mod", map[string]string{"go.mod": "", "docs/decisions/dependencies.md": "| `a.org/b` | why |"}},
		{"", map[string]string{
			"go.mod": "require (\n\ta.org/b v1.0.0 // indirect\n\ta.org/d v1.0.0 // indirect\n)", "cmd/x.go": "package main\nimport _ `a.org/b/c`",
			"docs/decisions/dependencies.md": "| `a.org/b` | why |",
		}},
	},
}

var (
	requirement = regexp.MustCompile(`(?m)^\s*(?:require )?([a-z0-9.-]+\.[a-z]+/\S+) v`)
	listed      = regexp.MustCompile("(?m)^\\| `([^`]+)`")
)

// required lists the modules of a go.mod.
func required(mod string) (modules []string) {
	for _, m := range requirement.FindAllStringSubmatch(mod, -1) {
		modules = append(modules, m[1])
	}
	return modules
}

// direct lists the modules that our own files import.
func direct(tree []*source, modules []string) (out []string) {
	for _, s := range tree {
		if !s.isGo() {
			continue
		}
		for _, imp := range s.ast.Imports {
			p := unquote(imp.Path.Value)
			for _, m := range modules {
				if (p == m || strings.HasPrefix(p, m+"/")) && !slices.Contains(out, m) {
					out = append(out, m)
				}
			}
		}
	}
	return out
}

var rungMark = regexp.MustCompile("(?m)^\\| (●|○) \\| `(\\w+)`")

// ladderCheck holds that the map in the architecture shows the ladder as it is built.
var ladderCheck = check{
	name: "the ladder in the architecture is the ladder",
	find: func(tree []*source) (found []string) {
		built := known(tree)
		for _, s := range tree {
			if s.path != "docs/architecture.md" {
				continue
			}
			var rungs []string
			for _, m := range rungMark.FindAllStringSubmatch(s.text, -1) {
				rungs = append(rungs, m[2])
				if is := built["internal/loyalty/"+m[2]]; is != (m[1] == "●") {
					found = append(found, fmt.Sprintf("%s: the mark of %s says built: %v, but it is %v", s.path, m[2], !is, is))
				}
			}
			if !slices.Equal(rungs, Rungs) {
				found = append(found, s.path+": the ladder differs from internal/tidy/ladder.go")
			}
		}
		return found
	},
	plants: []plant{
		{"the mark of shop says built: true", map[string]string{"docs/architecture.md": ladderTable("●")}},
		{"the mark of shop says built: false", map[string]string{"docs/architecture.md": ladderTable("○"), "internal/loyalty/shop/x.go": "package shop"}},
		{"differs", map[string]string{"docs/architecture.md": "| ○ | `staff` |"}},
		{"", map[string]string{"docs/architecture.md": ladderTable("●"), "internal/loyalty/shop/x.go": "package shop"}},
	},
}

// ladderTable is the whole ladder with the given mark on its first rung and no other rung built.
func ladderTable(first string) string {
	var b strings.Builder
	for i, rung := range Rungs {
		mark := "○"
		if i == 0 {
			mark = first
		}
		fmt.Fprintf(&b, "| %s | `%s` |\n", mark, rung)
	}
	return b.String()
}
