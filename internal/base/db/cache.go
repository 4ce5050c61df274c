package db

// versions of cached settings: a change gives a new, never reused number, so that every
// process sees with one small read whether what it holds is still true.
type version struct {
	name    string
	version int64
}

var versions = NewTable(Spec[version, string]{
	Name: "db_version", Cols: []string{"name", "version"}, Keys: 1,
	Row: func(r *version, p []any) []any { return append(p, &r.name, &r.version) },
	Key: func(r *version) string { return r.name },
})

// Cache holds something computed from rows that change seldom (rules, tiers, settings).
// Every process and every Tx sees the value that belongs to what it reads; each database keeps its own.
type Cache[T any] struct {
	name string
	load func(Reader) T
}

type heldValue[T any] struct {
	version int64
	value   T
}

// NewCache declares a cache; load reads the value through the Reader it is given.
func NewCache[T any](name string, load func(Reader) T) *Cache[T] {
	return &Cache[T]{name: name, load: load}
}

// Get gives the value as of the reader. A view asks the database once.
func (c *Cache[T]) Get(r Reader) T {
	v, ok := r.(*View)
	if !ok {
		return c.asOf(r)
	}
	if held, ok := v.held[c]; ok {
		return held.(T)
	}
	if v.held == nil {
		v.held = map[any]any{}
	}
	value := c.asOf(r)
	v.held[c] = value
	return value
}

func (c *Cache[T]) asOf(r Reader) T {
	v, _ := versions.Get(r, c.name)
	caches := r.session().caches
	if held, ok := caches.Load(c); ok {
		if h := held.(heldValue[T]); h.version == v.version {
			return h.value
		}
	}
	h := heldValue[T]{v.version, c.load(r)}
	caches.Store(c, h)
	return h.value
}

// Bump must be called by every function that changes what the cache is computed from.
func (c *Cache[T]) Bump(tx *Tx) {
	versions.Get(tx, c.name)
	versions.Put(tx, version{c.name, tx.ID()})
}

// Sign writes a text into the database once, under what it is about, and gives the text that was written first.
func Sign(tx *Tx, what, text string) string {
	signed := versions.Select(tx, Query[version]{
		Where: "name >= ? AND name < ?", Args: []any{what + ":", what + ";"},
		Match: func(v *version) bool { return v.name >= what+":" && v.name < what+";" },
	})
	if len(signed) > 0 {
		return signed[0].name[len(what)+1:]
	}
	versions.Put(tx, version{what + ":" + text, 1})
	return text
}

const versionTable = "CREATE TABLE IF NOT EXISTS db_version (name varchar(64) NOT NULL, version bigint NOT NULL, PRIMARY KEY (name))"
