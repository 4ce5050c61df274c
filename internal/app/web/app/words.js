// Words in both languages; Chinese first.
const words = {
  overview: ["概览", "Overview"], members: ["会员", "Members"], rules: ["规则", "Rules"], apiDocs: ["API 文档", "API reference"], metrics: ["监控指标", "Metrics"],
  tagline: ["会员与忠诚度", "Membership & loyalty"], signOut: ["退出登录", "Sign out"], theme: ["切换明暗", "Light or dark"], language: ["EN", "中"],
  signIn: ["登录", "Sign in"], signInLead: ["使用操作员账号进入控制台", "Use your operator account"], login: ["登录名", "Login name"], password: ["密码", "Password"],
  setup: ["创建第一个操作员", "Make the first operator"], setupLead: ["此账号负责系统与权限。日常运营请在之后另建账号。", "This account keeps the system and its permissions. Make further accounts for daily business."],
  name: ["姓名", "Name"], newPassword: ["密码（至少 12 个字符）", "Password (12 characters or more)"], create: ["创建并登录", "Create and sign in"],
  loginHint: ["小写字母、数字或 . _ -", "Lower-case letters, digits, . _ -"], setupNeeded: ["系统还没有操作员。请打开服务启动时显示的初始化链接。", "There is no operator yet. Open the set-up link that was shown when the service started."],
  setupDone: ["初始化已完成，请登录。", "The set-up is done already. Please sign in."],
  live: ["实时", "Live"], liveBad: ["需要关注", "Needs attention"], updated: ["更新于", "Updated"],
  orders: ["订单", "Orders"], order: ["订单", "Order"], amount: ["金额", "Amount"], todayN: ["今日 {n}", "{n} today"], last30: ["近 30 天", "last 30 days"],
  outstanding: ["流通积分", "Points outstanding"], liability: ["积分负债", "Liability"], expected: ["扣除预期沉淀", "After breakage"], burn: ["消耗率", "Burn rate"], breakage: ["沉淀率", "Breakage"],
  debt: ["欠分", "Debt"], sales: ["累计实付", "Paid in all"], refunded: ["已退", "refunded"], mix: ["等级结构", "Tier mix"], target: ["目标", "Target"], share: ["占比", "Share"], flows: ["积分发放与消耗", "Points issued and used"],
  issued: ["发放", "Issued"], used: ["消耗", "Used"], lapsed: ["过期与扣回", "Lapsed, taken back"], perDay: ["每日", "per day"], sales30: ["每日实付", "Paid per day"], latest: ["最新订单", "Latest orders"],
  health: ["运行状态", "Health"], waiting: ["等待写入", "Writes waiting"], jobs: ["待执行任务", "Jobs due"], dead: ["死信", "Dead letters"], storage: ["数据库", "Database"], wal: ["预写日志", "Write-ahead log"],
  expiries: ["到期日历", "Expiry calendar"], expiriesAll: ["未来 12 个月到期积分", "Points lapsing in the next 12 months"], member: ["会员", "Member"], guest: ["散客", "Guest"], time: ["时间", "Time"], status: ["状态", "Status"], channel: ["渠道", "Channel"], store: ["门店", "Store"],
  joined: ["入会", "Joined"], phone: ["手机号", "Phone"], find: ["查找", "Find"], byNumber: ["会员编号", "Member number"], byPhone: ["手机号", "Phone"], byCard: ["卡号", "Card"], byOpenid: ["OpenID", "OpenID"], byUnionid: ["UnionID", "UnionID"], byExternal: ["外部编号", "External number"],
  issuer: ["系统或 appid", "System or appid"], searchMember: ["输入会员编号、手机号或卡号", "Member number, phone or card"], all: ["全部", "All"], more: ["加载更多", "Load more"], none: ["暂无数据", "Nothing yet"], noMembers: ["还没有会员", "No members yet"],
  noAccess: ["你的角色没有查看此处的权限", "Your roles do not cover this"], active: ["正常", "Active"], frozen: ["已冻结", "Frozen"], blacklisted: ["黑名单", "Blacklisted"], cancelled: ["已注销", "Closed"],
  available: ["可用积分", "Available"], pending: ["待生效", "Pending"], held: ["预占", "Held"], frozenPoints: ["冻结", "Frozen"], growth: ["成长值", "Growth"], ahead: ["领先 {n} 的会员", "Ahead of {n} of members"],
  toNext: ["再得 {n} 升级{tier}", "{n} more to {tier}"], top: ["已是最高等级", "The highest tier"], validUntil: ["有效期至 {d}", "Valid until {d}"], forever: ["长期有效", "No end date"], manual: ["手工授予", "Given by hand"],
  statement: ["积分账单", "Points statement"], growthStatement: ["成长值账单", "Growth statement"], lots: ["批次", "Lots"], why: ["为什么", "Why"], remaining: ["剩余", "Left"], expires: ["到期", "Expires"], never: ["永久", "Never"], balance: ["余额", "Balance"], history: ["等级历史", "Tier history"],
  notices: ["降级提醒", "Notices"], notice: ["第 {n} 次提醒，差 {s} 成长值", "Notice {n}: {s} growth missing"], profile: ["资料", "Profile"], identities: ["身份", "Identities"], nickname: ["昵称", "Nickname"], birthday: ["生日", "Birthday"], gender: ["性别", "Gender"], region: ["地区", "Region"],
  points: ["积分", "points"], memberSince: ["{d} 入会", "Member since {d}"], ordersN: ["{n} 笔", "{n} orders"], back: ["返回会员列表", "Back to members"],
  version: ["版本", "Version"], inForce: ["生效中", "In force"], draft: ["草稿", "Draft"], scheduled: ["待生效", "Scheduled"], retired: ["已下线", "Retired"], since: ["自 {d} 生效", "In force since {d}"], sinceStart: ["自启用起生效", "In force from the start"], kind: ["种类", "Kind"], award: ["奖励", "Award"], priority: ["优先级", "Priority"], caps: ["上限", "Caps"], when: ["条件", "Condition"], always: ["总是", "Always"], validity: ["有效期类别", "Class of points"],
  rulesLead: ["「当某事发生，若条件成立，则给予奖励」——版本化、可试算、需复核", "When something happens, if it fits, give something: versioned, tried on the past, agreed by two"], membersLead: ["共 {n} 位会员，近 30 天入会 {m} 位", "{n} members, {m} joined in the last 30 days"],
  overviewLead: ["每一分都有来处", "Every point has a reason"], class1: ["消费积分", "Consumption"], class2: ["活动积分", "Campaign"], class3: ["奖励积分", "Reward"], yes: ["是", "Yes"], no: ["否", "No"], loading: ["加载中…", "Loading…"], failed: ["暂时无法加载", "Could not be loaded"], retry: ["重试", "Retry"],
};

const kinds = {
  earn: ["获取", "Earned"], grant: ["发放", "Granted"], spend: ["消耗", "Spent"], expire: ["过期", "Expired"], clawback: ["退款扣回", "Taken back"], restore: ["退回", "Given back"], adjust: ["调账", "Adjusted"], reversal: ["冲正", "Reversed"],
  transfer: ["转赠", "Transferred"], merge: ["合并", "Merged"], unmerge: ["拆分", "Un-merged"], seize: ["没收", "Confiscated"],
  paid: ["已支付", "Paid"], partially_refunded: ["部分退款", "Partly refunded"], refunded: ["已退款", "Refunded"], closed: ["已完结", "Closed"],
  join: ["入会", "Joined"], upgrade: ["升级", "Upgraded"], kept: ["保级成功", "Kept"], not_kept: ["未达保级", "Not kept"], refund: ["退款重算", "After a refund"], manual: ["手工授予", "Given by hand"], manual_ended: ["手工等级到期", "Manual tier ended"],
  growth: ["成长值", "Growth"], points: ["积分", "Points"], female: ["女", "Female"], male: ["男", "Male"], other: ["其他", "Other"], phone: ["手机号", "Phone"], card: ["卡号", "Card"], openid: ["OpenID", "OpenID"], unionid: ["UnionID", "UnionID"], external: ["外部编号", "External"],
  "member.joined": ["入会", "Joining"], "member.profile_completed": ["完善资料", "Profile completed"],
};

let now = localStorage.getItem("lang") || (navigator.language && !navigator.language.startsWith("zh") ? "en" : "zh");

export const lang = () => now;

// setLang keeps what somebody chose; the browser's own language is asked again each time.
export function setLang(to, chosen) {
  now = to;
  if (chosen) localStorage.setItem("lang", to);
  document.documentElement.lang = to === "en" ? "en" : "zh-CN";
}

const pick = (pair) => pair[now === "en" ? 1 : 0];

export function t(name, holes) {
  let text = pick(words[name]);
  for (const [k, v] of Object.entries(holes || {})) text = text.replace("{" + k + "}", v);
  return text;
}

// k words what the server names by a code; an unknown code stands for itself.
export const k = (code) => (kinds[code] ? pick(kinds[code]) : code);
export const either = (o) => (now === "en" ? o.en : o.zh);
