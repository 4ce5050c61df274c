package app

import (
	"fmt"
	"slices"

	"guanxi/internal/base/clock"
	"guanxi/internal/base/db"
	"guanxi/internal/base/fact"
	"guanxi/internal/loyalty/campaign"
	"guanxi/internal/loyalty/earn"
	"guanxi/internal/loyalty/ledger"
	"guanxi/internal/loyalty/member"
	"guanxi/internal/loyalty/order"
	"guanxi/internal/loyalty/privacy"
	"guanxi/internal/loyalty/reward"
	"guanxi/internal/loyalty/tier"
)

// react lists every reaction to every fact, in the order they run. They run in the transaction of the fact: what a
// member would phone about if it were missing. Everything else is a job.
func (a *App) react() {
	// member
	fact.On(a.Bus, func(tx *db.Tx, e fact.Event[member.Joined]) error { return a.Tiers.OnJoined(tx, e.Member) })
	fact.On(a.Bus, func(tx *db.Tx, e fact.Event[member.Joined]) error {
		return a.Earn.OnFact(tx, earn.OnJoin, e.Member, e.ID, e.Body.At)
	})
	fact.On(a.Bus, func(tx *db.Tx, e fact.Event[member.ProfileCompleted]) error {
		return a.Earn.OnFact(tx, earn.OnProfile, e.Member, e.ID, e.Body.At)
	})
	fact.On(a.Bus, a.onMerged)
	fact.On(a.Bus, a.onUnmerged)
	fact.On(a.Bus, a.onStatus)

	// order
	fact.On(a.Bus, func(tx *db.Tx, e fact.Event[order.PaidFact]) error { return a.Points.OnPaid(tx, e.Body.Row) })
	fact.On(a.Bus, func(tx *db.Tx, e fact.Event[order.PaidFact]) error { return a.Earn.OnPaid(tx, e.Body) })
	fact.On(a.Bus, func(tx *db.Tx, e fact.Event[order.RefundedFact]) error {
		return a.Points.OnRefunded(tx, e.Body.Row, e.Body.Refund)
	})
	fact.On(a.Bus, func(tx *db.Tx, e fact.Event[order.RefundedFact]) error {
		return a.Earn.OnRefunded(tx, e.Body.Row, e.Body.Refund)
	})

	fact.On(a.Bus, func(tx *db.Tx, e fact.Event[order.ClosedFact]) error { return a.Earn.OnClosed(tx, e.Body.Row) })

	// ledger
	fact.On(a.Bus, func(tx *db.Tx, e fact.Event[ledger.Posted]) error {
		if e.Body.Asset != ledger.Growth {
			return nil
		}
		return a.Tiers.OnGrowth(tx, e.Member, e.Body)
	})

	// cards at WeChat show the points and the tier that hold
	fact.On(a.Bus, func(tx *db.Tx, e fact.Event[ledger.Posted]) error {
		if e.Body.Asset != ledger.Points {
			return nil
		}
		return a.Cashier.OnChange(tx, e.Member)
	})
	fact.On(a.Bus, func(tx *db.Tx, e fact.Event[tier.Changed]) error { return a.Cashier.OnChange(tx, e.Member) })
	fact.On(a.Bus, func(tx *db.Tx, e fact.Event[member.Merged]) error {
		return a.Cashier.OnMerged(tx, e.Body.From, e.Body.Into)
	})
	fact.On(a.Bus, func(tx *db.Tx, e fact.Event[member.Merged]) error {
		a.WeCom.OnMerged(tx, e.Body.From, e.Body.Into)
		return nil
	})
	// campaign
	fact.On(a.Bus, func(tx *db.Tx, e fact.Event[campaign.CheckedIn]) error { return a.Campaign.OnCheckedIn(tx, e.Member) })

	fact.On(a.Bus, func(tx *db.Tx, e fact.Event[campaign.VersionChanged]) error {
		if e.Body.State != campaign.Published || !campaign.AsksToFollow(tx, e.Body.Version) {
			return nil
		}
		return a.Entry.NeedCentreCode(tx)
	})
	a.honour()

	// privacy
	fact.On(a.Bus, func(tx *db.Tx, e fact.Event[member.Unmasked]) error { return privacy.Seen(tx, e.Member, "unmask") })
	fact.On(a.Bus, func(tx *db.Tx, e fact.Event[member.ConsentChanged]) error {
		if e.Body.Purpose == member.ForTracking && !e.Body.Given {
			a.Tracks.Forget(tx, e.Member) // what was kept with consent goes with it
		}
		return nil
	})

	// message: a letter in the inbox, and a job for what leaves the house
	a.tell()
}

// honour lists what earns a badge, and what becomes of badges when members become one or leave.
func (a *App) honour() {
	fact.On(a.Bus, func(tx *db.Tx, e fact.Event[member.Joined]) error { return a.Honours.OnJoined(tx, e.Member, e.Body.At) })
	fact.On(a.Bus, func(tx *db.Tx, e fact.Event[member.ProfileCompleted]) error { return a.Honours.OnProfile(tx, e.Member) })
	fact.On(a.Bus, func(tx *db.Tx, e fact.Event[order.PaidFact]) error { return a.Honours.OnPaid(tx, e.Body) })
	fact.On(a.Bus, func(tx *db.Tx, e fact.Event[campaign.CheckedIn]) error {
		return a.Honours.OnCheckedIn(tx, e.Member, e.Body)
	})
	fact.On(a.Bus, func(tx *db.Tx, e fact.Event[tier.Changed]) error { return a.Honours.OnTier(tx, e.Member, e.Body) })
	fact.On(a.Bus, func(tx *db.Tx, e fact.Event[member.Merged]) error { return a.Honours.OnMerged(tx, e.Body) })
	fact.On(a.Bus, func(tx *db.Tx, e fact.Event[member.Unmerged]) error { return a.Honours.OnUnmerged(tx, e.Body) })
	fact.On(a.Bus, func(tx *db.Tx, e fact.Event[member.StatusChanged]) error {
		if e.Body.Status == member.Cancelled {
			a.Honours.Forget(tx, e.Member)
		}
		return nil
	})
}

// tell lists what members hear of. A letter that can't be written stops nothing.
func (a *App) tell() {
	fact.On(a.Bus, func(tx *db.Tx, e fact.Event[member.Joined]) error {
		if e.Body.At < tx.Now()-clock.Day {
			return nil // it was imported: long a member, no need to greet
		}
		return a.told(tx, func(tx *db.Tx) error { return a.Messages.OnJoined(tx, e.Member) })
	})
	fact.On(a.Bus, func(tx *db.Tx, e fact.Event[ledger.Posted]) error {
		return a.told(tx, func(tx *db.Tx) error { return a.Messages.OnPoints(tx, e.Member, e.Body) })
	})
	fact.On(a.Bus, func(tx *db.Tx, e fact.Event[order.PaidFact]) error {
		return a.told(tx, func(tx *db.Tx) error { return a.Messages.OnPaid(tx, e.Body.Row, a.storeName) })
	})
	fact.On(a.Bus, func(tx *db.Tx, e fact.Event[order.RefundedFact]) error {
		return a.told(tx, func(tx *db.Tx) error { return a.Messages.OnRefunded(tx, e.Body, a.storeName) })
	})
	fact.On(a.Bus, func(tx *db.Tx, e fact.Event[tier.Changed]) error {
		return a.told(tx, func(tx *db.Tx) error { return a.Messages.OnTier(tx, e.Member, e.ID, e.Body) })
	})
	fact.On(a.Bus, func(tx *db.Tx, e fact.Event[tier.Warned]) error {
		return a.told(tx, func(tx *db.Tx) error { return a.Messages.OnWarned(tx, e.Member, e.Body) })
	})
}

// storeName is the name of a store, or its code when we know no more.
func (a *App) storeName(r db.Reader, code string) string {
	if st, err := a.Shop.StoreByCode(r, code); err == nil {
		return st.NameZh
	}
	if code == "" {
		return "线上"
	}
	return code
}

// told runs what tells a member something: money never waits for it, so its failure is logged and undone alone.
func (a *App) told(tx *db.Tx, f func(*db.Tx) error) error {
	if err := tx.Try(f); err != nil {
		a.Log.Error("message not told", "err", err)
	}
	return nil
}

var assets = []ledger.Asset{ledger.Points, ledger.Growth}

func mergeSource(id int64) string { return fmt.Sprintf("merge:%d", id) }

// onMerged carries everything the merged member holds to the survivor; the higher tier stands.
func (a *App) onMerged(tx *db.Tx, e fact.Event[member.Merged]) error {
	if err := a.Tiers.OnLeft(tx, e.Body.From); err != nil {
		return err
	}
	for _, asset := range assets {
		if err := a.Ledger.Move(tx, e.Body.From, e.Body.Into, asset, ledger.KindMerge, mergeSource(e.Body.Merge)); err != nil {
			return err
		}
	}
	a.Orders.OnMerged(tx, e.Body.From, e.Body.Into)
	reward.Merge(tx, e.Body.From, e.Body.Into, 1)
	earn.MergeCarries(tx, e.Body.From, e.Body.Into, 1)
	if err := a.Campaign.OnMerged(tx, e.Body.From, e.Body.Into); err != nil {
		return err
	}
	return a.Tiers.OnMerged(tx, e.Body.From, e.Body.Into)
}

// onUnmerged gives back what can be told apart: the moved lots that are left, and what came since by the member's own identities.
func (a *App) onUnmerged(tx *db.Tx, e fact.Event[member.Unmerged]) error {
	if err := a.Tiers.OnBack(tx, e.Body.From); err != nil {
		return err
	}
	own := func(lot ledger.Lot) bool {
		return byOwnIdentity(tx, e.Body.From, lot) || slices.Contains(e.Body.Give, lot.ID)
	}
	for _, asset := range assets {
		if err := a.Ledger.Unmove(tx, e.Body.From, e.Body.Into, asset, mergeSource(e.Body.Merge), fmt.Sprintf("unmerge:%d", e.Body.Merge), own); err != nil {
			return err
		}
	}
	if err := a.Orders.OnUnmerged(tx, e.Body.From, e.Body.Into); err != nil {
		return err
	}
	reward.Merge(tx, e.Body.From, e.Body.Into, -1)
	earn.MergeCarries(tx, e.Body.From, e.Body.Into, -1)
	m, _ := member.Merges.Get(tx, e.Body.Merge)
	return a.Tiers.OnUnmerged(tx, e.Body.From, e.Body.Into, m.At)
}

// orderOwner is the member behind the order that gave a lot, among the orders of a family; false when no order of it did.
func orderOwner(r db.Reader, family int64, lot ledger.Lot) (int64, bool) {
	var id int64
	if _, err := fmt.Sscanf(lot.Ref, "order:%d", &id); err != nil {
		return 0, false
	}
	o, ok := order.FindOf(r, family, id)
	if !ok {
		return 0, false
	}
	owner, err := order.Owner(r, &o)
	return owner.ID, err == nil
}

// onStatus takes a closed member out of the standing.
func (a *App) onStatus(tx *db.Tx, e fact.Event[member.StatusChanged]) error {
	if e.Body.Status == member.Cancelled {
		return a.Tiers.OnLeft(tx, e.Member)
	}
	return nil
}
