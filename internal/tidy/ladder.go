// Package tidy is a test that reads the source tree. It holds what a compiler cannot: who may import whom,
// what never stands in a file (a wall clock, a float for money, SQL that only one engine reads), how long things may
// get, and that the documents name only what exists.
//
// Each check comes with planted violations; a check that misses its own plant fails, so none can go blind unnoticed.
// This file is the map of the house; to add a feature, add its rung here.
package tidy

// Floors of the house and, for each, the floors it may import besides itself. Arrows only point down.
// The emulator speaks as the outside world does, so it knows nothing of ours but the base.
var Floors = map[string][]string{
	"internal/base":     {},
	"internal/loyalty":  {"internal/base"},
	"internal/edge":     {"internal/base", "internal/loyalty"},
	"internal/emulator": {"internal/base"},
	"internal/app":      {"internal/base", "internal/loyalty", "internal/edge", "internal/emulator", "web"},
	"internal/sim":      {"internal/base", "internal/loyalty", "internal/edge", "internal/emulator", "internal/app"},
	"internal/bench":    {"internal/base", "internal/loyalty", "internal/edge", "internal/app"},
	"internal/tidy":     {},
	"cmd":               {"internal/base", "internal/loyalty", "internal/edge", "internal/emulator", "internal/app", "internal/sim", "internal/bench", "web"},
	"web":               {},
}

// Rungs are the features of internal/loyalty, the lowest first: a package imports only what stands before it here.
// The list is the map, not a to-do; a rung is built when something needs it.
var Rungs = []string{
	"shop", "staff", "member", "order", "ledger", "points", "benefit", "tier", "coupon", "profile", "segment",
	"risk", "reward", "earn", "payment", "plan", "mall", "campaign", "checkout", "message", "recognition", "track", "journey", "insight", "privacy", "centre",
}

// Ground are the leaves of internal/base in order: each imports only what stands before it here. The rest of base
// may import all of them.
var Ground = []string{"fault", "clock", "id", "money"}
