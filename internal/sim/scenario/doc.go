// Package scenario tells the promises of the programme as stories, one text file a promise, and holds the real program to them:
// each story is played on an installation of its own, with a clock that only the story moves.
//
// The files in scripts are written for whoever runs the programme. The first line says what is promised; what stands after
// # is for people; every other line is one sentence. Numbered scripts belong to the domain ruling of that number, the
// others to the requirement of that name (p05 is P5).
//
//	# 退款扣回：积分已花掉时记欠分
//	no rules
//	rule "每元" per_yuan points 1 tier_multiplier no floating no
//	member anna
//	at 2026-03-01 10:00
//	order A1 anna 100.00
//	spend anna 80
//	refund A1 all
//	expect anna points -80 available 0 debt 80
//	expect why A1 "每元" given 100 clawed 100
//
// Points and growth are whole numbers, money has two decimals (100.00), a day is 2026-03-01, a moment 2026-03-01 10:00, and
// "until" names the last day on which something is still good. Any sentence but expect may end with "fails CODE": then it
// must be refused with that code and change nothing.
//
// # Time
//
// at and wait move the clock. Background work runs on the way as it would on a server that is always on: after each
// midnight on which something falls due, and at the end. "without jobs" stops it, which shows what is true before
// anything was tidied up; "with jobs" lets it catch up. restart closes the installation and opens it again.
//
// # The language
//
// Settings: zone, no rules, rule, retire, points, rate, tiers, growth, tier. Members: member, bind, unbind, status, cancel,
// profile, merge, unmerge, dismiss. Orders: order, refund, close. Points: hold, void, freeze, seize, spend, transfer, adjust, reverse.
// The member centre: checkin, task, consent, announce, leave, stay, code, scan, link, visit.
// race does a sentence many times at once. expect compares, verify recomputes; every script ends with verify, said or not.
// [Help] gives an example of each sentence and of each thing that can be expected:
//
//	zone America/New_York
//	rule "双倍" multiplier factor 2 when member.tier is gold and time.hour between 9..12 from 2026-03-01
//	points pending_days 7 debt_policy pending_only from 2026-05-01
//	tiers base 0, silver 100 keep 80 x1.2, gold 300 keep 240 x1.5 from 2026-05-01
//	order A1 anna 120.00 items tea x2 80.00, cup x1 30.00, post x1 10.00 no-earn occurred 2026-02-27 18:00 points 300 hold H1
//	refund A1 items tea x1 as R1
//	race 10 spend anna 30
//	expect anna lots 100 until 2027-03-01, 20 until 2027-03-01 from 2026-03-08
//	expect trial orders 4 before 300 after 350 from 2026-03-01 until 2026-04-01 if rule "双倍" multiplier factor 2
//
// # A script must be able to fail
//
// Expected values are read through one door. With Options.Doubt each of them is falsified in turn, a number by one, a word by a
// letter, and the comparison repeated: one that still holds proves nothing and is reported. Options.Lie does
// the same to one value of a whole run.
package scenario
