package earn

import (
	"embed"
	"encoding/json"
	"sort"

	"guanxi/internal/base/db"
)

//go:embed schema/*.sql
var files embed.FS

// Schema is the tables of rules.
var Schema = db.Schema{Feature: "earn", Files: files}

// Rule is what all versions of a rule share.
type Rule struct {
	ID      int64
	Kind    string
	Created int64
	Author  string
}

// Rules holds a row a rule.
var Rules = db.NewTable(db.Spec[Rule, int64]{
	Name: "earn_rule", Keys: 1, Cols: []string{"rule_id", "kind", "created_at", "created_by"},
	Row: func(r *Rule, p []any) []any { return append(p, &r.ID, &r.Kind, &r.Created, &r.Author) },
	Key: func(r *Rule) int64 { return r.ID },
})

// Version is one version of a rule.
type Version struct {
	ID          int64
	Rule        int64
	No          int
	State       string
	From        int64
	Until       int64
	Body        string
	Author      string
	Created     int64
	PublishedBy string
	PublishedAt int64
	Note        string
}

// Versions holds every version there ever was.
var Versions = db.NewTable(db.Spec[Version, int64]{
	Name: "earn_version", Keys: 1,
	Cols: []string{"version_id", "rule_id", "no", "state", "from_at", "until_at", "body", "author", "created_at", "published_by", "published_at", "note"},
	Row: func(r *Version, p []any) []any {
		return append(p, &r.ID, &r.Rule, &r.No, &r.State, &r.From, &r.Until, &r.Body, &r.Author, &r.Created, &r.PublishedBy, &r.PublishedAt, &r.Note)
	},
	Key: func(r *Version) int64 { return r.ID },
})

// SpecOf reads what a version says.
func (v *Version) SpecOf() Spec {
	var s Spec
	_ = json.Unmarshal([]byte(v.Body), &s) // written by Draft
	return s
}

type decisionRow struct {
	Cause  int64
	Member int64
	At     int64
	Body   string
	made   *Decision // what Body says, when it was written in this group
}

var decisions = db.NewTable(db.Spec[decisionRow, int64]{
	Name: "earn_decision", Keys: 1, Cols: []string{"cause_id", "member_id", "at", "body"},
	Row: func(r *decisionRow, p []any) []any { return append(p, &r.Cause, &r.Member, &r.At, &r.Body) },
	Key: func(r *decisionRow) int64 { return r.Cause },
})

// versionsOf lists a rule's versions, oldest first; rule 0 lists all.
func versionsOf(r db.Reader, rule int64) []Version {
	q := db.Query[Version]{Order: "version_id",
		Match: func(v *Version) bool { return rule == 0 || v.Rule == rule },
		Less:  func(a, b *Version) bool { return a.ID < b.ID },
	}
	if rule != 0 {
		q.Where, q.Args = "rule_id = ?", []any{rule}
	}
	return Versions.Select(r, q)
}

// VersionsOf lists a rule's versions, oldest first; rule 0 lists all.
func VersionsOf(r db.Reader, rule int64) []Version { return versionsOf(r, rule) }

// ruleSet is all versions that were ever published, in the order they run, and by id.
type ruleSet struct {
	all  []*compiled
	byID map[int64]*compiled
}

var ruleSets = db.NewCache("earn", loadRules)

func loadRules(r db.Reader) *ruleSet {
	set := &ruleSet{byID: map[int64]*compiled{}}
	for _, v := range versionsOf(r, 0) {
		if v.State == Draft {
			continue
		}
		if c, err := compile(v, v.SpecOf()); err == nil { // checked when it was published
			set.all = append(set.all, c)
			set.byID[v.ID] = c
		}
	}
	set.sort()
	return set
}

func (s *ruleSet) sort() {
	sort.SliceStable(s.all, func(i, j int) bool {
		a, b := s.all[i], s.all[j]
		if a.kind.OnBase != b.kind.OnBase {
			return b.kind.OnBase
		}
		if a.Priority != b.Priority {
			return a.Priority > b.Priority
		}
		return a.Rule < b.Rule
	})
}

// with is the set as it would be with another version of a rule always in force, and without the rule's others.
func (s *ruleSet) with(c *compiled) *ruleSet {
	out := &ruleSet{}
	for _, x := range s.all {
		if x.Rule != c.Rule {
			out.all = append(out.all, x)
		}
	}
	forever := *c
	forever.From, forever.Until = 0, 1<<62
	out.all = append(out.all, &forever)
	out.sort()
	return out
}

// at lists the versions in force for a trigger at an instant.
func (s *ruleSet) at(on string, t int64, buf []*compiled) []*compiled {
	for _, c := range s.all {
		if c.kind.On == on && c.From <= t && t < c.Until {
			buf = append(buf, c)
		}
	}
	return buf
}
