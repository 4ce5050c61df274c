// Package town is a simulated town beside a model of it: members join, buy, pay with points, return, merge and leave for
// years of simulated days, against the real program on a real database.
//
// Town makes things happen, all from one seed: late, repeated and out-of-order deliveries, refunds before their order,
// holds that run out, rules and rates that change, days on which no job ran, clocks that jump, and programs that are
// killed between any two steps. Everything it does goes through the services the doors use.
//
// Book is the programme as a person would keep it on paper: plain maps and loops, written from the rules of the house and
// without the features' code. After each simulated day it is held against the program: balances, lots with their
// expiry, tiers with their history and warnings, each order's awards. Nothing may differ.
//
// A seed repeats a run exactly; Fingerprint proves it. A checker that can't fail proves nothing, so Faults names mistakes
// that can be planted in the book, and the tests demand that each is found.
package town
