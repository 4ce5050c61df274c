package db

import "database/sql/driver"

// Time never goes back, not even over a restart with a clock that was set back meanwhile: the instant of the last
// commit is kept with it. Entries are chained in the order of their time, and ids are made from it.

const instantName = "db.instant"

// resume goes on after the last commit of whoever ran before.
func (d *DB) resume() error {
	found := false
	err := d.w.query("SELECT version FROM db_version WHERE name = ?", []any{instantName}, func(v []driver.Value) error {
		found = true
		return scan(v, []any{&d.kept})
	})
	if err != nil {
		return err
	}
	if !found {
		_, err = d.w.exec("INSERT INTO db_version (name, version) VALUES (?, ?)", instantName, 0)
	}
	d.last = max(d.last, d.kept+1) // the next millisecond: ids of the last one may be taken
	d.told.Store(d.kept)
	d.migrated = true
	return err
}

// tick gives the group's instant: the clock's, but never earlier than the last group's.
func (d *DB) tick() int64 {
	d.last = max(d.last, d.opt.Clock.Now())
	d.told.Store(d.last)
	return d.last
}

// viewed is the instant of a view: what time has changed for a writer stays changed for readers.
func (d *DB) viewed() int64 { return max(d.told.Load(), d.opt.Clock.Now()) }

// keepInstant writes the instant into the commit that is about to happen.
func (d *DB) keepInstant(now int64) error {
	if !d.migrated {
		return nil
	}
	return d.eng.keep(d, now)
}
