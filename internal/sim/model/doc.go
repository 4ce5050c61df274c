// Package model holds the ledger against a model of it.
//
// Book is a ledger as a person would keep it on paper: lists of lots, holds and rows, and loops over them. It knows the
// rules of the ledger's package doc and nothing of its code. It works on time at once, where the ledger waits until
// somebody looks; what both show must be the same at every instant.
//
// Drive takes random steps on both, on a real database, several functions a commit as the lane does it, some of
// them refused, and compares after every step. A seed and a step number repeat a run exactly.
package model
