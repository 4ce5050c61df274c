// Package centre is what the member centre (会员中心) shows beyond single features: the brand's look, the home page at a glance, and
// the rules of the programme in words, drawn from what is in force.
//
// Invariants:
//
//   - nothing is stored here about a member: what the home page says is read from the features it speaks of;
//   - nothing of the look comes from a host that is not ours;
//   - the rules in words are made from the settings in force, so they can't say anything else.
package centre

import (
	"guanxi/internal/base/db"
	"guanxi/internal/base/fault"
	"guanxi/internal/base/setting"
	"guanxi/internal/loyalty/tier"
)

// Theme is the brand's look (品牌主题).
type Theme struct {
	NameZh    string `json:"name_zh" zh:"品牌中文名" en:"Name in Chinese" required:"true" max:"30"`
	NameEn    string `json:"name_en" zh:"品牌英文名" en:"Name in English" required:"true" max:"60"`
	SloganZh  string `json:"slogan_zh" zh:"中文标语" en:"Slogan in Chinese" max:"60"`
	SloganEn  string `json:"slogan_en" zh:"英文标语" en:"Slogan in English" max:"120"`
	PointsZh  string `json:"points_zh" zh:"积分的叫法" en:"What points are called, in Chinese" required:"true" max:"10"`
	PointsEn  string `json:"points_en" zh:"积分的英文叫法" en:"What points are called, in English" required:"true" max:"20"`
	Logo      string `json:"logo" zh:"标志（图片编号）" en:"Logo (number of an image)" max:"20"`
	Primary   string `json:"primary" zh:"主色" en:"Primary colour" required:"true" max:"7" help:"如 #0a6e4f" help_en:"such as #0a6e4f"`
	Accent    string `json:"accent" zh:"强调色" en:"Accent colour" required:"true" max:"7"`
	Paper     string `json:"paper" zh:"背景色" en:"Background" required:"true" max:"7"`
	DarkPaper string `json:"dark_paper" zh:"深色模式背景色" en:"Background in dark mode" required:"true" max:"7"`
	Service   string `json:"service" zh:"客服电话" en:"Service phone" max:"30"`
	Faces     []Face `json:"faces" zh:"各等级卡面" en:"Card faces by tier" max:"12"`
}

// Face is the card of one tier (卡面).
type Face struct {
	Tier  string `json:"tier" zh:"等级代码" en:"Key of the tier" required:"true" max:"32"`
	From  string `json:"from" zh:"渐变起色" en:"Gradient from" required:"true" max:"7"`
	To    string `json:"to" zh:"渐变止色" en:"Gradient to" required:"true" max:"7"`
	Ink   string `json:"ink" zh:"文字颜色" en:"Colour of the writing" required:"true" max:"7"`
	Image string `json:"image" zh:"背景图（图片编号）" en:"Background (number of an image)" max:"20"`
}

// Look holds the versions of the theme.
var Look = setting.New("theme", Theme{
	NameZh: "关系", NameEn: "Guanxi", SloganZh: "好久不见，见到你真好", SloganEn: "Good to see you again", PointsZh: "积分", PointsEn: "points",
	Primary: "#0f5c4d", Accent: "#c8873c", Paper: "#f6f5f2", DarkPaper: "#121413",
	Faces: []Face{
		{Tier: "base", From: "#5d6b7a", To: "#39434e", Ink: "#ffffff"},
		{Tier: "silver", From: "#8d9bb0", To: "#56637a", Ink: "#ffffff"},
		{Tier: "gold", From: "#c59a4a", To: "#7d5716", Ink: "#ffffff"},
		{Tier: "platinum", From: "#4f6b80", To: "#22364a", Ink: "#ffffff"},
		{Tier: "diamond", From: "#2b4c7e", To: "#141c3a", Ink: "#ffffff"},
	},
})

// The faults of the look.
var (
	ErrColour = fault.Define("centre.colour", fault.Invalid,
		"颜色须写成 #rrggbb", "A colour is written #rrggbb")
	ErrFace = fault.Define("centre.face", fault.Invalid,
		"每个等级最多一个卡面，且等级须存在", "At most one face a tier, of a tier that exists")
	ErrInk = fault.Define("centre.ink", fault.Invalid,
		"文字与底色对比不足（至少 4.5:1）", "The writing can't be read on its ground (4.5:1 at least)")
	ErrImage = fault.Define("centre.image", fault.Invalid,
		"图片不存在，或不是 PNG、JPEG、WebP，或超过 {max} 字节", "There is no such image, or it is no PNG, JPEG or WebP of at most {max} bytes")
	ErrNoImage = fault.Define("centre.no_image", fault.NotFound, "图片不存在", "There is no such image")
)

// Check refuses a look that can't be shown or read.
func (t Theme) Check(r db.Reader) error {
	for name, c := range map[string]string{"primary": t.Primary, "accent": t.Accent, "paper": t.Paper, "dark_paper": t.DarkPaper} {
		if _, ok := colour(c); !ok {
			return ErrColour.New().At(name)
		}
	}
	white, _ := colour("#ffffff")
	if p, _ := colour(t.Primary); contrast(white, p) < minContrast {
		return ErrInk.New().At("primary") // buttons are written on in white
	}
	if err := checkImage(r, t.Logo); err != nil {
		return err
	}
	seen := map[string]bool{}
	for _, f := range t.Faces {
		if _, ok := tier.Policy.At(r, r.Now()).Value.Rank(f.Tier); !ok || seen[f.Tier] {
			return ErrFace.New().At("faces")
		}
		seen[f.Tier] = true
		if err := f.check(); err != nil {
			return err
		}
		if err := checkImage(r, f.Image); err != nil {
			return err
		}
	}
	return nil
}

func (f Face) check() error {
	from, ok1 := colour(f.From)
	to, ok2 := colour(f.To)
	ink, ok3 := colour(f.Ink)
	if !ok1 || !ok2 || !ok3 {
		return ErrColour.New().At("faces")
	}
	if f.Image == "" && (contrast(ink, from) < minLarge || contrast(ink, to) < minContrast) {
		return ErrInk.New().At("faces")
	}
	return nil
}
