package tidy

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// A source is one file of the tree; only Go files have a syntax tree.
type source struct {
	path string // from the root of the repository, with slashes
	text string
	fset *token.FileSet
	ast  *ast.File
}

func (s *source) dir() string  { return path.Dir(s.path) }
func (s *source) base() string { return path.Base(s.path) }
func (s *source) isTest() bool { return strings.HasSuffix(s.path, "_test.go") }
func (s *source) isGo() bool   { return s.ast != nil }

// isOurs says whether a person wrote it and the product runs it.
func (s *source) isOurs() bool { return s.isGo() && !s.isTest() && !ast.IsGenerated(s.ast) }

// under says whether the file lies in one of the folders.
func (s *source) under(folders ...string) bool {
	for _, f := range folders {
		if s.dir() == f || strings.HasPrefix(s.path, f+"/") {
			return true
		}
	}
	return false
}

// at makes a finding: where, and what is wrong.
func (s *source) at(pos token.Pos, format string, args ...any) string {
	return fmt.Sprintf("%s:%d: %s", s.path, s.fset.Position(pos).Line, fmt.Sprintf(format, args...))
}

// parse makes a source of a text.
func parse(name, text string) (*source, error) {
	s := &source{path: name, text: text, fset: token.NewFileSet()}
	if !strings.HasSuffix(name, ".go") {
		return s, nil
	}
	file, err := parser.ParseFile(s.fset, name, text, parser.ParseComments)
	s.ast = file
	return s, err
}

// skipped folders hold what builds, runs and other people's tools leave behind.
var skipped = map[string]bool{
	".git": true, ".tools": true, "bin": true, "data": true, "node_modules": true, "dist": true, "testdata": true, "vendor": true,
}

// read loads the tree below root. Of files that no check reads, only the name is kept.
func read(root string) ([]*source, error) {
	var tree []*source
	err := filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if name != root && skipped[d.Name()] {
				return filepath.SkipDir
			}
			return nil
		}
		rel, err := filepath.Rel(root, name)
		if err != nil {
			return err
		}
		s, err := readFile(name, filepath.ToSlash(rel))
		tree = append(tree, s)
		return err
	})
	return tree, err
}

func readFile(name, rel string) (*source, error) {
	switch path.Ext(rel) {
	case ".go", ".sql", ".md", ".mod":
		text, err := os.ReadFile(name)
		if err != nil {
			return nil, err
		}
		return parse(rel, string(text))
	}
	return &source{path: rel}, nil
}

// repository is read once for all tests.
var repository = sync.OnceValues(func() ([]*source, error) { return read("../..") })

func theTree(t *testing.T) []*source {
	t.Helper()
	tree, err := repository()
	if err != nil {
		t.Fatal(err)
	}
	return tree
}
