package entry

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"slices"

	"guanxi/internal/base/clock"
	"guanxi/internal/base/db"
	"guanxi/internal/base/job"
	"guanxi/internal/base/vault"
	"guanxi/internal/edge/wechat"
)

// Pushes are tried three times within seconds, so who was away for a minute has missed some. Each night the list of followers of
// every 服务号 is laid beside ours: who came back and was not heard of is written to again, and who left is not.

const checkFollowers job.Kind[job.Slot] = "entry.followers"

// checkFollowers reads an account's list page by page. What was pushed since the reading began is newer than the list and stands.
func (s *Service) checkFollowers(ctx context.Context, run *job.Run, _ job.Slot) error {
	for app := range s.oas {
		err := s.checkFollowersOf(ctx, run, app)
		if wechat.ClassOf(err) == wechat.Setup { // the account may not ask: a person must look, and asking again helps nobody
			s.Note(ctx, TroubleSetup, app, "user/get")
			continue
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (s *Service) checkFollowersOf(ctx context.Context, run *job.Run, app string) error {
	began := s.Clock.Now()
	var here []uint64 // eight bytes a follower, so that an account of millions is held
	for after := ""; ; {
		list, next, err := s.oas[app].Followers(ctx, after)
		if err != nil {
			return err
		}
		for some := range slices.Chunk(list, atOnce) {
			keys := make([]string, len(some))
			for i, openid := range some {
				keys[i] = s.followKey(app, vault.Hide(openid))
				here = append(here, short(keys[i]))
			}
			if err := s.agree(ctx, run, app, began, keys, some); err != nil {
				return err
			}
		}
		if next == "" || len(list) == 0 {
			break
		}
		after = next
	}
	slices.Sort(here)
	return s.whoLeft(ctx, run, app, began, here)
}

// whoLeft walks through those whom we take for followers and marks who is not on the list.
func (s *Service) whoLeft(ctx context.Context, run *job.Run, app string, began int64, here []uint64) error {
	for after := ""; ; {
		var gone []string
		n := 0
		err := s.DB.View(ctx, func(v *db.View) error {
			rows := followersAfter(v, app, after, atOnce)
			n = len(rows)
			for _, f := range rows {
				after = f.ID
				if _, found := slices.BinarySearch(here, short(f.ID)); !found {
					gone = append(gone, f.ID)
				}
			}
			return nil
		})
		if err == nil && len(gone) > 0 {
			err = s.agree(ctx, run, app, began, gone, nil)
		}
		if err != nil || n < atOnce {
			return err
		}
	}
}

// agree makes rows say what the list says, unless something newer was heard. Who follows is named, so that members among them are told of.
func (s *Service) agree(ctx context.Context, run *job.Run, app string, began int64, keys, openids []string) error {
	following := min(len(openids), 1)
	op := db.Op{}
	for _, k := range keys {
		op.Wants = append(op.Wants, follows.Want(k))
	}
	return run.Write(ctx, op, func(tx *db.Tx) error {
		for i, k := range keys {
			row, known := follows.Get(tx, k)
			if known && (row.Following == following || row.Changed >= began-clock.Minute) {
				continue
			}
			row.ID, row.App, row.Following, row.Changed = k, app, following, began/clock.Second*clock.Second
			if known {
				follows.Put(tx, row)
			} else if err := follows.Insert(tx, row); err != nil {
				return err
			}
			if following == 1 {
				if err := s.tellFollowed(tx, proof{app: app, openid: vault.Hide(openids[i])}); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

func short(key string) uint64 {
	sum := sha256.Sum256([]byte(key))
	return binary.BigEndian.Uint64(sum[:8])
}
