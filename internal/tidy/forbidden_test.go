package tidy

import (
	"go/ast"
	"go/token"
	"path"
	"strings"
)

// realWorld are the packages that turn the machine's clock and chance into ours, and those that measure or play with them.
var realWorld = []string{
	"internal/base/clock", "internal/base/id", "internal/base/vault", "internal/base/web", "internal/base/db",
	"internal/base/obs", "internal/base/job", "internal/sim", "internal/bench",
}

// mayUseRealWorld says whether the file is one of realWorld or the benchmark, which measures real time.
func mayUseRealWorld(s *source) bool {
	return s.under(realWorld...) || s.under("cmd/guanxi") && strings.HasPrefix(s.base(), "bench")
}

// The names that bring in the wall clock, chance, or a client without limits. Elsewhere the transaction gives the first two,
// and who calls outside is handed a client.
var forbiddenNames = map[string]string{
	"time.Now": "time", "time.Since": "time", "time.Until": "time", "time.Sleep": "time", "time.After": "time", "time.Tick": "time",
	"time.AfterFunc": "time", "time.NewTimer": "time", "time.NewTicker": "time",
	"net/http.DefaultClient": "network", "net/http.DefaultTransport": "network", "net/http.Get": "network", "net/http.Post": "network",
	"net/http.PostForm": "network", "net/http.Head": "network", "net/http.DefaultServeMux": "network", "net/http.HandleFunc": "network",
}

var forbiddenImports = map[string]string{"math/rand": "chance", "math/rand/v2": "chance", "crypto/rand": "chance"}

var remedy = map[string]string{
	"time":    "take the time from the Tx or an injected clock.Clock",
	"chance":  "take chance from the Tx or internal/base/id",
	"network": "take a client with limits",
}

var forbiddenCheck = check{
	name: "time, chance and the network come from where they can be steered",
	find: eachOurs(func(s *source) (found []string) {
		if mayUseRealWorld(s) {
			return nil
		}
		for _, imp := range s.ast.Imports {
			if kind := forbiddenImports[unquote(imp.Path.Value)]; kind != "" {
				found = append(found, s.at(imp.Pos(), "%s: %s", imp.Path.Value, remedy[kind]))
			}
		}
		for _, use := range qualified(s) {
			if kind := forbiddenNames[use.name]; kind != "" {
				found = append(found, s.at(use.pos, "%s: %s", use.name, remedy[kind]))
			}
		}
		return found
	}),
	plants: []plant{
		one("time.Now", "internal/loyalty/tier/x.go", `package tier; import "time"; var x = time.Now()`),
		one("time.Since", "internal/loyalty/tier/x.go", `package tier; import t "time"; func f(x t.Time) { t.Since(x) }`),
		one("time.Sleep", "cmd/guanxi/serve.go", `package main; import "time"; func f() { time.Sleep(1) }`),
		one("math/rand", "internal/app/x.go", `package app; import _ "math/rand/v2"`),
		one("crypto/rand", "internal/edge/pos/x.go", `package pos; import _ "crypto/rand"`),
		one("net/http.DefaultClient", "internal/edge/pos/x.go", `package pos; import "net/http"; var c = http.DefaultClient`),
		one("net/http.Get", "internal/edge/pos/x.go", `package pos; import "net/http"; func f() { http.Get("") }`),
		one("", "internal/base/clock/x.go", `package clock; import "time"; var x = time.Now()`),
		one("", "cmd/guanxi/bench.go", `package main; import "time"; var x = time.Now()`),
		one("", "internal/loyalty/tier/x_test.go", `package tier; import "time"; var x = time.Now()`),
		one("", "internal/loyalty/tier/x.go", `package tier; import "time"; var x = time.Millisecond; type T struct{ Now int }; func f(time T) { _ = time.Now }`),
	},
}

var initCheck = check{
	name: "nothing happens by being imported",
	find: eachOurs(func(s *source) (found []string) {
		for _, d := range s.ast.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && f.Recv == nil && f.Name.Name == "init" {
				found = append(found, s.at(f.Pos(), "init(): name it in one explicit list instead"))
			}
		}
		return found
	}),
	plants: []plant{
		one("init()", "internal/app/x.go", `package app; func init() {}`),
		one("", "internal/app/x.go", `package app; type T int; func (T) init() {}`),
	},
}

var printCheck = check{
	name: "only the commands print",
	find: eachOurs(func(s *source) (found []string) {
		if s.under("cmd", "internal/app", "internal/sim") {
			return nil
		}
		for _, use := range qualified(s) {
			if strings.HasPrefix(use.name, "fmt.Print") || strings.HasPrefix(use.name, "log.Print") || strings.HasPrefix(use.name, "log.Fatal") {
				found = append(found, s.at(use.pos, "%s: use the structured log", use.name))
			}
		}
		return found
	}),
	plants: []plant{
		one("fmt.Println", "internal/loyalty/tier/x.go", `package tier; import "fmt"; func f() { fmt.Println() }`),
		one("log.Fatal", "internal/edge/pos/x.go", `package pos; import "log"; func f() { log.Fatal() }`),
		one("", "cmd/guanxi/x.go", `package main; import "fmt"; func f() { fmt.Println() }`),
		one("", "internal/loyalty/tier/x.go", `package tier; import "fmt"; var s = fmt.Sprint(1)`),
	},
}

var panicCheck = check{
	name: "features return errors",
	find: eachOurs(func(s *source) (found []string) {
		if s.under("internal/base", "internal/sim") {
			return nil
		}
		for _, d := range s.ast.Decls {
			f, ok := d.(*ast.FuncDecl)
			if ok && strings.HasPrefix(strings.ToLower(f.Name.Name), "must") {
				continue
			}
			ast.Inspect(d, func(n ast.Node) bool {
				if call, ok := n.(*ast.CallExpr); ok {
					if id, ok := call.Fun.(*ast.Ident); ok && id.Name == "panic" {
						found = append(found, s.at(call.Pos(), "panic outside base and Must…: return an error"))
					}
				}
				return true
			})
		}
		return found
	}),
	plants: []plant{
		one("panic", "internal/loyalty/tier/x.go", `package tier; func f() { panic("") }`),
		one("panic", "internal/app/x.go", `package app; var f = func() { panic("") }`),
		one("", "internal/loyalty/tier/x.go", `package tier; func MustParse() { panic("") }`),
		one("", "internal/base/db/x.go", `package db; func f() { panic("") }`),
	},
}

// noFloats are the folders that count money, points and rows.
var noFloats = []string{"internal/loyalty", "internal/base/money", "internal/base/db", "internal/base/cond"}

// floatsAllowed are the files that need a fraction, each with the reason.
var floatsAllowed = map[string]string{}

var floatCheck = check{
	name: "no floats where value is counted",
	find: eachOurs(func(s *source) (found []string) {
		if !s.under(noFloats...) || floatsAllowed[s.path] != "" {
			return nil
		}
		ast.Inspect(s.ast, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.Ident:
				if n.Name == "float64" || n.Name == "float32" {
					found = append(found, s.at(n.Pos(), "%s: money is fen, points are int64, rates are money.Rate", n.Name))
				}
			case *ast.BasicLit:
				if n.Kind == token.FLOAT {
					found = append(found, s.at(n.Pos(), "%s is a float", n.Value))
				}
			case *ast.SelectorExpr:
				if n.Sel.Name == "ParseFloat" {
					found = append(found, s.at(n.Pos(), "ParseFloat: parse a decimal with internal/base/money"))
				}
			}
			return true
		})
		return found
	}),
	plants: []plant{
		one("float64", "internal/loyalty/points/x.go", `package points; var x float64`),
		one("float32", "internal/base/money/x.go", `package money; func f(x int) { _ = float32(x) }`),
		one("0.3 is a float", "internal/base/cond/x.go", `package cond; var x = 0.3`),
		one("ParseFloat", "internal/base/db/x.go", `package db; import "strconv"; var x, _ = strconv.ParseFloat("", 0)`),
		one("", "internal/base/obs/x.go", `package obs; var x float64`),
		one("", "internal/loyalty/points/x_test.go", `package points; var x float64`),
		one("", "internal/loyalty/points/x.go", `package points; var x = int64(3)`),
	},
}

// A use of a name of another package.
type use struct {
	name string // import path and name: net/http.Get
	pos  token.Pos
}

// qualified lists the names of other packages that a file uses, whatever it calls the package.
func qualified(s *source) (uses []use) {
	imports := map[string]string{}
	for _, imp := range s.ast.Imports {
		p := unquote(imp.Path.Value)
		local := path.Base(p)
		if imp.Name != nil {
			local = imp.Name.Name
		}
		imports[local] = p
	}
	ast.Inspect(s.ast, func(n ast.Node) bool {
		sel, ok := n.(*ast.SelectorExpr)
		if !ok {
			return true
		}
		id, ok := sel.X.(*ast.Ident)
		if !ok || id.Obj != nil || imports[id.Name] == "" { // a local variable may share the package's name
			return true
		}
		uses = append(uses, use{imports[id.Name] + "." + sel.Sel.Name, sel.Pos()})
		return true
	})
	return uses
}
