// Package insight reads across the features for the people who run the programme (分析): the overview with its trend and
// alarms, the search for a member by anything they show, the timeline of everything that befell a member, and the
// calendars of what lapses and who steps down.
//
// Invariants:
//   - It writes nothing but its own calendars; what it shows is read from the features that own it.
//   - No page grows with the number of members: totals come from daily rows, lists are keyset pages, and what has to
//     walk everybody (the calendars) is walked in the background and says when.
//   - A caller who is limited to stores finds nobody from elsewhere.
package insight

import (
	"embed"
	"net/http"

	"guanxi/internal/base/db"
	"guanxi/internal/base/web"
	"guanxi/internal/loyalty/member"
	"guanxi/internal/loyalty/staff"
)

//go:embed schema/*.sql
var files embed.FS

// Schema is the table of the calendars.
var Schema = db.Schema{Feature: "insight", Files: files}

// Console is the routes of insight.
type Console struct {
	staff.Desk
	Members *member.Service
}

// Register adds the routes.
func (k Console) Register(srv *web.Server) {
	srv.Tag("insight", "概览与分析", "Overview and analysis")
	staff.Route(srv, staff.Get("/overview", "insight.overview", "view.reports", "概览：实时数字、每日趋势、负债、等级与告警", "Overview: live figures, daily trend, liability, tiers and alarms"), k.overview)
	web.Route(srv, staff.Limited(staff.Ask("/search", "insight.search", "view.members", "按手机号、卡号、openid、订单号或会员编号查找", "Search by phone, card, openid, order or member number"), k.DB.Clock()), k.search)
	web.Route(srv, staff.Get("/members/{id}/timeline", "insight.timeline", "view.members", "会员时间线：订单、积分、等级、状态与合并，从新到旧", "Everything that befell a member, newest first", member.ErrNone, web.ErrCursor), k.timeline)
	staff.Route(srv, staff.Get("/reports/expiries", "insight.expiries", "view.reports", "积分到期日历（全体会员）", "Calendar of points that lapse, over all members"), k.expiries)
	staff.Route(srv, staff.Get("/reports/expiring-members", "insight.expiring", "view.reports", "即将到期积分最多的会员", "Members of whom most lapses soon"), k.expiring)
	staff.Route(srv, staff.Created(staff.Change(http.MethodPost, "/verifications", "insight.verify", "verify.log", "校验账本或操作日志，后台执行", "Verify the ledger or the operation log, in the background")), k.verify)
	staff.Route(srv, staff.Get("/verifications", "insight.verifications", "verify.log", "校验记录", "Verifications, newest first", web.ErrCursor), k.verifications)
	staff.Route(srv, staff.Get("/reports/demotions", "insight.demotions", "view.reports", "等级到期与降级日历（全体会员）", "Calendar of tiers that end, and who would step down"), k.demotions)
	staff.Route(srv, staff.Get("/reports/demotions/{day}/members", "insight.demotion_members", "view.reports", "某日等级到期的会员", "Members whose tier ends on a day", web.ErrCursor), k.demotionMembers)
}
