// Package tamper edits a ledger behind its back and asks it which row is wrong.
//
// The edits are those of somebody with the database file in hand: a column changed, a row removed, added or swapped
// with another, and an entry rewritten together with everything of its account that depends on it.
package tamper
