package accounts

import (
	"net/url"
	"regexp"
	"strings"

	"guanxi/internal/emulator/qr"
)

var visible = regexp.MustCompile(`^[0-9a-zA-Z!#$&'()*+,/:;=?@\-._~]{1,32}$`)

func (p *Platform) wxaCode(c *call) any {
	scene, _ := c.body["scene"].(string)
	pagePath, _ := c.body["page"].(string)
	switch {
	case !visible.MatchString(scene):
		return fail(40169, "invalid length for scene, or the data is not json string")
	case strings.HasPrefix(pagePath, "/"):
		return fail(41030, "invalid page")
	}
	// The picture says the page of the mini program, so that the phone can open it.
	return picture{"image/png", qr.PNG(strings.TrimRight(c.app.Home, "/") + "/?scene=" + url.QueryEscape(scene))}
}

func (p *Platform) days(v map[string]any) bool {
	n, _ := v["expire_interval"].(float64)
	kind, _ := v["expire_type"].(float64)
	return kind == 1 && n >= 1 && n <= 30
}

func (p *Platform) urlLink(c *call) any {
	query, _ := c.body["query"].(string)
	if !p.days(c.body) {
		return fail(85401, "expire_time is invalid")
	}
	if len(query) > 1024 {
		return fail(40212, "invalid query")
	}
	return map[string]any{"errcode": 0, "errmsg": "ok", "url_link": "https://wxaurl.cn/" + p.W.Word(11)}
}

func (p *Platform) scheme(c *call) any {
	if !p.days(c.body) {
		return fail(85401, "expire_time is invalid")
	}
	return map[string]any{"errcode": 0, "errmsg": "ok", "openlink": "weixin://dl/business/?t=" + p.W.Word(12)}
}

// bad words of the emulator's censor, and those it is unsure of.
const (
	badWord    = "违规测试"
	unsureWord = "待复核测试"
)

func (p *Platform) checkText(c *call) any {
	text, _ := c.body["content"].(string)
	openid, _ := c.body["openid"].(string)
	version, _ := c.body["version"].(float64)
	if _, ok := p.W.WhoIs(c.app.ID, openid); !ok {
		return fail(40003, "invalid openid")
	}
	if version != 2 || text == "" || len([]rune(text)) > 2500 {
		return fail(40097, "invalid args")
	}
	suggest, label := "pass", 100
	switch {
	case strings.Contains(text, badWord):
		suggest, label = "risky", 20001
	case strings.Contains(text, unsureWord):
		suggest, label = "review", 21000
	}
	return map[string]any{"errcode": 0, "errmsg": "ok", "result": map[string]any{"suggest": suggest, "label": label}, "trace_id": p.W.Word(32)}
}

func (p *Platform) checkMedia(c *call) any {
	openid, _ := c.body["openid"].(string)
	person, ok := p.W.WhoIs(c.app.ID, openid)
	if !ok {
		return fail(40003, "invalid openid")
	}
	trace := p.W.Word(32)
	media, _ := c.body["media_url"].(string)
	suggest := "pass"
	if strings.Contains(media, "risky") {
		suggest = "risky"
	}
	p.event(c.app, person.ID, "wxa_media_check", "", Part{"appid", c.app.ID}, Part{"trace_id", trace}, Part{"version", int64(2)}, Part{"suggest", suggest})
	return map[string]any{"errcode": 0, "errmsg": "ok", "trace_id": trace}
}

func (p *Platform) riskRank(c *call) any {
	openid, _ := c.body["openid"].(string)
	person, ok := p.W.WhoIs(c.app.ID, openid)
	if !ok {
		return fail(40003, "invalid openid")
	}
	rank := 0
	if person.Risky {
		rank = 4
	}
	return map[string]any{"errcode": 0, "errmsg": "ok", "risk_rank": rank, "unoin_id": 1}
}
