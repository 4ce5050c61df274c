package tidy

import (
	"fmt"
	"go/ast"
	"go/token"
	"slices"
	"strings"
	"testing"
)

// The limits. A function should take no more than a look, a file no more than a read, a package no more than an afternoon.
const (
	maxFunction = 80
	maxFile     = 700
	maxPackage  = 4000
)

var lengthCheck = check{
	name: "functions, files and packages stay short",
	find: func(tree []*source) (found []string) {
		lines, first := map[string]int{}, map[string]*source{}
		for _, s := range tree {
			if !s.isGo() || ast.IsGenerated(s.ast) {
				continue
			}
			for _, f := range functions(s) {
				if n := length(s, f); n > maxFunction {
					found = append(found, s.at(f.Pos(), "%s has %d lines, the limit is %d", f.Name.Name, n, maxFunction))
				}
			}
			n := strings.Count(s.text, "\n")
			if n > maxFile {
				found = append(found, fmt.Sprintf("%s: %d lines, the limit is %d", s.path, n, maxFile))
			}
			if !s.isTest() {
				lines[s.dir()] += n
				first[s.dir()] = s
			}
		}
		for dir, n := range lines {
			if n > maxPackage {
				found = append(found, fmt.Sprintf("%s: the package has %d lines, the limit is %d", dir, n, maxPackage))
			}
		}
		return found
	},
	plants: []plant{
		one("f has 82 lines", "internal/app/x.go", "package app\nfunc f() {\n"+strings.Repeat("f()\n", 80)+"}"),
		one("f has 82 lines", "internal/app/x_test.go", "package app\nfunc f() {\n"+strings.Repeat("f()\n", 80)+"}"),
		one("f has 86 lines", "internal/app/x.go", "package app\nvar x = 1\nfunc f() {\n_ = []func(){\nfunc() {\n"+strings.Repeat("f()\n", 80)+"},\n}\n}"),
		one("x.go: 702 lines", "internal/app/x.go", "package app\n"+strings.Repeat("var _ = 1\n", 701)),
		{"the package has 4200 lines", long("app", 6)},
		one("", "internal/app/x.go", "package app\nfunc f() {\n_ = []int{\n"+strings.Repeat("1,\n", 100)+"}\n}"),
		{"", long("app", 5)},
	},
}

// long is a package of n files that are as long as they may be.
func long(name string, n int) map[string]string {
	files := map[string]string{}
	for i := range n {
		files[fmt.Sprintf("internal/%s/x%d.go", name, i)] = "package " + name + "\n" + strings.Repeat("\n", maxFile-1)
	}
	return files
}

func functions(s *source) (out []*ast.FuncDecl) {
	for _, d := range s.ast.Decls {
		if f, ok := d.(*ast.FuncDecl); ok && f.Body != nil {
			out = append(out, f)
		}
	}
	return out
}

func span(s *source, n ast.Node) int {
	return s.fset.Position(n.End()).Line - s.fset.Position(n.Pos()).Line + 1
}

// length counts the lines of a function without its tables: slices and maps written out, though not the functions in them.
func length(s *source, f *ast.FuncDecl) int {
	n := s.fset.Position(f.End()).Line - s.fset.Position(f.Type.Pos()).Line + 1
	inTable := false
	var walk func(ast.Node) bool
	walk = func(node ast.Node) bool {
		switch node := node.(type) {
		case *ast.CompositeLit:
			if !inTable && isTable(node) {
				inTable = true
				n -= max(span(s, node)-2, 0) // its first and last line count
				for _, e := range node.Elts {
					ast.Inspect(e, walk)
				}
				inTable = false
				return false
			}
		case *ast.FuncLit:
			if inTable {
				n += span(s, node)
				return false
			}
		}
		return true
	}
	ast.Inspect(f.Body, walk)
	return n
}

func isTable(lit *ast.CompositeLit) bool {
	switch lit.Type.(type) {
	case *ast.ArrayType, *ast.MapType:
		return true
	}
	return false
}

// TestSizesInFigures prints what the limits are about: most functions should be far below them.
func TestSizesInFigures(t *testing.T) {
	t.Parallel()
	var lengths []int
	code, tests, files := 0, 0, 0
	for _, s := range theTree(t) {
		switch {
		case s.isOurs():
			files++
			code += strings.Count(s.text, "\n")
			for _, f := range functions(s) {
				lengths = append(lengths, length(s, f))
			}
		case s.isTest():
			tests += strings.Count(s.text, "\n")
		}
	}
	if len(lengths) == 0 {
		t.Fatal("no function found: is this the repository?")
	}
	slices.Sort(lengths)
	at := func(percent int) int { return lengths[min(len(lengths)*percent/100, len(lengths)-1)] }
	fmt.Printf("%d lines of Go in %d files, %d lines of tests; %d functions: median %d lines, p95 %d, longest %d\n",
		code, files, tests, len(lengths), at(50), at(95), at(100))
}

var commentCheck = check{
	name: "exported names of base and loyalty say what they are",
	find: eachOurs(func(s *source) (found []string) {
		if !s.under("internal/base", "internal/loyalty") || s.ast.Name.Name == "main" {
			return nil
		}
		for _, d := range s.ast.Decls {
			for _, id := range undocumented(d) {
				found = append(found, s.at(id.Pos(), "%s has no comment", id.Name))
			}
		}
		return found
	}),
	plants: []plant{
		one("F has no comment", "internal/base/db/x.go", "package db\nfunc F() {}"),
		one("M has no comment", "internal/base/db/x.go", "package db\n// T is.\ntype T int\nfunc (*T) M() {}"),
		one("T has no comment", "internal/loyalty/tier/x.go", "package tier\ntype T int"),
		one("V has no comment", "internal/loyalty/tier/x.go", "package tier\nvar V = 1"),
		one("", "internal/loyalty/tier/x.go", "package tier\n// The classes.\nconst (\nA = 1\nB = 2\n)\n// F does.\nfunc F() {}\ntype t int\nfunc (t) String() string { return `` }\nvar (\nC = 1 // c\n)"),
		one("", "internal/edge/pos/x.go", "package pos\nfunc F() {}"),
	},
}

// undocumented lists the exported names of a declaration that no comment speaks of; one comment over a group is enough.
func undocumented(d ast.Decl) (ids []*ast.Ident) {
	switch d := d.(type) {
	case *ast.FuncDecl:
		if d.Doc == nil && d.Name.IsExported() && (d.Recv == nil || exportedReceiver(d.Recv)) {
			ids = append(ids, d.Name)
		}
	case *ast.GenDecl:
		if d.Doc != nil || d.Tok == token.IMPORT {
			return nil
		}
		for _, spec := range d.Specs {
			switch spec := spec.(type) {
			case *ast.TypeSpec:
				if spec.Doc == nil && spec.Comment == nil && spec.Name.IsExported() {
					ids = append(ids, spec.Name)
				}
			case *ast.ValueSpec:
				if spec.Doc == nil && spec.Comment == nil && spec.Names[0].IsExported() {
					ids = append(ids, spec.Names[0])
				}
			}
		}
	}
	return ids
}

func exportedReceiver(list *ast.FieldList) bool {
	exported := false
	ast.Inspect(list.List[0].Type, func(n ast.Node) bool {
		if id, ok := n.(*ast.Ident); ok && !exported {
			exported = id.IsExported()
			return false
		}
		return true
	})
	return exported
}
