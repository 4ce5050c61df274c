package tidy

import (
	"go/ast"
	"regexp"
	"slices"
	"strings"
	"unicode"
)

var (
	codeForm = regexp.MustCompile(`^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)*$`)
	hole     = regexp.MustCompile(`\{(\w+)\}`)
)

// faultCheck holds what callers build upon: a code means one thing, and there is a sentence in both languages.
var faultCheck = check{
	name: "failures have one code and two languages",
	find: func(tree []*source) (found []string) {
		seen := map[string]string{}
		for _, s := range tree {
			if !s.isOurs() || s.under("internal/base/fault") {
				continue
			}
			ast.Inspect(s.ast, func(n ast.Node) bool {
				call, ok := n.(*ast.CallExpr)
				if !ok || !isDefine(call) {
					return true
				}
				code, why := faultOf(call)
				if why == "" && seen[code] != "" {
					why = code + " is defined in " + seen[code] + " too"
				}
				seen[code] = s.path
				if why != "" {
					found = append(found, s.at(call.Pos(), "%s", why))
				}
				return true
			})
		}
		return found
	},
	plants: []plant{
		{"is defined in", map[string]string{
			"internal/loyalty/tier/a.go":   "package tier\nvar E = fault.Define(`x.y`, fault.Invalid, `错误`, `wrong`)",
			"internal/loyalty/coupon/b.go": "package coupon\nvar E = fault.Define(`x.y`, fault.Invalid, `错误`, `wrong`)",
		}},
		one("needs a Chinese sentence", "internal/loyalty/tier/a.go", "package tier\nvar E = fault.Define(`x.y`, fault.Invalid, `wrong`, `wrong`)"),
		one("needs an English sentence", "internal/loyalty/tier/a.go", "package tier\nvar E = fault.Define(`x.y`, fault.Invalid, `错误`, ``)"),
		one("needs an English sentence", "internal/loyalty/tier/a.go", "package tier\nvar E = fault.Define(`x.y`, fault.Invalid, `错误`, `错误`)"),
		one("same holes", "internal/loyalty/tier/a.go", "package tier\nvar E = fault.Define(`x.y`, fault.Invalid, `错误 {n}`, `wrong {m}`)"),
		one("noun.reason", "internal/loyalty/tier/a.go", "package tier\nvar E = fault.Define(`X Y`, fault.Invalid, `错误`, `wrong`)"),
		one("written out", "internal/loyalty/tier/a.go", "package tier\nvar E = fault.Define(code, fault.Invalid, `错误`, `wrong`)"),
		one("", "internal/loyalty/tier/a.go", "package tier\nvar E = fault.Define(`x.y`, fault.Invalid, `错误` + ` {n}`, `wrong {n}`)"),
	},
}

func isDefine(call *ast.CallExpr) bool {
	sel, ok := call.Fun.(*ast.SelectorExpr)
	if !ok || sel.Sel.Name != "Define" || len(call.Args) != 4 {
		return false
	}
	id, ok := sel.X.(*ast.Ident)
	return ok && id.Name == "fault"
}

// faultOf gives the code of a definition and what is wrong with it.
func faultOf(call *ast.CallExpr) (code, why string) {
	code, a := joined(call.Args[0])
	zh, b := joined(call.Args[2])
	en, c := joined(call.Args[3])
	han := func(s string) bool {
		return strings.ContainsFunc(s, func(r rune) bool { return unicode.Is(unicode.Han, r) })
	}
	switch {
	case !a || !b || !c:
		return code, "code and sentences are written out, so that they can be searched for"
	case !codeForm.MatchString(code):
		return code, code + ": a code reads noun.reason"
	case !han(zh):
		return code, code + " needs a Chinese sentence"
	case strings.TrimSpace(en) == "" || han(en):
		return code, code + " needs an English sentence"
	case !slices.Equal(holes(zh), holes(en)):
		return code, code + ": both sentences need the same holes"
	}
	return code, ""
}

func holes(s string) (names []string) {
	for _, m := range hole.FindAllStringSubmatch(s, -1) {
		names = append(names, m[1])
	}
	slices.Sort(names)
	return slices.Compact(names)
}
