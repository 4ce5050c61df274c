package accounts

import (
	"html/template"
	"net/http"

	"guanxi/internal/emulator/world"
)

var sheet = template.Must(template.New("page").Parse(`<!doctype html><html lang="zh"><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<title>{{.Title}}</title><style>
body{margin:0;font:16px/1.6 system-ui,"PingFang SC","Noto Sans CJK SC",sans-serif;background:#f7f7f7;color:#191919;display:flex;min-height:100vh;flex-direction:column}
main{margin:auto;padding:32px 24px;text-align:center;max-width:320px}h1{font-size:20px;font-weight:600;margin:16px 0 8px}p{color:#6b6b6b;margin:0 0 24px}
a{display:block;margin:10px 0;padding:10px;border-radius:8px;background:#fff;color:#191919;text-decoration:none}a.go{background:#07c160;color:#fff;font-weight:600}
.dot{width:56px;height:56px;border-radius:12px;margin:auto;background:#07c160;color:#fff;font:600 26px/56px system-ui}</style>
<main>{{if .Mark}}<div class="dot">{{.Mark}}</div>{{end}}<h1>{{.Title}}</h1><p>{{.Text}}</p>{{range .Links}}<a {{if .Go}}class="go"{{end}} href="{{.URL}}">{{.Label}}</a>{{end}}</main></html>`))

type link struct {
	Label, URL string
	Go         bool
}

type sheetData struct {
	Title, Text, Mark string
	Links             []link
}

func show(w http.ResponseWriter, status int, d sheetData) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = sheet.Execute(w, d)
}

// page tells of a mistake, as the platform's own pages do.
func page(w http.ResponseWriter, status int, title, text string) {
	show(w, status, sheetData{Title: title, Text: text})
}

func with(r *http.Request, key, value string) string {
	q := r.URL.Query()
	q.Set(key, value)
	return r.URL.Path + "?" + q.Encode()
}

// choose asks whose phone this is, for browsers outside the phone page.
func (p *Platform) choose(w http.ResponseWriter, r *http.Request) {
	d := sheetData{Title: "选择微信用户", Text: "模拟器：以谁的身份登录？", Mark: "微"}
	for _, person := range p.W.People() {
		d.Links = append(d.Links, link{Label: person.Name, URL: with(r, "emulator_person", person.ID)})
	}
	show(w, http.StatusOK, d)
}

// consent asks the person, as snsapi_userinfo does.
func (p *Platform) consent(w http.ResponseWriter, r *http.Request, app world.App, person world.Person) {
	show(w, http.StatusOK, sheetData{Title: app.Name + " 申请获取你的昵称、头像", Text: person.Name + "，同意后将使用你的微信身份登录", Mark: string([]rune(app.Name)[:1]),
		Links: []link{{Label: "允许", URL: with(r, "emulator_allow", "1"), Go: true}}})
}
