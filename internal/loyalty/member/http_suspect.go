package member

import (
	"net/http"
	"strings"

	"guanxi/internal/base/db"
	"guanxi/internal/base/web"
	"guanxi/internal/loyalty/staff"
)

func (k Console) suspectRoutes(srv *web.Server) {
	staff.Route(srv, staff.Get("/member-suspects", "member.suspects", "merge.members", "疑似同一人的会员，从新到旧", "Members who may be one person, newest first", web.ErrCursor), k.suspects)
	staff.Route(srv, staff.Change(http.MethodPost, "/member-suspects/{id}/dismissal", "member.dismiss", "merge.members", "判定不是同一人", "Decide that they are not one person", ErrNoSuspect, ErrDecided, ErrReason), k.dismiss)
}

type consoleSuspects struct {
	web.Paging
	State string `query:"state" enum:"open,merged,dismissed" default:"open" doc:"状态|state"`
}

type consoleSuspect struct {
	ID        web.ID         `json:"id" doc:"疑似记录|the suspicion"`
	State     string         `json:"state" enum:"open,merged,dismissed" doc:"open 待处理、merged 已合并、dismissed 不是同一人|state"`
	A         ConsoleSummary `json:"a" doc:"其中一位|one of them"`
	B         ConsoleSummary `json:"b" doc:"另一位|the other"`
	Why       []string       `json:"why" doc:"一同出示的身份种类|kinds of identity that were brought together"`
	Via       string         `json:"via" doc:"由谁带来|who brought them"`
	Times     int64          `json:"times" doc:"次数|how often"`
	First     int64          `json:"first_at" doc:"首次，UTC 毫秒|first seen, milliseconds UTC"`
	Last      int64          `json:"last_at" doc:"最近，UTC 毫秒|last seen, milliseconds UTC"`
	DecidedAt int64          `json:"decided_at,omitempty" doc:"处理时间|when it was decided"`
	DecidedBy string         `json:"decided_by,omitempty" doc:"处理人|who decided"`
	Reason    string         `json:"reason,omitempty" doc:"原因|why"`
}

func (k Console) suspects(c *web.Ctx, in *consoleSuspects) (*web.Page[consoleSuspect], error) {
	var before int64
	if err := web.DecodeCursor(in.Cursor, &before); err != nil {
		return nil, err
	}
	return staff.Read(c, k.Desk, func(v *db.View) (*web.Page[consoleSuspect], error) {
		var rows []consoleSuspect
		for _, x := range Suspects(v, in.State, before, in.Limit+1) {
			one, err := k.suspectFor(v, x)
			if err != nil {
				return nil, err
			}
			rows = append(rows, one)
		}
		return web.PageOf(rows, in.Limit, func(x consoleSuspect) string { return web.EncodeCursor(int64(x.ID)) }), nil
	})
}

func (k Console) suspectFor(r db.Reader, x Suspect) (out consoleSuspect, err error) {
	out = consoleSuspect{ID: web.ID(x.ID), State: x.State, Why: strings.Split(x.Why, ","), Via: k.Name(r, x.Via), Times: x.Times, First: x.First, Last: x.Last,
		DecidedAt: x.DecidedAt, Reason: x.Note}
	if x.DecidedBy != "" {
		out.DecidedBy = k.Name(r, x.DecidedBy)
	}
	for _, side := range []struct {
		id int64
		to *ConsoleSummary
	}{{x.A, &out.A}, {x.B, &out.B}} {
		m, _ := Members.Get(r, side.id)
		if *side.to, err = k.Summary(r, m); err != nil {
			return out, err
		}
	}
	return out, nil
}

type dismissIn struct {
	ID   web.ID `path:"id" doc:"疑似记录|the suspicion"`
	Body struct {
		Reason string `json:"reason" minLength:"1" maxLength:"500" doc:"原因|why"`
	}
}

func (k Console) dismiss(c *web.Ctx, in *dismissIn) (*consoleSuspect, error) {
	return staff.Write(c, k.Desk, db.Op{}, func(tx *db.Tx) (*consoleSuspect, staff.Act, error) {
		row, err := k.S.Dismiss(tx, int64(in.ID), in.Body.Reason)
		act := staff.Act{What: "member.dismiss", Targets: []int64{row.A, row.B}, Reason: in.Body.Reason}
		if err != nil {
			return nil, act, err
		}
		row, _ = suspects.Get(tx, row.ID)
		out, err := k.suspectFor(tx, row)
		return &out, act, err
	})
}
