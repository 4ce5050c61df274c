package staff

import "slices"

// Permission is one thing an operator may be allowed to do; its name reads verb.noun.
type Permission struct{ Name, Zh, En string }

// Permissions is the closed list of what operators may do.
var Permissions = []Permission{
	{"view.members", "查看会员（脱敏）", "See members, masked"},
	{"edit.members", "编辑会员资料", "Edit members"},
	{"merge.members", "合并与拆分会员", "Merge and un-merge members"},
	{"freeze.members", "冻结与解冻会员", "Freeze and unfreeze members"},
	{"unmask.members", "查看完整个人信息", "See personal data in clear"},
	{"export.members", "导出会员", "Export members"},
	{"erase.members", "注销与删除会员数据", "Erase members"},
	{"view.points", "查看积分与成长值", "See points and growth"},
	{"grant.points", "手工调整积分", "Adjust points by hand"},
	{"freeze.points", "冻结与解冻积分", "Freeze and release points"},
	{"approve.points", "复核积分调整", "Approve adjustments of points"},
	{"view.orders", "查看订单", "See orders"},
	{"edit.orders", "补录订单与退款", "Enter orders and refunds"},
	{"view.coupons", "查看优惠券", "See coupons"},
	{"edit.coupons", "编辑券模板", "Edit coupon templates"},
	{"grant.coupons", "发放优惠券", "Grant coupons"},
	{"redeem.coupons", "核销优惠券", "Redeem coupons"},
	{"approve.coupons", "复核发券", "Approve grants of coupons"},
	{"view.rules", "查看规则与等级", "See rules and tiers"},
	{"edit.rules", "编辑规则与等级", "Edit rules and tiers"},
	{"approve.rules", "复核规则与等级", "Approve rules and tiers"},
	{"view.campaigns", "查看活动与旅程", "See campaigns and journeys"},
	{"edit.campaigns", "编辑活动与旅程", "Edit campaigns and journeys"},
	{"approve.campaigns", "复核活动预算与费率", "Approve budgets and rates of campaigns"},
	{"send.messages", "发送消息", "Send messages"},
	{"view.risk", "查看风控", "See risk signals"},
	{"decide.risk", "处理风控审核", "Decide risk reviews"},
	{"view.reports", "查看报表", "See reports"},
	{"export.reports", "导出报表", "Export reports"},
	{"approve.exports", "复核导出与查看明文", "Approve exports and unmasking"},
	{"view.shops", "查看门店", "See stores"},
	{"edit.shops", "编辑品牌与门店", "Edit brands and stores"},
	{"view.partners", "查看合作方", "See partners"},
	{"edit.partners", "编辑合作方与密钥", "Edit partners and keys"},
	{"approve.partners", "复核合作方权限与回调地址", "Approve scopes and webhook addresses of partners"},
	{"view.operators", "查看操作员", "See operators"},
	{"edit.operators", "编辑操作员", "Edit operators"},
	{"grant.roles", "授予角色", "Grant roles"},
	{"approve.roles", "复核角色授予", "Approve grants of roles"},
	{"end.sessions", "结束他人会话", "End the sessions of others"},
	{"view.settings", "查看系统设置", "See settings"},
	{"edit.settings", "编辑系统设置", "Edit settings"},
	{"approve.settings", "复核系统设置", "Approve settings"},
	{"view.jobs", "查看后台任务", "See jobs"},
	{"edit.jobs", "重试与丢弃任务", "Retry and discard jobs"},
	{"view.log", "查看操作日志", "See the operation log"},
	{"verify.log", "校验操作日志与账本", "Verify the operation log and the ledger"},
}

// Role is a set of permissions that goes with a kind of work (角色).
type Role struct {
	Name, Zh, En string
	Can          []string
}

// The roles. System administrator, security administrator and auditor (三员) are apart: the first keeps the system,
// the second says who may do what, the third watches both.
const (
	SystemAdmin     = "system_admin"
	SecurityAdmin   = "security_admin"
	Auditor         = "auditor"
	Operations      = "operator"
	Finance         = "finance"
	CustomerService = "customer_service"
	StoreManager    = "store_manager"
)

// Roles is the closed list of roles.
var Roles = []Role{
	{SystemAdmin, "系统管理员", "System administrator", []string{
		"view.shops", "edit.shops", "view.partners", "edit.partners", "view.operators", "edit.operators",
		"view.settings", "edit.settings", "view.jobs", "edit.jobs", "view.members", "view.points", "view.orders", "view.rules",
		"view.reports"}},
	{SecurityAdmin, "安全管理员", "Security administrator", []string{
		"view.partners", "approve.partners", "view.operators", "grant.roles", "approve.roles", "end.sessions",
		"view.settings", "approve.settings", "approve.exports", "view.risk", "decide.risk"}},
	{Auditor, "审计员", "Auditor", []string{
		"view.log", "verify.log", "view.operators", "view.partners", "view.settings", "view.rules", "view.campaigns",
		"view.coupons", "view.points", "view.orders", "view.reports", "view.shops", "view.risk"}},
	{Operations, "运营", "Operator", []string{
		"view.members", "edit.members", "merge.members", "view.points", "grant.points", "view.orders", "edit.orders",
		"view.coupons", "edit.coupons", "grant.coupons", "view.rules", "edit.rules", "view.campaigns", "edit.campaigns",
		"send.messages", "view.risk", "view.reports", "view.shops", "export.members", "freeze.members",
		"freeze.points", "view.settings", "view.jobs"}},
	{Finance, "财务", "Finance", []string{
		"view.points", "approve.points", "view.orders", "view.coupons", "approve.coupons", "view.rules", "approve.rules",
		"view.campaigns", "approve.campaigns", "view.reports", "export.reports", "view.shops", "verify.log", "view.settings"}},
	{CustomerService, "客服", "Customer service", []string{
		"view.members", "edit.members", "unmask.members", "freeze.members", "erase.members", "view.points", "grant.points",
		"freeze.points", "view.orders", "view.coupons", "grant.coupons", "view.shops"}},
	{StoreManager, "店长", "Store manager", []string{
		"view.members", "view.points", "grant.points", "view.orders", "view.coupons", "grant.coupons", "redeem.coupons",
		"view.reports", "view.shops"}},
}

func roleNamed(name string) (Role, bool) {
	i := slices.IndexFunc(Roles, func(r Role) bool { return r.Name == name })
	if i < 0 {
		return Role{}, false
	}
	return Roles[i], true
}

func roleCan(role, perm string) bool {
	r, _ := roleNamed(role)
	return slices.Contains(r.Can, perm)
}

// isPermission reports whether a name stands in the list.
func isPermission(name string) bool {
	return slices.ContainsFunc(Permissions, func(p Permission) bool { return p.Name == name })
}
