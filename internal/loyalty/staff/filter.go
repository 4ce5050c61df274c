package staff

import (
	"encoding/json"
	"net/http"

	"guanxi/internal/base/db"
	"guanxi/internal/base/fault"
	"guanxi/internal/base/web"
)

// The faults of saved filters.
var (
	ErrNoFilter    = fault.Define("filter.not_found", fault.NotFound, "筛选不存在", "There is no such filter")
	ErrManyFilters = fault.Define("filter.too_many", fault.Conflict, "每人最多保存 {most} 个筛选", "At most {most} filters can be saved")
	ErrFilterForm  = fault.Define("filter.form", fault.Invalid, "筛选内容须为对象且不超过 4000 字节", "A filter is an object of at most 4000 bytes")
)

// A filter is what an operator has saved for a page of the console (常用筛选); only they see it.
type filterRow struct {
	Operator, ID     int64
	Page, Name, Body string
	At               int64
}

var filters = db.NewTable(db.Spec[filterRow, [2]int64]{
	Name: "staff_filter", Keys: 2, Cols: []string{"operator_id", "filter_id", "page", "name", "body", "at"},
	Row: func(r *filterRow, p []any) []any {
		return append(p, &r.Operator, &r.ID, &r.Page, &r.Name, &r.Body, &r.At)
	},
	Key:   func(r *filterRow) [2]int64 { return [2]int64{r.Operator, r.ID} },
	Args:  func(k [2]int64, a []any) []any { return append(a, k[0], k[1]) },
	Owner: func(k [2]int64) int64 { return k[0] },
})

const (
	mostFilters = 200
	maxFilter   = 4000
)

func (k Console) filters(srv *web.Server) {
	web.Route(srv, Get("/filters", "filter.list", web.AnyCaller, "自己保存的筛选", "One's own saved filters"), k.getFilters)
	web.Route(srv, Change(http.MethodPut, "/filters", "filter.save", web.AnyCaller, "保存筛选，同页同名则覆盖", "Save a filter; one of the same name on the page is replaced", ErrManyFilters, ErrFilterForm), k.putFilter)
	web.Route(srv, Change(http.MethodDelete, "/filters/{id}", "filter.remove", web.AnyCaller, "删除筛选", "Remove a filter", ErrNoFilter), k.deleteFilter)
}

type filterOut struct {
	ID    web.ID   `json:"id" doc:"筛选|the filter"`
	Page  string   `json:"page" doc:"页面|page"`
	Name  string   `json:"name" doc:"名称|name"`
	Value web.JSON `json:"value" doc:"内容|what it holds"`
	At    int64    `json:"at" doc:"保存时间|when it was saved"`
}

type filtersOut struct {
	Data []filterOut `json:"data" doc:"筛选|filters"`
}

func (k Console) getFilters(c *web.Ctx, in *struct {
	Page string `query:"page" maxLength:"64" doc:"页面，缺省为全部|page; all when absent"`
}) (*filtersOut, error) {
	return Read(c, k.Desk, func(v *db.View) (*filtersOut, error) {
		out := &filtersOut{Data: []filterOut{}}
		for _, f := range filters.OfOwner(v, WhoOf(c).Operator) {
			if in.Page == "" || in.Page == f.Page {
				out.Data = append(out.Data, filterOut{web.ID(f.ID), f.Page, f.Name, web.JSON(f.Body), f.At})
			}
		}
		return out, nil
	})
}

type filterIn struct {
	Body struct {
		Page  string   `json:"page" minLength:"1" maxLength:"64" doc:"页面|page"`
		Name  string   `json:"name" minLength:"1" maxLength:"100" doc:"名称|name"`
		Value web.JSON `json:"value" doc:"内容：筛选、排序与列|what it holds: filters, order and columns"`
	}
}

func (k Console) putFilter(c *web.Ctx, in *filterIn) (*filterOut, error) {
	var object map[string]json.RawMessage
	if len(in.Body.Value) > maxFilter || json.Unmarshal([]byte(in.Body.Value), &object) != nil || object == nil {
		return nil, ErrFilterForm.New().At("value")
	}
	return web.Write(c, db.Op{}, func(tx *db.Tx) (*filterOut, error) {
		mine := filters.OfOwner(tx, WhoOf(c).Operator)
		row := filterRow{WhoOf(c).Operator, tx.ID(), in.Body.Page, in.Body.Name, string(in.Body.Value), tx.Now()}
		for _, f := range mine {
			if f.Page == row.Page && f.Name == row.Name {
				row.ID = f.ID
			}
		}
		if len(mine) >= mostFilters {
			return nil, ErrManyFilters.With("most", mostFilters)
		}
		filters.Put(tx, row)
		return &filterOut{web.ID(row.ID), row.Page, row.Name, in.Body.Value, row.At}, nil
	})
}

func (k Console) deleteFilter(c *web.Ctx, in *struct {
	ID web.ID `path:"id" doc:"筛选|the filter"`
}) (*web.None, error) {
	return web.Write(c, db.Op{}, func(tx *db.Tx) (*web.None, error) {
		key := [2]int64{WhoOf(c).Operator, int64(in.ID)}
		if _, ok := filters.Get(tx, key); !ok {
			return nil, ErrNoFilter.New()
		}
		filters.Delete(tx, key)
		return &web.None{}, nil
	})
}
