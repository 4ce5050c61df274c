package wecom

import (
	"context"
	"slices"

	"guanxi/internal/base/db"
	"guanxi/internal/base/job"
	"guanxi/internal/base/vault"
	"guanxi/internal/edge/wechat"
	"guanxi/internal/loyalty/member"
)

// followGroup tells of the members who have come into a customer group. The push says who came, the platform who that is; where the push
// does not say it, everybody who is in counts: what follows from it happens once.
func (s *Service) followGroup(ctx context.Context, run *job.Run, c *corp, e change) error {
	people, err := c.Group(ctx, e.Chat)
	if wechat.Trouble(err) {
		s.Entry.Trouble(ctx, c.CorpID, err)
	}
	if err != nil && wechat.ClassOf(err) != wechat.Permanent { // permanent: the group is no more
		return err
	}
	return run.Write(ctx, db.Op{}, func(tx *db.Tx) error {
		for _, p := range people {
			if !p.Customer() || len(e.Came) > 0 && !slices.Contains(e.Came, p.ID) || s.InGroup == nil {
				continue
			}
			list := []member.Identity{external(c, p.ID)}
			if c.Owner != "" && p.UnionID != "" {
				list = append(list, member.Identity{Kind: member.KindUnionID, Issuer: c.Owner, Value: vault.Hide(p.UnionID), Verified: true})
			}
			id, ok, err := s.Members.Lookup(tx, list)
			if err != nil {
				return err
			}
			if !ok {
				continue
			}
			if err := s.InGroup(tx, id); err != nil {
				return err
			}
		}
		return run.Finish(tx)
	})
}
