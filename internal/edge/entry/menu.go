package entry

import (
	"context"
	"net/url"
	"strings"

	"guanxi/internal/base/db"
	"guanxi/internal/base/fault"
	"guanxi/internal/base/job"
	"guanxi/internal/base/setting"
	"guanxi/internal/edge/wechat"
	"guanxi/internal/edge/wechat/oa"
)

// ErrMenu refuses a menu that the platform would refuse.
var ErrMenu = fault.Define("entry.menu", fault.Invalid,
	"菜单“{name}”不完整：网页须有网址，关键字须有内容，小程序须已接入，有下级的不填动作", "The entry {name} is not complete: a page has an address, a word has one, a mini program is connected, and one with entries below does nothing itself")

// What an entry of the menu does.
const (
	doesCentre = "centre"
	doesMini   = "mini"
	doesPage   = "page"
	doesScan   = "scan"
	doesWord   = "word"
)

// Entry is one entry of the menu of a 服务号.
type Entry struct {
	Name   string `json:"name" zh:"名称" en:"Name" required:"true" max:"5"`
	Does   string `json:"does" zh:"点开" en:"Opens" options:"none=下级菜单/Entries below,centre=会员中心/Member centre,mini=小程序/Mini program,page=网页/Web page,scan=扫一扫/Scanner,word=发送关键字/Sends a word"`
	Target string `json:"target" zh:"网址、小程序页面或关键字" en:"Address, page or word" max:"500"`
	Below  []Leaf `json:"below" zh:"下级" en:"Below" max:"5"`
}

// Leaf is an entry below another.
type Leaf struct {
	Name   string `json:"name" zh:"名称" en:"Name" required:"true" max:"12"`
	Does   string `json:"does" zh:"点开" en:"Opens" options:"centre=会员中心/Member centre,mini=小程序/Mini program,page=网页/Web page,scan=扫一扫/Scanner,word=发送关键字/Sends a word"`
	Target string `json:"target" zh:"网址、小程序页面或关键字" en:"Address, page or word" max:"500"`
}

// Menu is what every 服务号 of the installation shows below its chat.
type Menu struct {
	Entries []Entry `json:"entries" zh:"菜单" en:"Menu" min:"1" max:"3"`
}

// Menus holds the versions of the menu. That of the program is shown nowhere before somebody sets one.
var Menus = setting.New("wechat_menu", Menu{Entries: []Entry{
	{Name: "会员中心", Does: doesCentre},
	{Name: "更多", Does: "none", Below: []Leaf{{Name: "扫一扫", Does: doesScan, Target: "SCAN"}, {Name: "在线客服", Does: doesWord, Target: "HELP"}}},
}})

// CheckMenu finds what the platform would refuse.
func (s *Service) CheckMenu(_ db.Reader, m Menu) error {
	for _, e := range m.Entries {
		if (e.Does == "none") != (len(e.Below) > 0) || e.Does != "none" && !s.complete(e.Does, e.Target) {
			return ErrMenu.With("name", e.Name).At("entries")
		}
		for _, l := range e.Below {
			if !s.complete(l.Does, l.Target) {
				return ErrMenu.With("name", l.Name).At("entries")
			}
		}
	}
	return nil
}

func (s *Service) complete(does, target string) bool {
	switch does {
	case doesPage:
		u, err := url.Parse(target)
		return err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Host != ""
	case doesWord, doesScan:
		return target != "" && len(target) <= 128
	case doesMini:
		return len(s.mini) > 0
	}
	return does == doesCentre
}

// OnMenu has a new version of the menu published when it begins to hold.
func (s *Service) OnMenu(tx *db.Tx, v setting.Version[Menu]) error {
	for app := range s.oas {
		if _, err := job.Add(tx, publishMenu, app, job.At(max(v.From, tx.Now()))); err != nil {
			return err
		}
	}
	return nil
}

// publishMenu shows the menu that holds now.
func (s *Service) publishMenu(ctx context.Context, _ *job.Run, app string) error {
	client, err := s.OA(app)
	if err != nil {
		return job.GiveUp(err)
	}
	var m Menu
	if err := s.DB.View(ctx, func(v *db.View) error { m = Menus.At(v, v.Now()).Value; return nil }); err != nil {
		return err
	}
	err = client.SetMenu(ctx, s.buttons(app, m))
	if wechat.Trouble(err) {
		s.Trouble(ctx, app, err)
	}
	if c := wechat.ClassOf(err); c == wechat.Setup || c == wechat.Permanent {
		return job.GiveUp(err)
	}
	return err
}

func (s *Service) buttons(app string, m Menu) (out []oa.Button) {
	for _, e := range m.Entries {
		b := oa.Button{Name: e.Name}
		if e.Does != "none" {
			b = s.button(app, e.Name, e.Does, e.Target)
		}
		for _, l := range e.Below {
			b.Sub = append(b.Sub, s.button(app, l.Name, l.Does, l.Target))
		}
		out = append(out, b)
	}
	return out
}

func (s *Service) button(app, name, does, target string) oa.Button {
	centre := s.JoinURL(app, From{})
	switch does {
	case doesMini:
		if target == "" {
			target = "pages/home/home"
		}
		return oa.Button{Name: name, Type: "miniprogram", AppID: s.mini, PagePath: strings.TrimPrefix(target, "/"), URL: centre}
	case doesPage:
		return oa.Button{Name: name, Type: "view", URL: target}
	case doesScan:
		return oa.Button{Name: name, Type: "scancode_push", Key: target}
	case doesWord:
		return oa.Button{Name: name, Type: "click", Key: target}
	}
	return oa.Button{Name: name, Type: "view", URL: centre}
}

// JoinURL is the way into the member centre through a 服务号, for whoever comes from somewhere.
func (s *Service) JoinURL(app string, from From) string {
	next := "/m/"
	if text := from.text(); text != "" {
		next += "?" + text
	}
	return s.Public + "/hooks/wechat/oa/" + app + "/login?next=" + url.QueryEscape(next)
}
