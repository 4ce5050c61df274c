// Package message is what members are told (消息): occasions and their words, the inbox, and what goes out over other channels.
//
// Invariants:
//
//   - a message is told once per (member, occasion, dedupe), whatever is replayed;
//   - whether a member may be sent something is asked when it is sent, not before: status, consent, quiet hours, caps;
//   - no channel is spoken to inside a Tx; a send is recorded before it begins and never repeated when nobody knows how it ended;
//   - a one-time subscription is spent by one send; the ledger of subscriptions never goes below zero;
//   - the words of a message keep the version of the template that it was told with.
package message

import (
	"context"
	"regexp"
	"slices"
	"strings"

	"guanxi/internal/base/db"
	"guanxi/internal/base/fault"
	"guanxi/internal/base/setting"
)

// Occasion is why something is told (场景).
type Occasion struct {
	Key, Zh, En string
	Marketing   bool     // needs consent to marketing and counts against its caps
	Values      []string // what its words may name
	Page        string   // where the message leads
}

// The occasions.
const (
	PointsChanged  = "points_changed"
	Paid           = "order_paid"
	Refunded       = "order_refunded"
	PointsExpiring = "points_expiring"
	TierUp         = "tier_up"
	TierDown       = "tier_down"
	TierWarned     = "tier_warned"
	Welcome        = "welcome"
	AccountClosing = "account_closing"
	Birthday       = "birthday"
	Anniversary    = "anniversary"
	Announcement   = "announcement"
)

// Occasions is the closed list. To add one: a line here, its words in the defaults below, and who tells it.
var Occasions = []Occasion{
	{PointsChanged, "积分变动", "Points changed", false, []string{"amount", "balance", "why"}, "statement"},
	{Paid, "消费成功", "Purchase", false, []string{"amount", "store", "no"}, "statement"},
	{Refunded, "退款成功", "Refund", false, []string{"amount", "store", "no"}, "statement"},
	{PointsExpiring, "积分即将到期", "Points expire soon", false, []string{"points", "day"}, "expiring"},
	{TierUp, "等级提升", "Tier reached", false, []string{"tier"}, "tiers"},
	{TierDown, "等级变更", "Tier changed", false, []string{"tier"}, "tiers"},
	{TierWarned, "保级提醒", "Tier will be lost", false, []string{"tier", "missing", "day"}, "tiers"},
	{Welcome, "欢迎入会", "Welcome", false, nil, "home"},
	{AccountClosing, "注销申请", "Closing the account", false, []string{"day"}, "closure"},
	{Birthday, "生日祝福", "Birthday", false, nil, "badges"},
	{Anniversary, "入会纪念日", "Anniversary of joining", false, []string{"years"}, "badges"},
	{Announcement, "活动通知", "Announcement", true, []string{"title", "body"}, "home"},
}

func occasionOf(key string) (Occasion, bool) {
	for _, o := range Occasions {
		if o.Key == key {
			return o, true
		}
	}
	return Occasion{}, false
}

// Template is the words of one occasion and the channels that carry them, the first that works.
type Template struct {
	Occasion       string   `json:"occasion" zh:"场景" en:"Occasion" required:"true" max:"32"`
	TitleZh        string   `json:"title_zh" zh:"中文标题" en:"Title in Chinese" required:"true" max:"40"`
	BodyZh         string   `json:"body_zh" zh:"中文正文" en:"Text in Chinese" required:"true" max:"300"`
	TitleEn        string   `json:"title_en" zh:"英文标题" en:"Title in English" required:"true" max:"80"`
	BodyEn         string   `json:"body_en" zh:"英文正文" en:"Text in English" required:"true" max:"600"`
	Inbox          bool     `json:"inbox" zh:"站内信" en:"In the inbox"`
	Channels       []string `json:"channels" zh:"其他渠道，按先后" en:"Other channels, in order" options:"official=公众号/Official account,mini=小程序订阅消息/Mini program,wecom=企业微信/WeCom,sms=短信/SMS,mail=邮件/Mail"`
	Official       string   `json:"official_template" zh:"公众号模板编号" en:"Template id of the official account" max:"64"`
	OfficialFields string   `json:"official_fields" zh:"公众号模板字段" en:"Fields of the official account's template" max:"300" help:"例：thing1={why}; number2={amount}; time3={time}" help_en:"such as thing1={why}; number2={amount}; time3={time}"`
	Mini           string   `json:"mini_template" zh:"小程序订阅消息模板编号" en:"Template id of the mini program" max:"64"`
	MiniFields     string   `json:"mini_fields" zh:"小程序模板字段" en:"Fields of the mini program's template" max:"300"`
}

// Words are all templates.
type Words struct {
	Templates []Template `json:"templates" zh:"消息模板" en:"Templates" max:"50"`
}

// Templates holds the versions of the words.
var Templates = setting.New("message_templates", Words{Templates: []Template{
	{Occasion: PointsChanged, TitleZh: "积分变动 {amount}", BodyZh: "{why}，当前积分 {balance}。", TitleEn: "Points {amount}", BodyEn: "{why}. You now have {balance} points.", Inbox: true, Channels: []string{"official"}},
	{Occasion: Paid, TitleZh: "消费 {amount}", BodyZh: "{store}，订单 {no}。", TitleEn: "Purchase of {amount}", BodyEn: "{store}, order {no}.", Channels: []string{"official", "mini"}},
	{Occasion: Refunded, TitleZh: "退款 {amount}", BodyZh: "{store}，订单 {no}。", TitleEn: "Refund of {amount}", BodyEn: "{store}, order {no}.", Channels: []string{"official", "mini"}},
	{Occasion: PointsExpiring, TitleZh: "{points} 积分将于 {day} 到期", BodyZh: "到期后积分失效，别忘了使用。", TitleEn: "{points} points expire on {day}", BodyEn: "Use them before they lapse.", Inbox: true, Channels: []string{"official", "mini", "sms"}},
	{Occasion: TierUp, TitleZh: "恭喜升级{tier}", BodyZh: "新的权益已经生效，去看看吧。", TitleEn: "You are now {tier}", BodyEn: "Your new benefits are in force. Have a look.", Inbox: true, Channels: []string{"official", "mini"}},
	{Occasion: TierDown, TitleZh: "等级已变为{tier}", BodyZh: "随时可以再升回来，我们等您。", TitleEn: "Your tier is now {tier}", BodyEn: "You can climb again at any time. We'd be glad.", Inbox: true, Channels: []string{"official"}},
	{Occasion: TierWarned, TitleZh: "{tier}将于 {day} 到期", BodyZh: "再得 {missing} 成长值即可保级。", TitleEn: "{tier} ends on {day}", BodyEn: "{missing} more growth keeps it.", Inbox: true, Channels: []string{"official", "mini", "sms"}},
	{Occasion: Welcome, TitleZh: "欢迎加入", BodyZh: "很高兴认识您。完善资料可得积分。", TitleEn: "Welcome", BodyEn: "Nice to meet you. Completing your profile gives points.", Inbox: true},
	{Occasion: AccountClosing, TitleZh: "账号将于 {day} 注销", BodyZh: "在此之前可以随时撤回。注销后积分作废，不可恢复。", TitleEn: "Your account closes on {day}", BodyEn: "You may take it back until then. After that points are void and can't be brought back.", Inbox: true, Channels: []string{"official", "sms"}},
	{Occasion: Birthday, TitleZh: "生日快乐", BodyZh: "今天是您的日子，愿新的一岁事事顺心。谢谢您一直在。", TitleEn: "Happy birthday", BodyEn: "Today is your day. May the year ahead be kind to you. Thank you for being with us.", Inbox: true},
	{Occasion: Anniversary, TitleZh: "相识 {years} 周年", BodyZh: "{years} 年前的今天，我们第一次见面。谢谢您一路相伴。", TitleEn: "Happy anniversary", BodyEn: "We first met on this day. Years together: {years}. Thank you for staying with us.", Inbox: true},
	{Occasion: Announcement, TitleZh: "{title}", BodyZh: "{body}", TitleEn: "{title}", BodyEn: "{body}", Inbox: true, Channels: []string{"mini", "official"}},
}})

// Policy is when and how often members may be sent something.
type Policy struct {
	QuietFrom  int64    `json:"quiet_from" zh:"免打扰开始（时）" en:"Quiet from (hour)" min:"0" max:"23"`
	QuietUntil int64    `json:"quiet_until" zh:"免打扰结束（时）" en:"Quiet until (hour)" min:"0" max:"23" help:"与开始相同表示不设" help_en:"the same hour as the start is no quiet at all"`
	PerDay     int64    `json:"marketing_day" zh:"每人每日营销消息上限" en:"Marketing messages a member and day" min:"0" max:"50"`
	PerMonth   int64    `json:"marketing_month" zh:"每人每月营销消息上限" en:"Marketing messages a member and month" min:"0" max:"200"`
	ServiceDay int64    `json:"service_day" zh:"每人每日服务通知上限" en:"Service notices a member and day" min:"1" max:"200"`
	KeepDays   int64    `json:"keep_days" zh:"站内信保留天数" en:"Days the inbox keeps messages" unit:"days" min:"7" max:"3650"`
	PointKinds []string `json:"points_in_inbox" zh:"哪些积分变动进站内信" en:"Which changes of points go to the inbox" options:"earn=获取/Earned,grant=发放/Given,spend=消耗/Spent,expire=过期/Expired,clawback=退款扣回/Taken back,adjust=调账/Adjusted,transfer=转赠/Transferred,seize=没收/Confiscated" help:"流水里都能看到；这里只选值得特别告知的" help_en:"the statement shows all of them; choose what is worth telling"`
}

// Rules holds the versions of the policy: four marketing messages a month, silence from ten to eight.
var Rules = setting.New("messages", Policy{QuietFrom: 22, QuietUntil: 8, PerDay: 1, PerMonth: 4, ServiceDay: 10, KeepDays: 365,
	PointKinds: []string{"expire", "clawback", "adjust", "transfer", "seize"}})

// The faults of messages.
var (
	ErrOccasion = fault.Define("message.occasion", fault.Invalid,
		"没有这个场景，或重复", "There is no such occasion, or it stands twice")
	ErrWords = fault.Define("message.words", fault.Invalid,
		"{occasion} 的文案里有未知的变量 {value}", "The words of {occasion} name an unknown value {value}")
	ErrFields = fault.Define("message.fields", fault.Invalid,
		"{occasion} 的模板字段应写作 thing1=变量，以分号分隔：{text}", "The fields of {occasion} read thing1=value, separated by semicolons: {text}")
	ErrNone = fault.Define("message.not_found", fault.NotFound, "消息不存在", "There is no such message")
)

// Check refuses words that name what the occasion does not tell.
func (w Words) Check(_ db.Reader) error {
	seen := map[string]bool{}
	for _, t := range w.Templates {
		o, ok := occasionOf(t.Occasion)
		if !ok || seen[t.Occasion] {
			return ErrOccasion.New().At("templates")
		}
		seen[t.Occasion] = true
		for _, text := range []string{t.TitleZh, t.BodyZh, t.TitleEn, t.BodyEn} {
			if bad := unknownValue(text, o.Values); bad != "" {
				return ErrWords.With("occasion", o.Key, "value", bad).At("templates")
			}
		}
		for _, text := range []string{t.OfficialFields, t.MiniFields} {
			if err := checkFields(text, o); err != nil {
				return err
			}
		}
	}
	return nil
}

// unknownValue gives the first {value} in a text that is not in the list, "" when there is none.
func unknownValue(text string, values []string) string {
	for {
		_, rest, ok := strings.Cut(text, "{")
		if !ok {
			return ""
		}
		name, after, ok := strings.Cut(rest, "}")
		if !ok {
			return "{" + rest
		}
		known := false
		for _, v := range values {
			known = known || v == name
		}
		if !known {
			return "{" + name + "}"
		}
		text = after
	}
}

// timeValue is told with every message: when it came about.
const timeValue = "time"

var fieldName = regexp.MustCompile(`^[a-z_]{4,20}[0-9]{1,2}$`)

// fieldsOf reads the fields of a provider's template: "thing1={why}; number2={amount}".
func fieldsOf(text string) (out map[string]string, ok bool) {
	out = map[string]string{}
	for _, one := range strings.FieldsFunc(text, func(r rune) bool { return r == ';' || r == '；' || r == '\n' }) {
		name, value, found := strings.Cut(strings.TrimSpace(one), "=")
		if !found || !fieldName.MatchString(name) || strings.TrimSpace(value) == "" || out[name] != "" {
			return nil, false
		}
		out[name] = strings.TrimSpace(value)
	}
	return out, true
}

func checkFields(text string, o Occasion) error {
	fields, ok := fieldsOf(text)
	if !ok {
		return ErrFields.With("occasion", o.Key, "text", text).At("templates")
	}
	for _, f := range fields {
		if bad := unknownValue(f, append(slices.Clone(o.Values), timeValue)); bad != "" {
			return ErrWords.With("occasion", o.Key, "value", bad).At("templates")
		}
	}
	return nil
}

// of gives the words of an occasion; a version that leaves one out has none.
func (w Words) of(occasion string) (Template, bool) {
	for _, t := range w.Templates {
		if t.Occasion == occasion {
			return t, true
		}
	}
	return Template{}, false
}

// write fills values into a text. What the values say is not read again, so a value can't bring in another.
func write(text string, values map[string]string) string {
	pairs := make([]string, 0, 2*len(values))
	for k, v := range values {
		pairs = append(pairs, "{"+k+"}", v)
	}
	return strings.NewReplacer(pairs...).Replace(text)
}

// Sent is a message as a channel gets it.
type Sent struct {
	ID        int64  // of the row in the send log: of this attempt
	Key       string // of the message, 32 characters: tried again it is the same
	Member    int64
	Occasion  string
	Marketing bool
	Template  string            // the provider's id of the template, "" when the channel needs none
	Fields    map[string]string // of the provider's template
	Title     string
	Body      string
	Values    map[string]string
	Page      string
}

// Transport is a way out of the house; the edge fills it in. It finds the address of the member itself.
type Transport struct {
	Channel  string // as in Template.Channels
	Credited bool   // each send spends a one-time subscription of the member
	// Ready says whether an occasion is set up at all, given the provider's template; nil: always.
	Ready func(occasion, template string) bool
	Send  func(ctx context.Context, m Sent) (provider string, err error)
}

func (t *Transport) ready(tpl Template) bool {
	return t.Ready == nil || t.Ready(tpl.Occasion, tpl.providerTemplate(t.Channel))
}

// Later is what a channel answers that takes nothing before an instant: its quota is used up.
type Later struct {
	Until int64
	Cause error
}

// Error says so for the log.
func (l *Later) Error() string {
	return "message: not before the quota begins anew: " + l.Cause.Error()
}

// Unwrap gives the channel's own words.
func (l *Later) Unwrap() error { return l.Cause }

// What a channel may answer with, besides success; every other error is taken as "try again later".
var (
	ErrNoAddress = fault.Define("message.no_address", fault.Conflict, "会员在该渠道没有地址", "The member has no address on this channel")
	ErrNoCredit  = fault.Define("message.no_credit", fault.Conflict, "会员没有可用的订阅次数", "The member has no subscription left")
	ErrRefused   = fault.Define("message.refused", fault.Conflict, "渠道拒绝了消息：{code}", "The channel refused the message: {code}")
	// ErrWaits says that an employee must send it; what became of it is told later.
	ErrWaits = fault.Define("message.waiting", fault.Conflict, "等待员工发出", "It waits for an employee to send it")
	// ErrMaybe says that nobody knows whether the message went out; it is not sent again.
	ErrMaybe = fault.Define("message.maybe", fault.Conflict, "不确定是否已送出", "It is not known whether the message went out")
)
