package exporter

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"

	"guanxi/internal/base/db"
	"guanxi/internal/base/id"
	"guanxi/internal/base/task"
	"guanxi/internal/base/web"
	"guanxi/internal/loyalty/member"
	"guanxi/internal/loyalty/staff"
)

// Register adds the routes. Which lists somebody may export is decided by the list's own permission.
func (e *Exporter) Register(srv *web.Server) {
	srv.Tag("export", "导出", "Exports")
	web.Route(srv, staff.Get("/exports/lists", "export.lists", web.AnyCaller, "当前操作员可导出的列表", "Lists the caller may export"), e.getLists)
	web.Route(srv, staff.Get("/exports", "export.mine", web.AnyCaller, "我的导出，从新到旧", "The caller's exports, newest first", web.ErrCursor), e.mine)
	web.Route(srv, staff.Created(staff.Dangerous(staff.Change(http.MethodPost, "/exports", "export.start", web.AnyCaller, "导出一个列表；会员数超出限额转为复核申请", "Export a list; of more members than the limit, ask for it",
		ErrList, ErrFilter, staff.ErrDenied, staff.ErrReason, member.ErrNone))), e.post)
	web.Route(srv, staff.Get("/exports/{id}/file", "export.file", web.AnyCaller, "下载导出的文件（24 小时内，仅本人）", "Download an exported file (for a day, by who asked for it)", ErrGone), e.file)
}

type listOut struct {
	Name     string   `json:"name" doc:"代码|name"`
	Zh       string   `json:"zh" doc:"中文名|in Chinese"`
	En       string   `json:"en" doc:"英文名|in English"`
	Personal bool     `json:"personal" doc:"含个人信息（脱敏）|has personal fields, masked"`
	Clear    bool     `json:"clear" doc:"可导出明文|may be exported in clear"`
	Filters  []string `json:"filters" doc:"可用的筛选|filters it knows"`
}

type listsOut struct {
	Data  []listOut `json:"data" doc:"列表|lists"`
	Most  int64     `json:"most" doc:"单次最多行数|rows of one file at most"`
	Limit int64     `json:"limit" doc:"单人可导出的会员数，超出须复核|members one person may export alone"`
}

func (e *Exporter) getLists(c *web.Ctx, _ *struct{}) (*listsOut, error) {
	who := staff.WhoOf(c)
	return staff.Read(c, e.Desk, func(v *db.View) (*listsOut, error) {
		out := &listsOut{Data: []listOut{}, Most: e.most(), Limit: e.Staff.LimitNow(v, staff.ExportRows)}
		for _, l := range e.Lists() {
			if may(who, l) {
				out.Data = append(out.Data, listOut{l.Name, l.Zh, l.En, l.Personal, l.Personal && who.CanAt("unmask.members", 0), append([]string{}, l.Filters...)})
			}
		}
		return out, nil
	})
}

// may says who exports a list: what is about the whole programme, or names people, is for who sees all stores.
func may(who staff.Who, l List) bool {
	switch {
	case l.Everybody:
		return true
	case l.ByStore:
		return who.Can(l.Perm)
	}
	return who.CanAt(l.Perm, 0)
}

func (e *Exporter) mine(c *web.Ctx, in *web.Paging) (*web.Page[staff.TaskOut], error) {
	return e.Tasks(c, task.Filter{Kind: string(Export), Owner: c.Caller.Actor()}, *in)
}

type filterItem struct {
	Name  string `json:"name" maxLength:"32" doc:"筛选项|which filter"`
	Value string `json:"value" maxLength:"120" doc:"值|its value"`
}

type startIn struct {
	Body struct {
		List   string       `json:"list" maxLength:"32" doc:"列表|the list"`
		Format string       `json:"format" enum:"csv,xlsx" doc:"格式|format"`
		Filter []filterItem `json:"filter,omitempty" maxItems:"20" doc:"筛选，与列表页相同|filters, as on the list's page"`
		Clear  bool         `json:"clear,omitempty" doc:"个人信息用明文，须有权限并填写原因|personal fields in clear: takes the permission and a reason"`
		Reason string       `json:"reason,omitempty" maxLength:"500" doc:"原因；导出会员时必填|why; needed for members"`
	}
}

type startOut struct {
	State    string  `json:"state" enum:"done,waiting" doc:"done 已开始；waiting 待他人复核|begun, or waiting for somebody to agree"`
	Task     *web.ID `json:"task,omitempty" doc:"后台作业|the task"`
	Approval *web.ID `json:"approval,omitempty" doc:"复核申请|the request for approval"`
}

func (e *Exporter) post(c *web.Ctx, in *startIn) (*startOut, error) {
	l, o, err := e.order(c, in)
	if err != nil {
		return nil, err
	}
	if l.Personal {
		return e.personal(c, o)
	}
	return staff.Write(c, e.Desk, db.Op{}, func(tx *db.Tx) (*startOut, staff.Act, error) {
		act, err := e.start(tx, o)
		if err != nil {
			return nil, act, err
		}
		act.Reason = o.Reason
		made := web.ID(act.Targets[0])
		return &startOut{State: "done", Task: &made}, act, nil
	})
}

// order checks what is asked for against what the asker may have.
func (e *Exporter) order(c *web.Ctx, in *startIn) (List, Order, error) {
	who, b := staff.WhoOf(c), in.Body
	o := Order{List: b.List, Format: b.Format, Filter: map[string]string{}, Lang: c.Lang(), Clear: b.Clear, Owner: c.Caller.Actor(), Asker: who.Operator, Reason: b.Reason}
	l, err := e.list(b.List)
	switch {
	case err != nil:
		return l, o, err
	case !may(who, l):
		return l, o, staff.ErrDenied.With("perm", l.Perm)
	case o.Clear && !(l.Personal && who.CanAt("unmask.members", 0)):
		return l, o, staff.ErrDenied.With("perm", "unmask.members")
	}
	for _, f := range b.Filter {
		if !slices.Contains(l.Filters, f.Name) {
			return l, o, ErrFilter.With("filter", f.Name).At("filter")
		}
		o.Filter[f.Name] = f.Value
	}
	for _, name := range []string{"from", "until", "joined_from", "joined_until", "member", "operator", "place", "brand", "terminal", "import", "day", "days"} {
		if _, err := o.number(name); err != nil {
			return l, o, err
		}
	}
	if l.Name == "approvals" {
		o.Kinds = e.Staff.Decides(who)
	}
	err = e.DB.View(c, func(v *db.View) error {
		o.Stores, o.All = e.StoreCodes(v, who, l.Perm)
		if one, _ := o.number("member"); one != 0 {
			_, err := member.Reach(v, e.Desk, who, l.Perm, one)
			return err
		}
		return nil
	})
	return l, o, err
}

// personal carries out an export of members, alone or by two.
func (e *Exporter) personal(c *web.Ctx, o Order) (*startOut, error) {
	var limit int64
	err := e.DB.View(c, func(v *db.View) error { limit = e.Staff.LimitNow(v, staff.ExportRows); return nil })
	if err != nil {
		return nil, err
	}
	l, err := e.list(o.List)
	if err != nil {
		return nil, err
	}
	if o.Rows, err = e.count(c, l, o, limit); err != nil {
		return nil, err
	}
	done, err := e.deed().Carry(c, e.Staff, db.Op{}, 0, o, o.Reason)
	if err != nil {
		return nil, err
	}
	return &startOut{State: done.State, Approval: done.Approval}, nil
}

type fileIn struct {
	ID web.ID `path:"id" doc:"导出作业|the export"`
}

var media = map[string]string{"csv": "text/csv; charset=utf-8", "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"}

// file hands out the file to who asked for it. Each download is logged before its first byte.
func (e *Exporter) file(c *web.Ctx, in *fileIn) (*web.None, error) {
	var done Written
	err := e.DB.Write(c, db.Op{Actor: c.Caller.Actor()}, func(tx *db.Tx) error {
		t, ok := task.Get(tx, int64(in.ID))
		if !ok || t.Kind != string(Export) || t.Owner != c.Caller.Actor() || t.State != task.Done || tx.Now() >= t.FinishedAt+keepFor {
			return ErrGone.New()
		}
		if err := json.Unmarshal([]byte(t.Result), &done); err != nil {
			return err
		}
		return e.Staff.Log(tx, staff.WhoOf(c), staff.Act{What: "export.download", Targets: []int64{t.ID}, New: map[string]any{"list": done.List, "rows": done.Rows}})
	})
	if err != nil {
		return nil, err
	}
	f, err := os.Open(e.path(int64(in.ID)))
	if errors.Is(err, os.ErrNotExist) {
		return nil, ErrGone.New()
	}
	if err != nil {
		return nil, err
	}
	name := fmt.Sprintf("guanxi-%s-%s.%s", done.List, id.String(int64(in.ID)), done.Format)
	c.Download(name, media[done.Format], func(w io.Writer) error {
		defer func() { _ = f.Close() }()
		_, err := io.Copy(w, e.Vault.OpenFile(f, place(int64(in.ID))))
		return err
	})
	return &web.None{}, nil
}
