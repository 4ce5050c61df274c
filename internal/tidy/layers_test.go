package tidy

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

const module = "guanxi"

var layerCheck = check{
	name: "imports point down",
	find: eachGo(func(s *source) (found []string) {
		for _, imp := range s.ast.Imports {
			to, ours := strings.CutPrefix(unquote(imp.Path.Value), module+"/")
			if !ours {
				continue
			}
			if why := mayNotImport(s.dir(), to, s.isTest()); why != "" {
				found = append(found, s.at(imp.Pos(), "%s", why))
			}
		}
		if rung := below(s.dir(), "internal/loyalty"); rung != "" && !slices.Contains(Rungs, rung) {
			found = append(found, s.at(s.ast.Pos(), "%s is on no rung of the ladder: add it to internal/tidy/ladder.go", rung))
		}
		return found
	}),
	plants: []plant{
		one("internal/base may not import internal/loyalty", "internal/base/db/x.go", `package db; import _ "guanxi/internal/loyalty/member"`),
		one("ledger stands below tier", "internal/loyalty/ledger/x.go", `package ledger; import _ "guanxi/internal/loyalty/tier"`),
		one("internal/loyalty may not import internal/edge", "internal/loyalty/order/x.go", `package order; import _ "guanxi/internal/edge/pos"`),
		one("internal/edge may not import internal/app", "internal/edge/pos/x.go", `package pos; import _ "guanxi/internal/app"`),
		one("internal/emulator may not import internal/loyalty", "internal/emulator/x.go", `package emulator; import _ "guanxi/internal/loyalty/member"`),
		one("fault may not import id", "internal/base/fault/x.go", `package fault; import _ "guanxi/internal/base/id"`),
		one("fault may not import db", "internal/base/fault/x.go", `package fault; import _ "guanxi/internal/base/db"`),
		one("is on no rung", "internal/loyalty/gadget/x.go", `package gadget`),
		one("is on no floor", "internal/base/db/x.go", `package db; import _ "guanxi/internal/utils"`),
		one("internal/loyalty may not import internal/emulator", "internal/loyalty/order/x_test.go", `package order; import _ "guanxi/internal/emulator"`),
		one("", "internal/edge/pos/x_test.go", `package pos; import _ "guanxi/internal/emulator"`),
		one("", "internal/loyalty/tier/x.go", `package tier; import (_ "guanxi/internal/loyalty/ledger"; _ "guanxi/internal/base/db"; _ "fmt")`),
		one("", "internal/base/money/x.go", `package money; import _ "guanxi/internal/base/fault"`),
		one("", "cmd/guanxi/x.go", `package main; import _ "guanxi/internal/app"`),
	},
}

// mayNotImport says why the package from may not import the package to, "" where it may.
func mayNotImport(from, to string, test bool) string {
	floor, target := floorOf(from), floorOf(to)
	if floor == "" {
		return fmt.Sprintf("%s is on no floor: see internal/tidy/ladder.go", from)
	}
	if target == "" {
		return fmt.Sprintf("%s is on no floor: see internal/tidy/ladder.go", to)
	}
	if floor != target {
		tried := test && floor == "internal/edge" && target == "internal/emulator" // what it is tried against
		if tried || slices.Contains(Floors[floor], target) {
			return ""
		}
		return fmt.Sprintf("%s may not import %s", floor, target)
	}
	here, there := below(from, floor), below(to, floor)
	switch floor {
	case "internal/loyalty":
		return notUp(Rungs, here, there)
	case "internal/base":
		return notOffGround(here, there)
	}
	return ""
}

// notUp holds the ladder: here imports only what stands before it.
func notUp(rungs []string, here, there string) string {
	i, j := slices.Index(rungs, here), slices.Index(rungs, there)
	if i >= 0 && j > i {
		return fmt.Sprintf("%s stands below %s on the ladder and may not import it: emit a fact instead", here, there)
	}
	return ""
}

// notOffGround holds the leaves of base.
func notOffGround(here, there string) string {
	i, j := slices.Index(Ground, here), slices.Index(Ground, there)
	if i >= 0 && here != there && (j < 0 || j > i) {
		return fmt.Sprintf("%s may not import %s: it is at the bottom of base", here, there)
	}
	return ""
}

// floorOf gives the floor a package stands on, "" when none.
func floorOf(dir string) string {
	for floor := range Floors {
		if dir == floor || strings.HasPrefix(dir, floor+"/") {
			return floor
		}
	}
	return ""
}

// below gives the first folder of dir below floor: "db" of internal/base/db/dbtest.
func below(dir, floor string) string {
	rest, ok := strings.CutPrefix(dir, floor+"/")
	if !ok {
		return ""
	}
	first, _, _ := strings.Cut(rest, "/")
	return first
}

func unquote(s string) string {
	plain, err := strconv.Unquote(s)
	if err != nil {
		return s
	}
	return plain
}

// eachGo makes a check of a function over one Go file.
func eachGo(find func(*source) []string) func([]*source) []string {
	return func(tree []*source) (found []string) {
		for _, s := range tree {
			if s.isGo() {
				found = append(found, find(s)...)
			}
		}
		return found
	}
}

// eachOurs is eachGo without tests and generated code.
func eachOurs(find func(*source) []string) func([]*source) []string {
	return eachGo(func(s *source) []string {
		if !s.isOurs() {
			return nil
		}
		return find(s)
	})
}
