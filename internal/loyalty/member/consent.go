package member

import (
	"strconv"

	"guanxi/internal/base/clock"
	"guanxi/internal/base/db"
	"guanxi/internal/base/fact"
	"guanxi/internal/base/fault"
	"guanxi/internal/base/setting"
)

// Purpose is what personal data may be used for (处理目的); each is asked for and taken back apart from the others.
type Purpose struct {
	Key, Zh, En    string
	NoteZh, NoteEn string
	Required       bool // without it there is no membership
}

// The purposes.
const (
	ForTerms     = "terms"
	ForMarketing = "marketing"
	ForPersonal  = "personal"
	ForTracking  = "tracking"
	ForGuardian  = "guardian"
)

// Purposes is the closed list, in the order they are asked.
var Purposes = []Purpose{
	{ForTerms, "会员协议与隐私政策", "Membership terms and privacy policy", "提供会员服务所必需", "Needed to give you the membership", true},
	{ForMarketing, "营销消息", "Marketing messages", "通过公众号、小程序、短信或邮件告诉您活动与优惠", "Offers and events by WeChat, SMS or mail", false},
	{ForPersonal, "个性化推荐", "Personal recommendations", "按您的消费与兴趣推荐商品与权益", "Goods and benefits by what you buy and like", false},
	{ForTracking, "使用行为分析", "Analysis of use", "记录您在会员中心看了什么，用于改进服务", "What you look at in the member centre, to improve it", false},
	{ForGuardian, "监护人同意", "Consent of a guardian", "未满 14 周岁须由监护人同意", "Below the age of 14 a guardian must agree", false},
}

// guardianAge is the age below which a guardian must agree to every use that is not needed for the membership itself.
const guardianAge = 14

// Agreements are what members agree to (协议); each version of the setting is a version of the agreement.
type Agreements struct {
	Label     string `json:"label" zh:"版本号" en:"Label of the version" required:"true" max:"20"`
	TermsZh   string `json:"terms_zh" zh:"会员协议（中文）" en:"Terms in Chinese" required:"true" max:"5000"`
	TermsEn   string `json:"terms_en" zh:"会员协议（英文）" en:"Terms in English" required:"true" max:"9000"`
	PrivacyZh string `json:"privacy_zh" zh:"隐私政策（中文）" en:"Privacy policy in Chinese" required:"true" max:"5000"`
	PrivacyEn string `json:"privacy_en" zh:"隐私政策（英文）" en:"Privacy policy in English" required:"true" max:"9000"`
	ChangesZh string `json:"changes_zh" zh:"本次改动（中文）" en:"What changed, in Chinese" max:"500"`
	ChangesEn string `json:"changes_en" zh:"本次改动（英文）" en:"What changed, in English" max:"1000"`
	AskAgain  bool   `json:"ask_again" zh:"须会员重新同意" en:"Members must agree again"`
}

// Agreement holds the versions of what members agree to.
var Agreement = setting.New("agreements", Agreements{
	Label: "1",
	TermsZh: `一、会员资格：完成入会并同意本协议即成为会员。每人一个会员账号。
二、积分与等级：积分的获得、使用、有效期与到期清零，以及等级的升级、保级与降级，以会员中心“规则说明”页为准；到期前会提醒您。
三、规则变更：不利于会员的变更会提前公告，已发放积分的到期日不会因此缩短。
四、退款：订单退款会按比例扣回该订单所得的积分与成长值。
五、注销：您可随时注销。注销有 7 天冷静期，期满后剩余积分作废且不可恢复。`,
	TermsEn: `1. Membership: whoever joins and agrees to these terms is a member, with one account a person.
2. Points and tiers: how points are earned, used and expire, and how tiers are reached, kept and lost, is written on the page "Rules" of the member centre; we remind you before points expire.
3. Changes: what is against members is announced ahead, and never shortens the life of points already given.
4. Refunds: a refund takes back the share of points and growth that the order gave.
5. Closing: you may close your account at any time. After 7 days to think it over, points left are void and can't be brought back.`,
	PrivacyZh: `我们为提供会员服务处理：手机号、微信标识、您填写的昵称、生日、性别、地区，以及您的订单、积分与等级记录。
手机号、昵称、生日在存储时加密。营销消息、个性化推荐与行为分析须您另行同意，且可随时在“设置”中撤回。
您可以查看、导出、更正、删除您的数据或注销账号。未满 14 周岁须由监护人同意。
订单与积分记录在您注销后以匿名方式保留，以符合法律对账务的要求。`,
	PrivacyEn: `To give you the membership we process your phone number, your WeChat identity, what you fill in (nickname, birthday, gender, region) and your orders, points and tiers.
Phone number, nickname and birthday are stored encrypted. Marketing, personal recommendations and the analysis of use need your consent of their own, which you may take back in "Settings" at any time.
You may see, export, correct and delete your data or close your account. Below the age of 14 a guardian must agree.
Records of orders and points are kept without your person after you leave, as the law on accounts demands.`,
})

// The faults of consent.
var (
	ErrPurpose = fault.Define("member.purpose", fault.NotFound,
		"没有这个处理目的", "There is no such purpose")
	ErrRequired = fault.Define("member.consent_required", fault.Conflict,
		"这是提供会员服务所必需的；如不再同意，请注销账号", "The membership needs this; to take it back, close your account")
	ErrAgreement = fault.Define("member.agreement_changed", fault.Conflict,
		"协议已更新，请阅读最新版本后再同意", "The agreement has changed: read the latest version, then agree")
	ErrGuardian = fault.Define("member.guardian", fault.Conflict,
		"未满 14 周岁，须先由监护人同意", "Below the age of 14 a guardian must agree first")
	ErrNoConsent = fault.Define("member.no_consent", fault.Conflict,
		"须先同意：{purpose}", "This needs your consent first: {purpose}")
)

// Consent is one yes or no.
type Consent struct {
	Member    int64
	ID        int64
	Purpose   string
	Given     bool
	Agreement int64 // version of the agreement; 0 is the one that came with the program
	At        int64
	Via       string
	Actor     string
}

type consentKey struct{ Member, ID int64 }

var consents = db.NewTable(db.Spec[Consent, consentKey]{
	Name: "member_consent", Keys: 2, Cols: []string{"member_id", "id", "purpose", "given", "agreement_id", "at", "via", "actor"},
	Row: func(r *Consent, p []any) []any {
		return append(p, &r.Member, &r.ID, &r.Purpose, &r.Given, &r.Agreement, &r.At, &r.Via, &r.Actor)
	},
	Key:   func(r *Consent) consentKey { return consentKey{r.Member, r.ID} },
	Args:  func(k consentKey, a []any) []any { return append(a, k.Member, k.ID) },
	Owner: func(k consentKey) int64 { return k.Member },
})

// ConsentChanged says that a member agreed to a purpose or took that back.
type ConsentChanged struct {
	Purpose string `json:"purpose"`
	Given   bool   `json:"given"`
}

// FactKind is "member.consent".
func (ConsentChanged) FactKind() string { return "member.consent" }

func purposeOf(key string) (Purpose, bool) {
	for _, p := range Purposes {
		if p.Key == key {
			return p, true
		}
	}
	return Purpose{}, false
}

// ConsentsOf lists every yes and no of a member, oldest first.
func ConsentsOf(r db.Reader, member int64) []Consent { return consents.OfOwner(r, member) }

// lastOf is what holds of each purpose.
func lastOf(r db.Reader, member int64) map[string]Consent {
	out := map[string]Consent{}
	for _, c := range consents.OfOwner(r, member) {
		out[c.Purpose] = c
	}
	return out
}

// askedAgainAt is the start of the last version that members had to agree to again, 0 for none.
func askedAgainAt(r db.Reader) (at int64) {
	for _, v := range Agreement.History(r) {
		if v.Value.AskAgain && v.From <= r.Now() {
			at = v.From
		}
	}
	return at
}

// SetConsent records a yes or no. Version is that of the agreement which was shown; -1 stands for the one in force.
func (s *Service) SetConsent(tx *db.Tx, id int64, purpose string, given bool, version int64, via string) error {
	p, ok := purposeOf(purpose)
	if !ok {
		return ErrPurpose.New()
	}
	m, err := Resolve(tx, id)
	if err != nil {
		return err
	}
	now := Agreement.At(tx, tx.Now()).ID
	if version == -1 {
		version = now
	}
	switch {
	case given && version != now:
		return ErrAgreement.New().At("version")
	case !given && p.Required:
		return ErrRequired.New()
	case given && !p.Required && purpose != ForGuardian:
		if young, err := s.needsGuardian(tx, m.ID); err != nil || young {
			if err == nil {
				err = ErrGuardian.New()
			}
			return err
		}
	}
	if was, ok := lastOf(tx, m.ID)[purpose]; ok && was.Given == given && was.Agreement == version {
		return nil
	}
	return record(tx, Consent{m.ID, tx.ID(), purpose, given, version, tx.Now(), via, tx.Actor()})
}

func record(tx *db.Tx, c Consent) error {
	if err := consents.Insert(tx, c); err != nil {
		return err
	}
	_, err := fact.Emit(tx, c.Member, ConsentChanged{c.Purpose, c.Given})
	return err
}

// Consented says whether a member agrees to a purpose now. Ask at the moment of use, never before (ruling 29).
func (s *Service) Consented(r db.Reader, id int64, purpose string) bool {
	all := lastOf(r, id)
	if !all[purpose].Given {
		return false
	}
	if p, _ := purposeOf(purpose); p.Required || all[ForGuardian].Given {
		return true
	}
	young, err := s.young(r, id)
	return err == nil && !young
}

func (s *Service) needsGuardian(r db.Reader, id int64) (bool, error) {
	if lastOf(r, id)[ForGuardian].Given {
		return false, nil
	}
	return s.young(r, id)
}

// young says whether the birthday makes a member younger than a guardian's child. Without a birthday nobody is.
func (s *Service) young(r db.Reader, id int64) (bool, error) {
	p, err := s.ProfileOf(r, id)
	if err != nil || p.Birthday.IsEmpty() {
		return false, err
	}
	return ageAt(s.Zone, p.Birthday.Reveal(), r.Now()) < guardianAge, nil
}

// ageAt is the age in whole years on the local day of an instant; who was born on 29 February grows older on 1 March.
func ageAt(z clock.Zone, birthday string, at int64) int {
	if len(birthday) != len("2006-01-02") {
		return guardianAge
	}
	born, err := strconv.Atoi(birthday[:4] + birthday[5:7] + birthday[8:])
	if err != nil {
		return guardianAge
	}
	return (z.LocalDay(at) - born) / 10000
}

// mergeConsents lets the stricter answer of two members stand: who said no as either has said no.
func (s *Service) mergeConsents(tx *db.Tx, from, into int64) error {
	survivor := lastOf(tx, into)
	for _, p := range Purposes {
		theirs, ok := lastOf(tx, from)[p.Key]
		mine, answered := survivor[p.Key]
		if !ok || answered && (!mine.Given || theirs.Given) {
			continue
		}
		if err := record(tx, Consent{into, tx.ID(), p.Key, theirs.Given, theirs.Agreement, tx.Now(), "merge", tx.Actor()}); err != nil {
			return err
		}
	}
	return nil
}
