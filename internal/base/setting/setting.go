// Package setting keeps what operators change, as versions that start at an instant and are never edited:
// what held at any time, who decided it, when it was announced, and why.
package setting

import (
	"embed"
	"encoding/json"
	"sort"

	"guanxi/internal/base/db"
	"guanxi/internal/base/fault"
)

//go:embed schema/*.sql
var files embed.FS

// Schema is the table of settings.
var Schema = db.Schema{Feature: "setting", Files: files}

// ErrPast refuses to change what has already held.
var ErrPast = fault.Define("setting.past", fault.Invalid,
	"生效时间不能早于现在", "A change can't start in the past")

type row struct {
	Name      string
	From      int64
	ID        int64
	Announced int64
	Author    string
	Note      string
	Body      string
}

type key struct {
	Name     string
	From, ID int64
}

var table = db.NewTable(db.Spec[row, key]{
	Name: "setting", Keys: 3, Cols: []string{"name", "from_at", "id", "announced_at", "author", "note", "body"},
	Row: func(r *row, p []any) []any {
		return append(p, &r.Name, &r.From, &r.ID, &r.Announced, &r.Author, &r.Note, &r.Body)
	},
	Key:  func(r *row) key { return key{r.Name, r.From, r.ID} },
	Args: func(k key, a []any) []any { return append(a, k.Name, k.From, k.ID) },
})

// Version is one version of a setting.
type Version[T any] struct {
	ID        int64
	From      int64
	Announced int64
	Author    string
	Note      string
	Value     T
}

// Kind is one named setting with its default.
type Kind[T any] struct {
	name  string
	zero  T
	text  []byte // zero, from which each version starts afresh: a slice must not be shared
	cache *db.Cache[[]Version[T]]
}

// New declares a setting; call it once, as a package variable.
func New[T any](name string, def T) *Kind[T] {
	text, err := json.Marshal(def)
	if err != nil {
		panic("setting: " + name + ": " + err.Error())
	}
	k := &Kind[T]{name: name, zero: def, text: text}
	k.cache = db.NewCache("setting:"+name, k.load)
	return k
}

func (k *Kind[T]) load(r db.Reader) []Version[T] {
	rows := table.Select(r, db.Query[row]{
		Where: "name = ?", Args: []any{k.name}, Order: "from_at, id",
		Match: func(x *row) bool { return x.Name == k.name },
		Less: func(a, b *row) bool {
			if a.From != b.From {
				return a.From < b.From
			}
			return a.ID < b.ID
		},
	})
	out := make([]Version[T], 0, len(rows))
	for _, x := range rows {
		v := Version[T]{ID: x.ID, From: x.From, Announced: x.Announced, Author: x.Author, Note: x.Note}
		_ = json.Unmarshal(k.text, &v.Value)
		_ = json.Unmarshal([]byte(x.Body), &v.Value) // written by Set
		out = append(out, v)
	}
	return out
}

// At gives what holds at an instant; before the first version, the default with ID 0.
func (k *Kind[T]) At(r db.Reader, at int64) Version[T] {
	list := k.cache.Get(r)
	i := sort.Search(len(list), func(i int) bool { return list[i].From > at })
	if i == 0 {
		return Version[T]{Value: k.zero}
	}
	return list[i-1]
}

// History lists all versions, oldest first, also those to come.
func (k *Kind[T]) History(r db.Reader) []Version[T] { return k.cache.Get(r) }

// Set makes a version that holds from an instant (0 is now).
func (k *Kind[T]) Set(tx *db.Tx, value T, from int64, note string) (Version[T], error) {
	if from == 0 {
		from = tx.Now()
	}
	if from < tx.Now() {
		return Version[T]{}, ErrPast.New().At("from")
	}
	body, err := json.Marshal(value)
	if err != nil {
		return Version[T]{}, err
	}
	v := Version[T]{ID: tx.ID(), From: from, Announced: tx.Now(), Author: tx.Actor(), Note: note, Value: value}
	if err := table.Insert(tx, row{k.name, from, v.ID, v.Announced, v.Author, note, string(body)}); err != nil {
		return v, err
	}
	k.cache.Bump(tx)
	return v, nil
}
