package exporter

import (
	"fmt"
	"strconv"

	"guanxi/internal/base/db"
	"guanxi/internal/base/id"
	"guanxi/internal/base/job"
	"guanxi/internal/base/web"
	"guanxi/internal/loyalty/ledger"
	"guanxi/internal/loyalty/member"
	"guanxi/internal/loyalty/order"
	"guanxi/internal/loyalty/shop"
	"guanxi/internal/loyalty/staff"
	"guanxi/internal/loyalty/tier"
)

// Lists is everything that can be exported.
func (e *Exporter) Lists() []List {
	return append(e.moreLists(), []List{
		{Name: "members", Zh: "会员", En: "Members", Perm: "export.members", Personal: true, Filters: []string{"status", "channel", "store", "joined_from", "joined_until"},
			Columns: []Column{{"会员编号", "Member"}, {"状态", "Status"}, {"入会时间", "Joined"}, {"渠道", "Channel"}, {"门店", "Store"}, {"来源", "Source"}, {"昵称", "Nickname"},
				{"手机号", "Phone"}, {"积分", "Points"}, {"成长值", "Growth"}, {"等级", "Tier"}}, Rows: e.members},
		{Name: "orders", Zh: "订单", En: "Orders", Perm: "view.orders", ByStore: true, Filters: []string{"source", "channel", "store", "status", "terminal", "member", "from", "until"},
			Columns: []Column{{"订单", "Order"}, {"会员编号", "Member"}, {"来源", "Source"}, {"单号", "Number"}, {"状态", "Status"}, {"实付（元）", "Paid (yuan)"}, {"可积分（元）", "Eligible (yuan)"},
				{"已退（元）", "Refunded (yuan)"}, {"抵扣积分", "Points used"}, {"渠道", "Channel"}, {"门店", "Store"}, {"支付时间", "Paid at"}, {"收到时间", "Received at"},
				{"终端编号", "Terminal"}, {"终端", "Terminal name"}}, Rows: e.orders},
		{Name: "entries", Zh: "资产流水", En: "Ledger entries", Perm: "view.points", ByStore: true, Filters: []string{"asset", "member", "from", "until"},
			Columns: []Column{{"会员编号", "Member"}, {"资产", "Asset"}, {"序号", "Number"}, {"记账时间", "Booked"}, {"发生时间", "Happened"}, {"种类", "Kind"}, {"数量", "Amount"}, {"余额", "Balance"},
				{"关联", "About"}, {"规则版本", "Rule version"}, {"到期", "Lapses"}, {"原因", "Reason"}}, Rows: e.entries},
		{Name: "log", Zh: "操作日志", En: "Operation log", Perm: "view.log", Filters: []string{"operator", "act", "from", "until"},
			Columns: []Column{{"序号", "Number"}, {"时间", "When"}, {"操作员", "Operator"}, {"姓名", "Name"}, {"角色", "Roles"}, {"动作", "Act"}, {"对象", "About"}, {"之前", "Before"}, {"之后", "After"},
				{"原因", "Reason"}, {"哈希", "Hash"}}, Rows: e.log},
		{Name: "operators", Zh: "操作员", En: "Operators", Perm: "view.operators", Filters: []string{"status", "text"}, Columns: []Column{{"编号", "Id"}, {"登录名", "Login"}, {"姓名", "Name"}, {"状态", "Status"}, {"创建时间", "Made"}, {"角色", "Roles"}}, Rows: e.operators},
		{Name: "stores", Zh: "门店", En: "Stores", Perm: "view.shops", Filters: []string{"status", "region", "brand"}, Columns: []Column{{"编号", "Id"}, {"编码", "Code"}, {"中文名", "Name (zh)"}, {"英文名", "Name (en)"}, {"区域", "Region"}, {"状态", "Status"}}, Rows: e.stores},
		{Name: "jobs", Zh: "任务", En: "Jobs", Perm: "view.jobs", Filters: []string{"state", "kind"},
			Columns: []Column{{"任务", "Job"}, {"种类", "Kind"}, {"状态", "State"}, {"产生时间", "Made"}, {"时间", "Due or ended"}, {"尝试次数", "Attempts"}, {"错误", "Error"}}, Rows: e.jobs},
	}...)
}

// after reads a place that is one number.
func after(place string) (n int64, err error) { return n, web.DecodeCursor(place, &n) }

// more is the place behind a page's last row; "" when the page is not full.
func more(n int, last int64) string {
	if n < page {
		return ""
	}
	return web.EncodeCursor(last)
}

func (e *Exporter) members(v *db.View, o Order, place string) ([][]any, string, error) {
	before, err := after(place)
	if err != nil {
		return nil, "", err
	}
	f := member.Filter{Status: o.Filter["status"], Channel: o.Filter["channel"]}
	if f.From, err = o.number("joined_from"); err != nil {
		return nil, "", err
	}
	if f.Until, err = o.number("joined_until"); err != nil {
		return nil, "", err
	}
	var none bool
	if f.Stores, none = o.within(); none {
		return nil, "", nil
	}
	list := member.Newest(v, f, before, page)
	rules, rows := tier.Policy.At(v, v.Now()).Value, make([][]any, 0, len(list))
	for _, m := range list {
		name, phone, err := e.person(v, o, m)
		if err != nil {
			return nil, "", err
		}
		rows = append(rows, []any{id.String(m.ID), m.Status, At(m.JoinedAt), m.Channel, m.Store, m.Source, name, phone, ledger.Now(v, m.ID, ledger.Points).Balance,
			ledger.Now(v, m.ID, ledger.Growth).Balance, rules.Level(tier.Of(v, m.ID).Held(v.Now())).Key})
	}
	if len(list) == 0 {
		return nil, "", nil
	}
	return rows, more(len(list), list[len(list)-1].ID), nil
}

// person is what of a member is personal, masked unless the order says otherwise.
func (e *Exporter) person(v *db.View, o Order, m member.Member) (name, phone string, err error) {
	if !o.Clear {
		s, err := member.Console{Desk: e.Desk, S: e.Members}.Summary(v, m)
		return s.Name, s.Phone, err
	}
	p, err := e.Members.ProfileOf(v, m.ID)
	return p.Nickname.Reveal(), p.Phone.Reveal(), err
}

func (e *Exporter) orders(v *db.View, o Order, place string) ([][]any, string, error) {
	before, err := after(place)
	if err != nil {
		return nil, "", err
	}
	f := order.Filter{Source: o.Filter["source"], Channel: o.Filter["channel"], Status: o.Filter["status"]}
	if f.From, err = o.number("from"); err != nil {
		return nil, "", err
	}
	if f.Until, err = o.number("until"); err != nil {
		return nil, "", err
	}
	if f.Terminal, err = o.number("terminal"); err != nil {
		return nil, "", err
	}
	one, err := o.number("member")
	if err != nil {
		return nil, "", err
	}
	var none bool
	switch f.Stores, none = o.within(); {
	case one != 0: // whom the asker may see, and so all of their orders
		f.Members, f.Stores = member.Family(v, one), nil
	case none:
		return nil, "", nil
	}
	list, goOn := order.List(v, f, before, page)
	rows := make([][]any, 0, len(list))
	for _, l := range list {
		who := ""
		if l.Member != 0 {
			who = id.String(l.Member)
		}
		till, _ := e.Shop.Terminal(v, l.Terminal) // none for most
		rows = append(rows, []any{id.String(l.ID), who, l.Source, l.No, l.Status, Fen(l.Amount), Fen(l.Eligible), Fen(l.Refunded), l.PointsUsed, l.Channel, l.Store, At(l.Occurred), At(l.Received), till.Code, till.Name})
	}
	switch {
	case goOn != 0:
		return rows, web.EncodeCursor(goOn), nil
	case len(list) == 0:
		return rows, "", nil
	}
	return rows, more(len(list), list[len(list)-1].Place), nil
}

func (e *Exporter) entries(v *db.View, o Order, place string) ([][]any, string, error) {
	var k ledger.EntryKey
	var asset int64
	if err := web.DecodeCursor(place, &k.Member, &asset, &k.Seq); err != nil {
		return nil, "", err
	}
	k.Asset = int(asset)
	one, err := o.number("member")
	if err != nil {
		return nil, "", err
	}
	from, err := o.number("from")
	if err != nil {
		return nil, "", err
	}
	until, err := o.number("until")
	if err != nil {
		return nil, "", err
	}
	if !o.All && one == 0 {
		return nil, "", ErrFilter.With("filter", "member").At("filter") // of all members only for who sees all stores
	}
	var rows [][]any
	list := ledger.EntriesAfter(v, k, one, page)
	for _, x := range list {
		if name := o.Filter["asset"]; name != "" && name != ledger.AssetName(x.Asset) || x.At < from || until > 0 && x.At >= until {
			continue
		}
		rule := ""
		if x.Rule != 0 {
			rule = id.String(x.Rule)
		}
		rows = append(rows, []any{id.String(x.Member), ledger.AssetName(x.Asset), x.Seq, At(x.At), At(x.Occurred), x.Kind, x.Amount, x.Balance, x.Ref, rule, At(x.Expires), x.Details().Reason})
	}
	if len(list) < page {
		return rows, "", nil
	}
	last := list[len(list)-1]
	return rows, web.EncodeCursor(last.Member, int64(last.Asset), last.Seq), nil
}

func (e *Exporter) log(v *db.View, o Order, place string) ([][]any, string, error) {
	before, err := after(place)
	if err != nil {
		return nil, "", err
	}
	f := staff.LogFilter{Act: o.Filter["act"]}
	for name, to := range map[string]*int64{"operator": &f.Operator, "from": &f.From, "until": &f.Until} {
		if *to, err = o.number(name); err != nil {
			return nil, "", err
		}
	}
	var rows [][]any
	last := int64(0)
	for _, r := range e.Staff.LogSearch(v, f, before, page) {
		rows = append(rows, []any{r.Seq, At(r.At), id.String(r.Operator), e.Name(v, fmt.Sprint("staff:", r.Operator)), r.Roles, r.Act, r.Targets, r.Old, r.New, r.Reason, r.Hash})
		last = r.Seq
	}
	return rows, more(len(rows), last), nil
}

func (e *Exporter) operators(v *db.View, o Order, place string) ([][]any, string, error) {
	from, err := after(place)
	if err != nil {
		return nil, "", err
	}
	var rows [][]any
	last := int64(0)
	for _, x := range e.Staff.Operators(v, staff.OperatorFilter{Status: o.Filter["status"], Text: o.Filter["text"]}, from, page) {
		rows = append(rows, []any{id.String(x.ID), x.Login, x.Name, x.Status, At(x.CreatedAt), staff.RolesText(x.Grants)})
		last = x.ID
	}
	return rows, more(len(rows), last), nil
}

func (e *Exporter) stores(v *db.View, o Order, place string) ([][]any, string, error) {
	from, err := after(place)
	if err != nil {
		return nil, "", err
	}
	f := shop.StoreFilter{Status: o.Filter["status"], Region: o.Filter["region"]}
	if f.Brand, err = o.number("brand"); err != nil {
		return nil, "", err
	}
	var rows [][]any
	last := int64(0)
	for _, s := range e.Shop.Stores(v, f, from, page) {
		rows = append(rows, []any{id.String(s.ID), s.Code, s.NameZh, s.NameEn, s.Region, s.Status})
		last = s.ID
	}
	return rows, more(len(rows), last), nil
}

func (e *Exporter) jobs(v *db.View, o Order, place string) ([][]any, string, error) {
	before, err := after(place)
	if err != nil {
		return nil, "", err
	}
	var rows [][]any
	last := int64(0)
	for _, j := range job.List(v, job.Filter{State: o.Filter["state"], Kind: o.Filter["kind"]}, before, page) {
		rows = append(rows, []any{id.String(j.ID), j.Kind, j.State, At(j.CreatedAt), At(j.DueAt), strconv.Itoa(j.Attempts), j.LastError})
		last = j.ID
	}
	return rows, more(len(rows), last), nil
}
