package campaign

import (
	"embed"
	"encoding/json"
	"fmt"

	"guanxi/internal/base/db"
)

//go:embed schema/*.sql
var files embed.FS

// Schema is the tables of campaigns.
var Schema = db.Schema{Feature: "campaign", Files: files}

// Campaign is what all versions of a campaign share.
type Campaign struct {
	ID      int64
	Kind    string
	Created int64
	Author  string
}

var campaigns = db.NewTable(db.Spec[Campaign, int64]{
	Name: "campaign", Keys: 1, Cols: []string{"id", "kind", "created_at", "author"},
	Row: func(r *Campaign, p []any) []any { return append(p, &r.ID, &r.Kind, &r.Created, &r.Author) },
	Key: func(r *Campaign) int64 { return r.ID },
})

// Version is one version of a campaign.
type Version struct {
	ID          int64
	Campaign    int64
	No          int
	State       string
	From        int64
	Until       int64
	Body        string
	Author      string
	Created     int64
	PublishedBy string
	PublishedAt int64
}

var versions = db.NewTable(db.Spec[Version, int64]{
	Name: "campaign_version", Keys: 1, Indexed: true,
	Cols: []string{"id", "campaign_id", "no", "state", "from_at", "until_at", "body", "author", "created_at", "published_by", "published_at"},
	Row: func(r *Version, p []any) []any {
		return append(p, &r.ID, &r.Campaign, &r.No, &r.State, &r.From, &r.Until, &r.Body, &r.Author, &r.Created, &r.PublishedBy, &r.PublishedAt)
	},
	Key: func(r *Version) int64 { return r.ID },
})

// SpecOf reads what a version says.
func (v *Version) SpecOf() Spec {
	var s Spec
	_ = json.Unmarshal([]byte(v.Body), &s) // written by Draft
	return s
}

// VersionsOf lists a campaign's versions, oldest first; campaign 0 lists all.
func VersionsOf(r db.Reader, campaign int64) []Version {
	q := db.Query[Version]{Order: "id",
		Match: func(v *Version) bool { return campaign == 0 || v.Campaign == campaign },
		Less:  func(a, b *Version) bool { return a.ID < b.ID },
	}
	if campaign != 0 {
		q.Where, q.Args = "campaign_id = ?", []any{campaign}
	}
	return versions.Select(r, q)
}

// FindVersion reads one version.
func FindVersion(r db.Reader, id int64) (Version, bool) { return versions.Get(r, id) }

// live is all versions that were ever published, ready to run.
var live = db.NewCache("campaign", func(r db.Reader) (out []*compiled) {
	for _, v := range VersionsOf(r, 0) {
		if v.State == Draft {
			continue
		}
		if c, err := compile(v, v.SpecOf()); err == nil {
			out = append(out, c)
		}
	}
	return out
})

// current is the version of a single kind that is in force at an instant, nil for none.
func current(r db.Reader, kind string, at int64) *compiled {
	for _, c := range live.Get(r) {
		if c.Spec.Kind == kind && c.From <= at && at < c.Version.Until {
			return c
		}
	}
	return nil
}

// NameOf is what a campaign is called, by the version that was published last; "" when there is none.
func NameOf(r db.Reader, campaign int64, lang string) (name string) {
	for _, c := range live.Get(r) {
		if c.Version.Campaign == campaign {
			name = c.Spec.Name(lang)
		}
	}
	return name
}

// Cause names the campaign that a ref of the ledger means, "" for other refs.
func Cause(r db.Reader, ref, lang string) string {
	var campaign int64
	if _, err := fmt.Sscanf(ref, "campaign:%d", &campaign); err != nil {
		return ""
	}
	return NameOf(r, campaign, lang)
}

// Play is one turn of a member in a campaign.
type Play struct {
	Member   int64
	Campaign int64
	Slot     int64
	Version  int64
	Points   int64
	Bonus    int64
	Streak   int
	Cut      string // the cap that bit, if one did
	At       int64
}

// PlayKey names a play.
type PlayKey struct{ Member, Campaign, Slot int64 }

var plays = db.NewTable(db.Spec[Play, PlayKey]{
	Name: "campaign_play", Keys: 3, Cols: []string{"member_id", "campaign_id", "slot", "version_id", "points", "bonus", "streak", "cut", "at"},
	Row: func(r *Play, p []any) []any {
		return append(p, &r.Member, &r.Campaign, &r.Slot, &r.Version, &r.Points, &r.Bonus, &r.Streak, &r.Cut, &r.At)
	},
	Key:   func(r *Play) PlayKey { return PlayKey{r.Member, r.Campaign, r.Slot} },
	Args:  func(k PlayKey, a []any) []any { return append(a, k.Member, k.Campaign, k.Slot) },
	Owner: func(k PlayKey) int64 { return k.Member },
})

// playsBefore lists plays with a lower slot, the highest first.
func playsBefore(r db.Reader, member, campaign, before int64, limit int) []Play {
	return plays.Select(r, db.Query[Play]{
		Where: "member_id = ? AND campaign_id = ? AND slot < ?", Args: []any{member, campaign, before}, Order: "slot DESC", Limit: limit, Owner: member,
		Match: func(p *Play) bool { return p.Campaign == campaign && p.Slot < before },
		Less:  func(a, b *Play) bool { return a.Slot > b.Slot },
	})
}

// PlaysBetween lists plays with slots in [from, until], the lowest first.
func PlaysBetween(r db.Reader, member, campaign, from, until int64) []Play {
	return plays.Select(r, db.Query[Play]{
		Where: "member_id = ? AND campaign_id = ? AND slot >= ? AND slot <= ?", Args: []any{member, campaign, from, until}, Order: "slot", Owner: member,
		Match: func(p *Play) bool { return p.Campaign == campaign && p.Slot >= from && p.Slot <= until },
		Less:  func(a, b *Play) bool { return a.Slot < b.Slot },
	})
}

// Day is what a campaign did on a local day.
type Day struct {
	Campaign int64
	Day      int
	Plays    int64
	Points   int64
}

type dayKey struct {
	Campaign int64
	Day      int
}

var days = db.NewTable(db.Spec[Day, dayKey]{
	Name: "campaign_day", Keys: 2, Cols: []string{"campaign_id", "day", "plays", "points"},
	Row:  func(r *Day, p []any) []any { return append(p, &r.Campaign, &r.Day, &r.Plays, &r.Points) },
	Key:  func(r *Day) dayKey { return dayKey{r.Campaign, r.Day} },
	Args: func(k dayKey, a []any) []any { return append(a, k.Campaign, k.Day) },
})

// DaysOf lists what a campaign did on the local days [from, until].
func DaysOf(v *db.View, campaign int64, from, until int) []Day {
	return days.Select(v, db.Query[Day]{Where: "campaign_id = ? AND day >= ? AND day <= ?", Args: []any{campaign, from, until}, Order: "day"})
}
