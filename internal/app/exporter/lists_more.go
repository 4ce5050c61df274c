package exporter

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"guanxi/internal/app/importer"
	"guanxi/internal/base/db"
	"guanxi/internal/base/id"
	"guanxi/internal/base/task"
	"guanxi/internal/base/web"
	"guanxi/internal/edge/entry"
	"guanxi/internal/loyalty/campaign"
	"guanxi/internal/loyalty/earn"
	"guanxi/internal/loyalty/member"
	"guanxi/internal/loyalty/order"
	"guanxi/internal/loyalty/payment"
	"guanxi/internal/loyalty/shop"
	"guanxi/internal/loyalty/tier"
	"guanxi/internal/loyalty/track"
)

// moreLists are the lists that are no members, orders or entries.
func (e *Exporter) moreLists() []List {
	return []List{
		{Name: "terminals", Zh: "终端", En: "Terminals", Perm: "view.shops", Filters: []string{"place", "status"},
			Columns: []Column{{"编号", "Number"}, {"名称", "Name"}, {"门店编码", "Store"}, {"门店", "Store name"}, {"状态", "Status"}, {"合作方", "Partner"}, {"有效密钥", "Live keys"}, {"最近出现", "Last seen"}}, Rows: e.terminals},
		{Name: "partners", Zh: "合作方", En: "Partners", Perm: "view.partners",
			Columns: []Column{{"编号", "Id"}, {"名称", "Name"}, {"状态", "Status"}, {"权限", "Scopes"}, {"门店编码", "Store"}, {"有效密钥", "Live keys"}, {"最近使用", "Last used"}}, Rows: e.partners},
		{Name: "rules", Zh: "积分规则", En: "Earning rules", Perm: "view.rules",
			Columns: []Column{{"规则", "Rule"}, {"版本", "Version"}, {"状态", "State"}, {"种类", "Kind"}, {"中文名", "Name (zh)"}, {"英文名", "Name (en)"}, {"奖励", "Gives"}, {"优先级", "Priority"}, {"互斥组", "Group"},
				{"设置", "Settings"}, {"条件", "Condition"}, {"生效", "From"}, {"失效", "Until"}, {"起草", "Drafted by"}, {"发布", "Published by"}, {"说明", "Note"}}, Rows: e.rules},
		{Name: "campaigns", Zh: "活动", En: "Campaigns", Perm: "view.campaigns",
			Columns: []Column{{"活动", "Campaign"}, {"版本", "Version"}, {"状态", "State"}, {"种类", "Kind"}, {"中文名", "Name (zh)"}, {"英文名", "Name (en)"}, {"设置", "Settings"}, {"开始", "From"}, {"结束", "Until"},
				{"起草", "Drafted by"}, {"发布", "Published by"}}, Rows: e.campaigns},
		{Name: "payments", Zh: "收款", En: "Payments", Perm: "view.orders",
			Columns: []Column{{"收款", "Payment"}, {"商户号", "Merchant"}, {"商户订单号", "Number"}, {"会员编号", "Member"}, {"来源", "Source"}, {"单号", "Order"}, {"金额（元）", "Amount (yuan)"}, {"已退（元）", "Refunded (yuan)"},
				{"抵扣积分", "Points used"}, {"状态", "State"}, {"门店", "Store"}, {"创建", "Made"}, {"支付时间", "Paid at"}}, Rows: e.payments},
		{Name: "payment-incidents", Zh: "支付异常", En: "Incidents of payments", Perm: "view.orders",
			Columns: []Column{{"类别", "Kind"}, {"商户号", "Merchant"}, {"单号", "Number"}, {"详情", "Detail"}, {"次数", "Times"}, {"首次", "First"}, {"最近", "Last"}}, Rows: e.paymentIncidents},
		{Name: "waiting", Zh: "待匹配退款", En: "Refunds without an order", Perm: "view.orders",
			Columns: []Column{{"来源", "Source"}, {"退款单号", "Refund"}, {"原单号", "Order"}, {"金额（元）", "Amount (yuan)"}, {"状态", "State"}, {"接收时间", "Received"}}, Rows: e.waiting},
		{Name: "approvals", Zh: "复核", En: "Approvals", Everybody: true, Filters: []string{"view"},
			Columns: []Column{{"申请", "Asked for"}, {"状态", "State"}, {"原因", "Reason"}, {"申请人", "By"}, {"提交", "Asked"}, {"复核人", "Decided by"}, {"处理说明", "Note"}, {"处理时间", "Decided"}, {"到期", "Expires"}, {"内容", "Content"}, {"SHA-256", "SHA-256"}}, Rows: e.approvals},
		{Name: "imports", Zh: "导入", En: "Imports", Perm: "view.orders", Filters: []string{"state", "text"},
			Columns: []Column{{"文件", "File"}, {"状态", "State"}, {"字节", "Bytes"}, {"上传人", "By"}, {"时间", "When"}, {"订单", "Orders"}, {"退款", "Refunds"}, {"被拒的行", "Refused"}}, Rows: e.imports},
		{Name: "refusals", Zh: "导入被拒的行", En: "Lines an import refused", Perm: "view.orders", Filters: []string{"import"},
			Columns: []Column{{"行", "Line"}, {"单号", "Number"}, {"字段", "Field"}, {"代码", "Code"}, {"原因", "Why"}}, Rows: e.refusals},
		{Name: "tiers", Zh: "等级变动", En: "Changes of tier", Perm: "view.points", ByStore: true, Filters: []string{"member"},
			Columns: []Column{{"会员编号", "Member"}, {"序号", "Number"}, {"等级", "Tier"}, {"应得等级", "Earned"}, {"从", "From"}, {"有效期", "Until"}, {"原因", "Reason"}, {"说明", "Note"}, {"经办", "By"}}, Rows: e.tiers},
		{Name: "expiring", Zh: "积分将到期的会员", En: "Members whose points lapse", Perm: "view.reports", Filters: []string{"days"},
			Columns: []Column{{"会员编号", "Member"}, {"即将到期积分", "Points that lapse"}, {"最早到期日", "First day"}}, Rows: e.expiring},
		{Name: "demotions", Zh: "等级到期日历", En: "Calendar of tiers that end", Perm: "view.reports", Filters: []string{"days"},
			Columns: []Column{{"到期日", "Day"}, {"等级", "Tier"}, {"到期会员", "Members"}, {"将降级", "Would step down"}}, Rows: e.demotions},
		{Name: "ending", Zh: "等级将到期的会员", En: "Members whose tier ends", Perm: "view.reports", Filters: []string{"day"},
			Columns: []Column{{"会员编号", "Member"}, {"等级", "Tier"}, {"有效期", "Until"}, {"成长值", "Growth"}, {"保级成长值", "Growth to keep it"}, {"将降级", "Would step down"}}, Rows: e.ending},
		{Name: "links", Zh: "入口链接", En: "Entry links", Perm: "view.campaigns",
			Columns: []Column{{"名称", "Name"}, {"地址", "Address"}, {"落地页", "Leads to"}, {"打开方式", "Opens"}, {"渠道", "Channel"}, {"门店", "Store"}, {"来源", "Source"}, {"媒介", "Medium"}, {"活动", "Campaign"},
				{"访问", "Visits"}, {"入会", "Joined"}, {"行为", "Events"}, {"状态", "State"}, {"建立时间", "Made"}, {"经办", "By"}}, Rows: e.links},
		{Name: "suspects", Zh: "疑似同一人", En: "Possibly one person", Perm: "merge.members", Filters: []string{"state"},
			Columns: []Column{{"会员编号", "Member"}, {"入会时间", "Joined"}, {"另一会员编号", "Other member"}, {"另一入会时间", "Other joined"}, {"一同出示", "Shown together"}, {"由谁带来", "Brought by"}, {"次数", "Times"}, {"首次", "First"}, {"最近", "Last"},
				{"状态", "State"}, {"处理人", "Decided by"}, {"处理时间", "Decided"}, {"原因", "Reason"}}, Rows: e.suspects},
		{Name: "webhooks", Zh: "事件推送", En: "Webhooks", Perm: "view.partners",
			Columns: []Column{{"地址", "Address"}, {"事件", "Facts"}, {"状态", "State"}, {"连续失败", "Failures in a row"}, {"最近的错误", "Last error"}, {"最近送达", "Last delivery"}, {"建立时间", "Made"}}, Rows: e.webhooks},
		{Name: "channel-incidents", Zh: "渠道异常", En: "Incidents of channels", Perm: "view.settings",
			Columns: []Column{{"时间", "When"}, {"异常", "What"}, {"账号", "Account"}, {"详情", "Detail"}}, Rows: e.channelIncidents},
	}
}

// said is one of two texts, in the language of the file.
func (o *Order) said(zh, en string) string {
	if o.Lang == "en" {
		return en
	}
	return zh
}

func yes(o Order, is bool) string {
	if is {
		return o.said("是", "yes")
	}
	return o.said("否", "no")
}

// dayText is a local day as people read it.
func dayText(day int) string { return fmt.Sprintf("%04d-%02d-%02d", day/10_000, day/100%100, day%100) }

// maybe is an id, or nothing where there is none.
func maybe(n int64) string {
	if n == 0 {
		return ""
	}
	return id.String(n)
}

func (e *Exporter) storeCode(v *db.View, n int64) shop.Store {
	st, _ := e.Shop.Store(v, n) // of a store that is gone nothing is known
	return st
}

// live counts the keys that are not revoked and tells when one was used last.
func live(keys []shop.Key) (n int, used int64) {
	for _, k := range keys {
		if k.RevokedAt == 0 {
			n++
		}
		used = max(used, k.UsedAt)
	}
	return n, used
}

func (e *Exporter) terminals(v *db.View, o Order, place string) ([][]any, string, error) {
	from, err := after(place)
	if err != nil {
		return nil, "", err
	}
	store, err := o.number("place")
	if err != nil {
		return nil, "", err
	}
	var rows [][]any
	last := int64(0)
	for _, t := range e.Shop.Terminals(v, store, o.Filter["status"], from, page) {
		st, who := e.storeCode(v, t.Store), ""
		if p, err := e.Shop.Partner(v, t.Partner); err == nil {
			who = p.Name
		}
		n, used := live(e.Shop.TerminalKeys(v, t))
		rows = append(rows, []any{t.Code, t.Name, st.Code, o.said(st.NameZh, st.NameEn), t.Status, who, n, At(used)})
		last = t.ID
	}
	return rows, more(len(rows), last), nil
}

func (e *Exporter) partners(v *db.View, _ Order, _ string) (rows [][]any, next string, err error) {
	for _, p := range e.Shop.Partners(v) {
		n, used := live(e.Shop.Keys(v, p.ID))
		rows = append(rows, []any{id.String(p.ID), p.Name, p.Status, strings.Join(p.Scopes, " "), e.storeCode(v, p.Store).Code, n, At(used)})
	}
	return rows, "", nil
}

func (e *Exporter) rules(v *db.View, _ Order, _ string) (rows [][]any, next string, err error) {
	for _, x := range earn.VersionsOf(v, 0) {
		s := x.SpecOf()
		rows = append(rows, []any{id.String(x.Rule), x.No, x.State, s.Kind, s.Zh, s.En, s.Asset, s.Priority, s.Group, string(s.Settings), string(s.When), At(x.From), At(x.Until),
			e.Name(v, x.Author), e.Name(v, x.PublishedBy), x.Note})
	}
	return rows, "", nil
}

func (e *Exporter) campaigns(v *db.View, _ Order, _ string) (rows [][]any, next string, err error) {
	for _, x := range campaign.VersionsOf(v, 0) {
		s := x.SpecOf()
		rows = append(rows, []any{id.String(x.Campaign), x.No, x.State, s.Kind, s.Zh, s.En, string(s.Settings), At(x.From), At(x.Until), e.Name(v, x.Author), e.Name(v, x.PublishedBy)})
	}
	return rows, "", nil
}

func (e *Exporter) payments(v *db.View, _ Order, place string) ([][]any, string, error) {
	before, err := after(place)
	if err != nil {
		return nil, "", err
	}
	var rows [][]any
	last := int64(0)
	for _, p := range payment.Latest(v, before, page) {
		rows = append(rows, []any{id.String(p.ID), p.Mch, p.No, maybe(p.Member), p.Source, p.OrderNo, Fen(p.Amount), Fen(p.Refunded), p.Points, p.State, p.Store, At(p.Created), At(p.PaidAt)})
		last = p.ID
	}
	return rows, more(len(rows), last), nil
}

func (e *Exporter) paymentIncidents(v *db.View, _ Order, place string) ([][]any, string, error) {
	before, err := after(place)
	if err != nil {
		return nil, "", err
	}
	var rows [][]any
	last := int64(0)
	for _, i := range payment.Incidents(v, before, page) {
		rows = append(rows, []any{i.Kind, i.Mch, i.No, i.Detail, i.Times, At(i.First), At(i.Last)})
		last = i.ID
	}
	return rows, more(len(rows), last), nil
}

func (e *Exporter) waiting(v *db.View, _ Order, place string) ([][]any, string, error) {
	var key, no string
	if err := web.DecodeCursor(place, &key, &no); err != nil {
		return nil, "", err
	}
	list := order.WaitingAfter(v, key, no, page)
	rows := make([][]any, 0, len(list))
	for _, w := range list {
		var r order.RefundIn
		if err := json.Unmarshal([]byte(w.Body), &r); err != nil {
			return nil, "", err
		}
		rows = append(rows, []any{r.Source, w.RefundNo, r.OrderNo, Fen(r.Amount), w.State, At(w.Received)})
	}
	if len(list) < page {
		return rows, "", nil
	}
	last := list[len(list)-1]
	return rows, web.EncodeCursor(last.Key, last.RefundNo), nil
}

// approvals are those that the asker sees on the page: asked by them, or theirs to decide.
func (e *Exporter) approvals(v *db.View, o Order, place string) ([][]any, string, error) {
	before, err := after(place)
	if err != nil {
		return nil, "", err
	}
	var rows [][]any
	list := e.Staff.ApprovalsBefore(v, before, page)
	for _, a := range list {
		mine, theirs := a.Maker == o.Asker, slices.Contains(o.Kinds, a.Kind)
		open := a.State == "waiting" || a.State == "approved"
		switch view := o.Filter["view"]; {
		case !mine && !theirs, view == "mine" && !mine, view == "inbox" && (mine || a.State != "waiting"), view == "settled" && (!theirs || open):
			continue
		}
		checker := ""
		if a.Checker != 0 {
			checker = e.Name(v, fmt.Sprint("staff:", a.Checker))
		}
		rows = append(rows, []any{o.said(e.Staff.KindName(a.Kind)), a.State, a.Reason, e.Name(v, fmt.Sprint("staff:", a.Maker)), At(a.CreatedAt), checker, a.Note, At(a.DecidedAt), At(a.ExpiresAt), a.Payload, a.Digest})
	}
	if len(list) < page {
		return rows, "", nil
	}
	return rows, web.EncodeCursor(list[len(list)-1].ID), nil
}

// reportOf is what the last run of a file told, or its last dry run.
func reportOf(v *db.View, f importer.File) (r importer.Report, err error) {
	for _, n := range []int64{f.Run, f.Check} {
		if t, ok := task.Get(v, n); ok && t.Result != "" {
			return r, json.Unmarshal([]byte(t.Result), &r)
		}
	}
	return r, nil
}

func (e *Exporter) imports(v *db.View, o Order, place string) ([][]any, string, error) {
	before, err := after(place)
	if err != nil {
		return nil, "", err
	}
	var rows [][]any
	last := int64(0)
	for _, f := range importer.FilesBefore(v, importer.Filter{State: o.Filter["state"], Text: o.Filter["text"]}, before, page) {
		r, err := reportOf(v, f)
		if err != nil {
			return nil, "", err
		}
		rows = append(rows, []any{f.Name, f.State, f.Size, e.Name(v, f.Owner), At(f.Created), r.Orders, r.Refunds, r.Refused})
		last = f.ID
	}
	return rows, more(len(rows), last), nil
}

func (e *Exporter) refusals(v *db.View, o Order, _ string) (rows [][]any, next string, err error) {
	n, err := o.number("import")
	if err != nil {
		return nil, "", err
	}
	f, ok := importer.Files.Get(v, n)
	if !ok {
		return nil, "", ErrFilter.With("filter", "import").At("filter")
	}
	r, err := reportOf(v, f)
	for _, x := range r.Refusals {
		rows = append(rows, []any{x.Line, x.No, x.Field, x.Code, o.said(x.Zh, x.En)})
	}
	return rows, "", err
}

func (e *Exporter) tiers(v *db.View, o Order, _ string) (rows [][]any, next string, err error) {
	one, err := o.number("member")
	if err != nil || one == 0 {
		return nil, "", ErrFilter.With("filter", "member").At("filter")
	}
	rules := tier.Policy.At(v, v.Now()).Value
	name := func(rank int) string { l := rules.Level(rank); return o.said(l.Zh, l.En) }
	for _, x := range tier.HistoryOf(v, one) {
		rows = append(rows, []any{id.String(x.Member), x.Seq, name(x.Tier), name(x.Earned), At(x.From), At(x.Until), x.Reason, x.Note, e.Name(v, x.Actor)})
	}
	return rows, "", nil
}

// ahead is how many days ahead somebody looks: what the page does where nothing is said.
func (o *Order) ahead(otherwise, most int) (int, error) {
	n, err := o.number("days")
	if err != nil {
		return 0, err
	}
	if n == 0 {
		n = int64(otherwise)
	}
	return int(min(n, int64(most))), nil
}

// mostExpiring is more than are counted.
const mostExpiring = 100_000

func (e *Exporter) expiring(v *db.View, o Order, _ string) (rows [][]any, next string, err error) {
	days, err := o.ahead(30, 400)
	if err != nil {
		return nil, "", err
	}
	list, _, _ := e.Insight.Expiring(v, days, mostExpiring)
	for _, m := range list {
		rows = append(rows, []any{id.String(int64(m.Member)), m.Points, dayText(m.Day)})
	}
	return rows, "", nil
}

func (e *Exporter) demotions(v *db.View, o Order, _ string) (rows [][]any, next string, err error) {
	days, err := o.ahead(400, 3660)
	if err != nil {
		return nil, "", err
	}
	list, _ := e.Insight.Demotions(v, days)
	for _, d := range list {
		rows = append(rows, []any{dayText(d.Day), o.said(d.Zh, d.En), d.Members, d.Down})
	}
	return rows, "", nil
}

func (e *Exporter) ending(v *db.View, o Order, place string) ([][]any, string, error) {
	from, err := after(place)
	if err != nil {
		return nil, "", err
	}
	day, err := o.number("day")
	if err != nil || day < 19900101 || day > 99991231 {
		return nil, "", ErrFilter.With("filter", "day").At("filter")
	}
	rules := tier.Policy.At(v, v.Now()).Value
	var rows [][]any
	last := int64(0)
	for _, m := range e.Insight.Endings(v, int(day), from, page) {
		l := rules.Level(m.Rank)
		rows = append(rows, []any{id.String(int64(m.Member)), o.said(l.Zh, l.En), At(m.Until), m.Growth, m.Keep, yes(o, m.Down)})
		last = int64(m.Member)
	}
	return rows, more(len(rows), last), nil
}

func (e *Exporter) channelIncidents(v *db.View, o Order, place string) ([][]any, string, error) {
	before, err := after(place)
	if err != nil {
		return nil, "", err
	}
	var rows [][]any
	last := int64(0)
	for _, i := range entry.Incidents(v, before, page) {
		rows = append(rows, []any{At(i.At), entry.IncidentWords(i.Kind, o.Lang), i.App, i.Detail})
		last = i.ID
	}
	return rows, more(len(rows), last), nil
}

func (e *Exporter) links(v *db.View, _ Order, place string) ([][]any, string, error) {
	before, err := after(place)
	if err != nil {
		return nil, "", err
	}
	var rows [][]any
	last := int64(0)
	for _, l := range track.Links(v, before, page) {
		f := l.From
		rows = append(rows, []any{l.Name, e.Entry.LinkURL(l), l.Page, l.Opens, f.Channel, f.Store, f.Source, f.Medium, f.Campaign, l.Visits, l.Joins, l.Events, l.State, At(l.Created), e.Name(v, l.Actor)})
		last = l.ID
	}
	return rows, more(len(rows), last), nil
}

// suspects names members by their numbers only, as they are named to who may see them.
func (e *Exporter) suspects(v *db.View, o Order, place string) ([][]any, string, error) {
	before, err := after(place)
	if err != nil {
		return nil, "", err
	}
	state := o.Filter["state"]
	if state == "" {
		state = member.SuspectOpen
	}
	var rows [][]any
	last := int64(0)
	for _, x := range member.Suspects(v, state, before, page) {
		a, _ := member.Members.Get(v, x.A)
		b, _ := member.Members.Get(v, x.B)
		rows = append(rows, []any{id.String(x.A), At(a.JoinedAt), id.String(x.B), At(b.JoinedAt), x.Why, e.Name(v, x.Via), x.Times, At(x.First), At(x.Last), x.State, e.Name(v, x.DecidedBy), At(x.DecidedAt), x.Note})
		last = x.ID
	}
	return rows, more(len(rows), last), nil
}

func (e *Exporter) webhooks(v *db.View, _ Order, _ string) (rows [][]any, next string, err error) {
	for _, x := range e.Webhooks.List(v) {
		rows = append(rows, []any{x.URL, x.Kinds, x.Status, x.Fails, x.LastError, At(x.SentAt), At(x.CreatedAt)})
	}
	return rows, "", nil
}
