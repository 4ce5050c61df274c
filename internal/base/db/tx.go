package db

import (
	"math/rand/v2"

	"guanxi/internal/base/id"
)

// Tx is what every write takes first: the group's rows, now, ids, randomness and the cause.
// It is valid only inside the function it was handed to.
type Tx struct {
	db      *DB
	s       *session
	now     int64
	rng     *rand.Rand
	actor   string
	sheets  []anySheet // by table id
	order   []anySheet // in the order first touched
	journal []anySheet // one entry a change: undone from the end
	fresh   map[int64]bool
	owners  []int64 // whom the group is about, in order
	after   []func()
	texts   map[shape]string
	args    []any
	ptrs    []any
	depth   int
	cause   int64
}

type shape struct {
	table, rows int
	verb        byte
}

func newTx(d *DB, s *session) *Tx {
	return &Tx{db: d, s: s, fresh: map[int64]bool{}, texts: map[shape]string{},
		rng: rand.New(rand.NewPCG(d.opt.Seed, 1))}
}

func (tx *Tx) session() *session { return tx.s }

// Now is the instant of the group, in milliseconds UTC; it never goes back.
func (tx *Tx) Now() int64 { return tx.now }

// ID makes a new id, larger than all before it.
func (tx *Tx) ID() int64 { return tx.db.ids.Next(tx.now) }

// Rand is the source of chance for everything that is not a secret.
func (tx *Tx) Rand() *rand.Rand { return tx.rng }

// Token makes a secret of n random bytes.
func (tx *Tx) Token(n int) string { return id.Token(n) }

// Digits makes a secret of n random decimal digits.
func (tx *Tx) Digits(n int) string { return id.Digits(n) }

// Actor says who caused this write, such as "staff:17", "partner:3", "job:expire".
func (tx *Tx) Actor() string { return tx.actor }

// DB is the database the Tx writes to.
func (tx *Tx) DB() *DB { return tx.db }

// NewOwner tells that an owner was just made: nothing of it can be in the database yet.
func (tx *Tx) NewOwner(owner int64) { tx.fresh[owner] = true }

// AfterCommit runs f once the group is durable, for wake-ups only: a crash may skip it.
func (tx *Tx) AfterCommit(f func()) { tx.after = append(tx.after, f) }

// Try runs a part that may be refused alone: on an error its changes are undone and the rest goes on.
func (tx *Tx) Try(f func(*Tx) error) error {
	mark, after := len(tx.journal), len(tx.after)
	err := f(tx)
	if err != nil {
		tx.undoTo(mark)
		tx.after = tx.after[:after]
	}
	return err
}

// Cause is the id of the fact whose reaction is running, 0 outside of reactions.
func (tx *Tx) Cause() int64 { return tx.cause }

// Enter marks that a fact's reactions run until leave is called; it gives the depth of the cascade.
func (tx *Tx) Enter(factID int64) (depth int, leave func()) {
	was := tx.cause
	tx.cause = factID
	tx.depth++
	return tx.depth, func() { tx.cause = was; tx.depth-- }
}

func (tx *Tx) undoTo(mark int) {
	for i := len(tx.journal) - 1; i >= mark; i-- {
		tx.journal[i].undoLast()
	}
	tx.journal = tx.journal[:mark]
}

func (tx *Tx) reset(now int64) {
	tx.now = now
	for _, s := range tx.order {
		s.reset()
	}
	tx.journal = tx.journal[:0]
	clear(tx.fresh)
	tx.owners, tx.after = nil, tx.after[:0]
	tx.depth, tx.cause = 0, 0
}

func (tx *Tx) dirty() bool {
	for _, s := range tx.order {
		if s.pending() > 0 {
			return true
		}
	}
	return false
}

func (tx *Tx) flush() error {
	for _, s := range tx.order {
		if err := s.flush(); err != nil {
			return err
		}
	}
	return nil
}
