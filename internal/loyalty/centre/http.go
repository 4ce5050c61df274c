package centre

import (
	"net/http"
	"slices"

	"guanxi/internal/base/clock"
	"guanxi/internal/base/db"
	"guanxi/internal/base/fault"
	"guanxi/internal/base/web"
	"guanxi/internal/loyalty/member"
	"guanxi/internal/loyalty/order"
	"guanxi/internal/loyalty/recognition"
	"guanxi/internal/loyalty/staff"
	"guanxi/internal/loyalty/tier"
)

// Routes are the pages of the member centre that belong to no single feature.
type Routes struct {
	DB      *db.DB
	Zone    clock.Zone
	Members *member.Service
	Tiers   *tier.Service
	Honours *recognition.Service
	// FollowCode is what the QR code says by which members follow the account; "" while there is none. May be nil.
	FollowCode func(r db.Reader) string
}

// RoutesMember registers the home page and what can be seen before joining.
func (h *Routes) RoutesMember(srv *web.Server) {
	srv.Tag("centre", "会员中心", "Member centre")
	tags := []string{"centre"}
	web.Route(srv, web.Op{Door: member.Door, Method: http.MethodGet, Path: "/theme", ID: "centre.theme", Public: true, Tags: tags,
		Zh: "品牌主题：名称、标志、颜色、卡面", En: "The brand's look: name, logo, colours, card faces"}, h.getTheme)
	web.Route(srv, web.Op{Door: member.Door, Method: http.MethodGet, Path: "/rules", ID: "centre.rules", Public: true, Tags: tags,
		Zh: "规则说明：由现行设置生成", En: "The rules in words, made from the settings in force"}, h.getHelp)
	web.Route(srv, web.Op{Door: member.Door, Method: http.MethodGet, Path: "/me/home", ID: "me.home", Perm: web.AnyCaller, Tags: tags,
		Zh: "首页一览：会员卡、进度、积分、提示、新人任务", En: "The home page: card, progress, points, nudges, newcomer tasks"}, h.getHome)
	srv.Handle("GET "+imagePath+"{id}", Images(h.DB))
}

type themeOut struct {
	Version   web.ID    `json:"version,omitempty" doc:"版本，缺省主题没有|the version; absent for the default"`
	Name      string    `json:"name" doc:"品牌名|name of the brand"`
	Slogan    string    `json:"slogan,omitempty" doc:"标语|slogan"`
	Points    string    `json:"points_name" doc:"积分的叫法|what points are called"`
	Logo      string    `json:"logo_url,omitempty" doc:"标志的地址|address of the logo"`
	Primary   string    `json:"primary" doc:"主色|primary colour"`
	Accent    string    `json:"accent" doc:"强调色|accent colour"`
	Paper     string    `json:"paper" doc:"背景色|background"`
	DarkPaper string    `json:"dark_paper" doc:"深色模式背景色|background in dark mode"`
	Service   string    `json:"service_phone,omitempty" doc:"客服电话|service phone"`
	Faces     []faceOut `json:"faces" doc:"各等级卡面，从低到高|card faces of all tiers, the lowest first"`
}

type faceOut struct {
	Tier  string `json:"tier" doc:"等级代码|key of the tier"`
	From  string `json:"from" doc:"渐变起色|gradient from"`
	To    string `json:"to" doc:"渐变止色|gradient to"`
	Ink   string `json:"ink" doc:"文字颜色|colour of the writing"`
	Image string `json:"image_url,omitempty" doc:"背景图的地址|address of the background"`
}

// face is the face of a tier; one that has none gets the colours of the theme.
func (t *Theme) face(l tier.Level) *faceOut {
	i := slices.IndexFunc(t.Faces, func(f Face) bool { return f.Tier == l.Key })
	if i < 0 {
		return &faceOut{l.Key, t.Primary, t.Primary, "#ffffff", ""}
	}
	f := t.Faces[i]
	return &faceOut{f.Tier, f.From, f.To, f.Ink, ImageURL(f.Image)}
}

func (h *Routes) getTheme(c *web.Ctx, _ *struct{}) (out *themeOut, err error) {
	err = h.DB.View(c, func(v *db.View) error {
		at := Look.At(v, v.Now())
		t := at.Value
		out = &themeOut{web.ID(at.ID), t.NameZh, t.SloganZh, t.PointsZh, ImageURL(t.Logo), t.Primary, t.Accent, t.Paper, t.DarkPaper, t.Service, []faceOut{}}
		if c.Lang() == "en" {
			out.Name, out.Slogan, out.Points = t.NameEn, t.SloganEn, t.PointsEn
		}
		for _, l := range tier.Policy.At(v, v.Now()).Value.Levels {
			out.Faces = append(out.Faces, *t.face(l))
		}
		return nil
	})
	return out, err
}

func hasOrdered(v *db.View, memberID int64) bool {
	for _, m := range member.Family(v, memberID) {
		if len(order.Of(v, m, 0, 1)) > 0 {
			return true
		}
	}
	return false
}

// Console is what staff see and change of the member centre.
type Console struct{ staff.Desk }

// Register registers the console's routes.
func (k Console) Register(srv *web.Server) {
	staff.Tune(srv, k.Desk, staff.Tunable[Theme]{Path: "theme", ID: "centre.theme", View: "view.settings", Edit: "edit.settings",
		Zh: "品牌主题", En: "The brand's look", Setting: Look, Check: func(r db.Reader, t Theme) error { return t.Check(r) },
		Errors: []*fault.Kind{ErrColour, ErrFace, ErrInk, ErrImage}})
	staff.Route(srv, staff.Created(staff.Change(http.MethodPost, "/images", "centre.add_image", "edit.settings", "上传品牌图片（PNG、JPEG 或 WebP）", "Add an image of the brand (PNG, JPEG or WebP)", ErrImage)), k.addImage)
}

type imageIn struct {
	Body struct {
		Data string `json:"data" minLength:"1" maxLength:"65000" doc:"图片内容，base64|the picture, in base64"`
	}
}

type imageOut struct {
	ID    web.ID `json:"id" doc:"图片编号，填入主题|number of the image, for the theme"`
	URL   string `json:"url" doc:"地址|address"`
	Media string `json:"media" doc:"类型|type"`
}

func (k Console) addImage(c *web.Ctx, in *imageIn) (*imageOut, error) {
	return staff.Write(c, k.Desk, db.Op{}, func(tx *db.Tx) (*imageOut, staff.Act, error) {
		i, err := AddImage(tx, in.Body.Data)
		if err != nil {
			return nil, staff.Act{}, err
		}
		return &imageOut{web.ID(i.ID), ImageURL(web.ID(i.ID).String()), i.Media}, staff.Act{What: "image.add", Targets: []int64{i.ID}}, nil
	})
}
