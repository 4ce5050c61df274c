package campaign

import (
	"encoding/json"
	"fmt"

	"guanxi/internal/base/clock"
	"guanxi/internal/base/db"
	"guanxi/internal/base/fact"
	"guanxi/internal/loyalty/ledger"
	"guanxi/internal/loyalty/member"
	"guanxi/internal/loyalty/points"
	"guanxi/internal/loyalty/reward"
)

// Service is what others may call.
type Service struct {
	Zone   clock.Zone
	Ledger *ledger.Ledger
}

func (s *Service) earner(tx *db.Tx, id int64) (member.Member, error) {
	return member.Require(tx, id, member.Earn)
}

// play books a play and what it gives: through the caps, to the ledger, under one source.
func (s *Service) play(tx *db.Tx, c *compiled, p Play) (Play, error) {
	p.Campaign, p.Version, p.At = c.Version.Campaign, c.Version.ID, tx.Now()
	today := s.Zone.LocalDay(tx.Now())
	policy := points.Policy.At(tx, tx.Now()).Value
	gift := reward.Gift{Member: p.Member, Rule: p.Campaign, Day: today, Amount: p.Points + p.Bonus, DailyAll: policy.DailyCap}
	usage := reward.Rows{Tx: tx}
	give, cut := c.Caps.Clip(usage, gift)
	p.Cut = cut
	p.Bonus = min(p.Bonus, give) // what the caps leave is the bonus first: the ladder is what can be cut
	p.Points = give - p.Bonus
	if err := plays.Insert(tx, p); err != nil {
		return p, err
	}
	d, _ := days.Get(tx, dayKey{p.Campaign, today})
	days.Put(tx, Day{p.Campaign, today, d.Plays + 1, d.Points + give})
	if give == 0 {
		return p, nil
	}
	c.Caps.Count(usage, gift, give)
	_, err := s.Ledger.Add(tx, ledger.Credit{Member: p.Member, Asset: ledger.Points, Amount: give, Kind: ledger.KindGrant, Class: ledger.ClassCampaign,
		Source: fmt.Sprintf("campaign:%d:%d", p.Campaign, p.Slot), Ref: Ref(p.Campaign), Expires: policy.Expiry(s.Zone, ledger.ClassCampaign, tx.Now())})
	return p, err
}

// Ref is how the ledger names a campaign as the cause of an entry.
func Ref(campaign int64) string { return fmt.Sprintf("campaign:%d", campaign) }

// OnMerged lets the survivor have played what the merged member has: a day checked in by either was checked in.
func (s *Service) OnMerged(tx *db.Tx, from, into int64) error {
	for _, p := range plays.OfOwner(tx, from) {
		if _, ok := plays.Get(tx, PlayKey{into, p.Campaign, p.Slot}); ok {
			continue
		}
		p.Member = into
		if err := plays.Insert(tx, p); err != nil {
			return err
		}
	}
	return nil
}

// Make drafts a version; campaign 0 makes a new campaign.
func (s *Service) Make(tx *db.Tx, campaign int64, spec Spec) (Version, error) {
	if _, err := compile(Version{}, spec); err != nil {
		return Version{}, err
	}
	if campaign == 0 {
		campaign = tx.ID()
		if err := campaigns.Insert(tx, Campaign{campaign, spec.Kind, tx.Now(), tx.Actor()}); err != nil {
			return Version{}, err
		}
	}
	c, ok := campaigns.Get(tx, campaign)
	if !ok {
		return Version{}, ErrNone.New()
	}
	if c.Kind != spec.Kind {
		return Version{}, ErrKind.New().At("kind")
	}
	body, err := json.Marshal(spec)
	if err != nil {
		return Version{}, err
	}
	v := Version{ID: tx.ID(), Campaign: campaign, No: len(VersionsOf(tx, campaign)) + 1, State: Draft, Body: string(body), Author: tx.Actor(), Created: tx.Now()}
	return v, versions.Insert(tx, v)
}

// Edit changes a draft.
func (s *Service) Edit(tx *db.Tx, version int64, spec Spec) (Version, error) {
	v, ok := versions.Get(tx, version)
	if !ok {
		return v, ErrNone.New()
	}
	if v.State != Draft {
		return v, ErrState.With("state", v.State)
	}
	if c, _ := campaigns.Get(tx, v.Campaign); c.Kind != spec.Kind {
		return v, ErrKind.New().At("kind")
	}
	if _, err := compile(v, spec); err != nil {
		return v, err
	}
	body, err := json.Marshal(spec)
	if err != nil {
		return v, err
	}
	v.Body, v.Author = string(body), tx.Actor()
	versions.Put(tx, v)
	return v, nil
}

// Publish puts a draft in force from an instant (0 is now). The version of the same campaign in force until then ends there.
func (s *Service) Publish(tx *db.Tx, version, from int64) (Version, error) {
	v, ok := versions.Get(tx, version)
	if !ok {
		return v, ErrNone.New()
	}
	if v.State != Draft {
		return v, ErrState.With("state", v.State)
	}
	if from == 0 {
		from = tx.Now()
	}
	if from < tx.Now() {
		return v, ErrFrom.New().At("from")
	}
	spec := v.SpecOf()
	until := clock.Never
	if spec.Until > 0 {
		until = spec.Until
	}
	if until <= from {
		return v, ErrUntil.New().At("until")
	}
	kind, _ := KindOf(spec.Kind)
	for _, other := range VersionsOf(tx, 0) {
		if other.State != Published || other.Until <= from || other.From >= until {
			continue
		}
		if other.Campaign == v.Campaign {
			if other.From >= from { // announced for later: this one takes its place
				other.State = Retired
			}
			other.Until = max(from, other.From)
			versions.Put(tx, other)
		} else if o := other.SpecOf(); kind.Single && o.Kind == spec.Kind {
			return v, ErrOther.New()
		}
	}
	v.State, v.From, v.Until, v.PublishedBy, v.PublishedAt = Published, from, until, tx.Actor(), tx.Now()
	versions.Put(tx, v)
	return v, s.changed(tx, v)
}

// Retire ends a published version now.
func (s *Service) Retire(tx *db.Tx, version int64) (Version, error) {
	v, ok := versions.Get(tx, version)
	if !ok {
		return v, ErrNone.New()
	}
	if v.State != Published {
		return v, ErrState.With("state", v.State)
	}
	v.State, v.Until = Retired, min(v.Until, max(tx.Now(), v.From))
	versions.Put(tx, v)
	return v, s.changed(tx, v)
}

func (s *Service) changed(tx *db.Tx, v Version) error {
	live.Bump(tx)
	_, err := fact.Emit(tx, 0, VersionChanged{v.Campaign, v.ID, v.State, v.From})
	return err
}

// Any says whether there is any campaign at all.
func Any(r db.Reader) bool { return len(VersionsOf(r, 0)) > 0 }
