package staff

import (
	"bytes"
	"cmp"
	"encoding/json"
	"maps"
	"slices"
	"strconv"

	"guanxi/internal/base/db"
	"guanxi/internal/base/web"
)

type approvalOut struct {
	ID        web.ID      `json:"id" doc:"申请|the approval"`
	Kind      string      `json:"kind" doc:"种类|what kind of act"`
	Zh        string      `json:"zh" doc:"种类的中文名|kind in Chinese"`
	En        string      `json:"en" doc:"种类的英文名|kind in English"`
	Content   web.JSON    `json:"content" doc:"内容|what is to happen"`
	Changes   []changeOut `json:"changes" doc:"与现状逐项比较；没有可比时列出全部内容|what it would change, item by item; all of the content where there is nothing to compare"`
	Compared  bool        `json:"compared" doc:"是否与现状比较过|whether it was compared with what stands now"`
	Digest    string      `json:"digest" doc:"内容的 SHA-256，同意时须带回|SHA-256 of the content; bring it back to approve"`
	Reason    string      `json:"reason" doc:"原因|why"`
	Maker     web.ID      `json:"maker" doc:"申请人|who asks"`
	MakerName string      `json:"maker_name" doc:"申请人姓名|name of who asks"`
	Checker   *web.ID     `json:"checker,omitempty" doc:"处理人|who decided"`
	CheckName string      `json:"checker_name,omitempty" doc:"处理人姓名|name of who decided"`
	Note      string      `json:"note,omitempty" doc:"处理说明|note of the decision"`
	Store     *web.ID     `json:"store,omitempty" doc:"限定门店，没有则为全部|the store it is about; absent: all"`
	State     string      `json:"state" enum:"waiting,approved,refused,expired,executed" doc:"状态|state"`
	CreatedAt int64       `json:"created_at" doc:"提交时间|when it was asked for"`
	ExpiresAt int64       `json:"expires_at" doc:"到期，UTC 毫秒|when it expires, milliseconds UTC"`
	DecidedAt int64       `json:"decided_at" doc:"处理时间，0 为未处理|when it was decided, 0 not yet"`
}

type changeOut struct {
	Path string   `json:"path" doc:"位置，如 value.levels.1.growth|where, such as value.levels.1.growth"`
	Was  web.JSON `json:"was" doc:"现在的值，null 为没有|the value now, null for none"`
	Now  web.JSON `json:"now" doc:"之后的值，null 为没有|the value after, null for none"`
}

// show words an approval, with what it would change.
func (s *Service) show(r db.Reader, a Approval) approvalOut {
	e := s.executors[a.Kind]
	maker, _ := operators.Get(r, a.Maker)
	out := approvalOut{ID: web.ID(a.ID), Kind: a.Kind, Zh: e.Zh, En: e.En, Content: web.JSON(a.Payload), Digest: a.Digest, Reason: a.Reason, Maker: web.ID(a.Maker),
		MakerName: maker.Name, Note: a.Note, State: a.State, CreatedAt: a.CreatedAt, ExpiresAt: a.ExpiresAt, DecidedAt: a.DecidedAt}
	if a.Checker != 0 {
		id := web.ID(a.Checker)
		checker, _ := operators.Get(r, a.Checker)
		out.Checker, out.CheckName = &id, checker.Name
	}
	if a.Store != 0 {
		store := web.ID(a.Store)
		out.Store = &store
	}
	was := []byte("null")
	if e.was != nil && a.isOpen() { // afterwards what stands is what was agreed to
		if v := e.was(r, a.Payload); v != nil {
			out.Compared = true
			was = []byte(MustJSON(v))
		}
	}
	out.Changes = changes(was, []byte(a.Payload))
	return out
}

// changes compares two JSON values leaf by leaf. Against null all of the second is new. Of a struct that stands alone in
// the first (its members under the same names) only what both could have is compared, so that reasons and ids of the
// second are listed as new.
func changes(was, now []byte) []changeOut {
	before, after := map[string]string{}, map[string]string{}
	flatten("", was, before)
	flatten("", now, after)
	paths := slices.Collect(maps.Keys(after))
	for p := range before {
		if _, both := after[p]; !both {
			paths = append(paths, p)
		}
	}
	slices.SortFunc(paths, cmp.Compare[string])
	out := []changeOut{}
	null := func(m map[string]string, p string) web.JSON {
		if text, ok := m[p]; ok {
			return web.JSON(text)
		}
		return "null"
	}
	for _, p := range paths {
		if before[p] != after[p] && len(out) < mostChanges {
			out = append(out, changeOut{p, null(before, p), null(after, p)})
		}
	}
	return out
}

const mostChanges = 500

// flatten lists the leaves of a JSON value by their path. Its members come in one form: values here are written by
// encoding/json.
func flatten(path string, text []byte, out map[string]string) {
	sub := func(name string) string {
		if path == "" {
			return name
		}
		return path + "." + name
	}
	switch text = bytes.TrimSpace(text); {
	case len(text) > 0 && text[0] == '{':
		var members map[string]json.RawMessage
		if json.Unmarshal(text, &members) == nil {
			for name, v := range members {
				flatten(sub(name), v, out)
			}
			return
		}
	case len(text) > 0 && text[0] == '[':
		var list []json.RawMessage
		if json.Unmarshal(text, &list) == nil {
			for i, v := range list {
				flatten(sub(strconv.Itoa(i)), v, out)
			}
			return
		}
	case string(text) == "null":
		return
	}
	out[path] = string(text)
}

type approvalListIn struct {
	web.Paging
	View string `query:"view" enum:"inbox,mine,settled" default:"inbox" doc:"inbox 待我处理（最紧急的在前）；mine 我提交的；settled 我可见的已处理|those to decide (most urgent first), asked for by the caller, or settled"`
}

// mostWaiting is how many are looked through: who has more to decide works off the most urgent first.
const mostWaiting = 500

func (s *Service) getApprovals(c *web.Ctx, in *approvalListIn) (out *web.Page[approvalOut], err error) {
	who := WhoOf(c)
	err = s.db.View(c, func(v *db.View) error {
		if in.View == "inbox" {
			out = s.inbox(v, who)
			return nil
		}
		out, err = s.past(v, who, in)
		return err
	})
	return out, err
}

func (s *Service) inbox(v *db.View, who Who) *web.Page[approvalOut] {
	out := &web.Page[approvalOut]{Data: []approvalOut{}}
	for _, a := range s.WaitingApprovals(v, mostWaiting) {
		if a.Maker != who.Operator && s.mayDecide(who, a) {
			out.Data = append(out.Data, s.show(v, a))
		}
	}
	return out
}

func (s *Service) mayDecide(who Who, a Approval) bool {
	return who.CanAt(s.executors[a.Kind].Perm, a.Store)
}

// past walks approvals back from the newest; those of others are seen by who might have decided them.
func (s *Service) past(v *db.View, who Who, in *approvalListIn) (*web.Page[approvalOut], error) {
	var before int64
	if err := web.DecodeCursor(in.Cursor, &before); err != nil {
		return nil, err
	}
	var rows []approvalOut
	for walked := 0; walked < mostWaiting*10 && len(rows) <= in.Limit; {
		page := s.ApprovalsBefore(v, before, mostWaiting)
		for _, a := range page {
			before, walked = a.ID, walked+1
			mine := in.View == "mine" && a.Maker == who.Operator
			settled := in.View == "settled" && !a.isOpen() && s.mayDecide(who, a)
			if mine || settled {
				rows = append(rows, s.show(v, a))
			}
			if len(rows) > in.Limit {
				break
			}
		}
		if len(page) < mostWaiting {
			break
		}
	}
	return web.PageOf(rows, in.Limit, func(a approvalOut) string { return web.EncodeCursor(int64(a.ID)) }), nil
}
