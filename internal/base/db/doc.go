// Package db is the only way to the database.
//
// A write is a function that takes a *Tx. DB.Write hands it to a lane; the lane takes what
// waits, up to 256 functions, runs them one after the other in one SQL transaction and
// answers each caller after the one commit. A function is written as if it were alone:
//
//   - it reads and writes rows through Table; a row read or written by an earlier function of
//     the group is seen, because the Tx keeps the group's rows in memory;
//   - new and changed rows are written multi-row, once, just before the commit;
//   - when a function returns an error or panics, its own changes are undone in memory and
//     only it is refused.
//
// Because of this a Tx has no raw SQL, a refusal costs no SQL, and a function may be run
// again from the start (after a deadlock, or alone when a group failed): it must not touch
// anything but its Tx and its own variables.
//
// A failed COMMIT is unknown, not refused: the caller gets ErrUnknown and asks again with the
// same key. Storage errors inside a function abort the whole group by panic and never reach
// the function's own error handling.
//
// View is a read-only snapshot with plain SQL reads.
package db
