package member

import (
	"net/http"
	"strconv"

	"guanxi/internal/base/db"
	"guanxi/internal/base/fault"
	"guanxi/internal/base/id"
	"guanxi/internal/base/web"
)

func (h routes) consentRoutes(srv *web.Server) {
	srv.Tag("privacy", "隐私与同意", "Privacy and consent")
	tags := []string{"privacy"}
	web.Route(srv, web.Op{Door: Door, Method: http.MethodGet, Path: "/agreements", ID: "member.agreements", Public: true, Tags: tags,
		Zh: "会员协议、隐私政策与各处理目的", En: "The terms, the privacy policy and the purposes"}, h.getAgreements)
	web.Route(srv, web.Op{Door: Door, Method: http.MethodGet, Path: "/me/consents", ID: "me.consents", Perm: web.AnyCaller, Tags: tags,
		Zh: "我的各项同意与记录", En: "What I agree to, and what I have said before"}, h.getConsents)
	web.Route(srv, web.Op{Door: Door, Method: http.MethodPut, Path: "/me/consents/{purpose}", ID: "me.consent", Perm: web.AnyCaller, Write: true, Tags: tags,
		Zh: "同意或撤回一项", En: "Agree to a purpose, or take that back", Errors: []*fault.Kind{ErrPurpose, ErrRequired, ErrAgreement, ErrGuardian}}, h.putConsent)
}

type agreementText struct {
	Title string `json:"title" doc:"标题|title"`
	Text  string `json:"text" doc:"正文，段落以换行分隔|the text; lines are paragraphs"`
}

// PurposeOut is a purpose in words; exported, so that the API reference lists its fields where it is embedded.
type PurposeOut struct {
	Key      string `json:"key" enum:"terms,marketing,personal,tracking,guardian" doc:"目的|the purpose"`
	Name     string `json:"name" doc:"名称|name"`
	Note     string `json:"note" doc:"用来做什么|what it is for"`
	Required bool   `json:"required" doc:"入会所必需|the membership needs it"`
}

type agreementsOut struct {
	Version  string        `json:"version" doc:"版本，同意时回传|the version, to be given back with the consent"`
	Label    string        `json:"label" doc:"版本号|label of the version"`
	From     int64         `json:"from_at" doc:"生效时刻，UTC 毫秒|in force since, milliseconds UTC"`
	Changes  string        `json:"changes,omitempty" doc:"本次改动|what changed"`
	Terms    agreementText `json:"terms" doc:"会员协议|the terms"`
	Privacy  agreementText `json:"privacy" doc:"隐私政策|the privacy policy"`
	Purposes []PurposeOut  `json:"purposes" doc:"处理目的，按询问顺序|the purposes, in the order they are asked"`
}

func (p Purpose) out(lang string) PurposeOut {
	if lang == "en" {
		return PurposeOut{p.Key, p.En, p.NoteEn, p.Required}
	}
	return PurposeOut{p.Key, p.Zh, p.NoteZh, p.Required}
}

func (h routes) getAgreements(c *web.Ctx, _ *struct{}) (out *agreementsOut, err error) {
	err = h.d.View(c, func(v *db.View) error {
		at := Agreement.At(v, v.Now())
		a := at.Value
		out = &agreementsOut{id.String(at.ID), a.Label, at.From, a.ChangesZh, agreementText{"会员协议", a.TermsZh}, agreementText{"隐私政策", a.PrivacyZh}, []PurposeOut{}}
		if c.Lang() == "en" {
			out.Changes, out.Terms, out.Privacy = a.ChangesEn, agreementText{"Membership terms", a.TermsEn}, agreementText{"Privacy policy", a.PrivacyEn}
		}
		for _, p := range Purposes {
			out.Purposes = append(out.Purposes, p.out(c.Lang()))
		}
		return nil
	})
	return out, err
}

type consentOut struct {
	PurposeOut
	Given   bool   `json:"given" doc:"是否同意|whether I agree"`
	At      int64  `json:"at,omitempty" doc:"何时，UTC 毫秒；没有则从未回答|when, milliseconds UTC; absent when never answered"`
	Version string `json:"version,omitempty" doc:"当时的协议版本|version of the agreement then"`
}

// versionText is the version an answer was about, "" while there is none.
func versionText(c Consent) string {
	if c.ID == 0 {
		return ""
	}
	return id.String(c.Agreement)
}

type consentLine struct {
	Purpose string `json:"purpose" doc:"目的|the purpose"`
	Given   bool   `json:"given" doc:"同意或撤回|yes or no"`
	At      int64  `json:"at" doc:"何时，UTC 毫秒|when, milliseconds UTC"`
	Version string `json:"version" doc:"协议版本|version of the agreement"`
	Via     string `json:"via" doc:"在哪里|where"`
}

type consentsOut struct {
	Version  string        `json:"version" doc:"现行协议版本|version of the agreement in force"`
	AskAgain bool          `json:"ask_again" doc:"协议已更新，须重新同意|the agreement has changed and must be agreed to again"`
	Minor    bool          `json:"minor" doc:"未满 14 周岁且监护人尚未同意|below 14 without a guardian's consent"`
	Purposes []consentOut  `json:"purposes" doc:"各目的现状|what holds of each purpose"`
	History  []consentLine `json:"history" doc:"全部记录，从旧到新|every answer, the oldest first"`
}

func (h routes) getConsents(c *web.Ctx, _ *struct{}) (out *consentsOut, err error) {
	err = h.d.View(c, func(v *db.View) error {
		last := lastOf(v, c.Caller.ID)
		minor, err := h.s.needsGuardian(v, c.Caller.ID)
		if err != nil {
			return err
		}
		out = &consentsOut{Version: id.String(Agreement.At(v, v.Now()).ID), Minor: minor, History: []consentLine{}}
		terms := last[ForTerms]
		out.AskAgain = !terms.Given || terms.At < askedAgainAt(v)
		for _, p := range Purposes {
			if p.Key == ForGuardian && !minor && !last[p.Key].Given {
				continue // not asked of adults
			}
			one := last[p.Key]
			out.Purposes = append(out.Purposes, consentOut{p.out(c.Lang()), one.Given, one.At, versionText(one)})
		}
		for _, x := range ConsentsOf(v, c.Caller.ID) {
			out.History = append(out.History, consentLine{x.Purpose, x.Given, x.At, id.String(x.Agreement), x.Via})
		}
		return nil
	})
	return out, err
}

type consentIn struct {
	Purpose string `path:"purpose" enum:"terms,marketing,personal,tracking,guardian" doc:"目的|the purpose"`
	Body    struct {
		Given   bool   `json:"given" doc:"同意或撤回|yes or no"`
		Version string `json:"version,omitempty" pattern:"^[0-9]{1,19}$" doc:"所读协议的版本；撤回时不填|version of the agreement that was read; not for taking back"`
	}
}

type consentSet struct {
	Purpose string `json:"purpose" doc:"目的|the purpose"`
	Given   bool   `json:"given" doc:"是否同意|yes or no"`
	At      int64  `json:"at" doc:"何时，UTC 毫秒|when, milliseconds UTC"`
}

func (h routes) putConsent(c *web.Ctx, in *consentIn) (*consentSet, error) {
	return web.Write(c, db.Op{Owner: c.Caller.ID}, func(tx *db.Tx) (*consentSet, error) {
		version := int64(-1)
		if in.Body.Version != "" {
			version, _ = strconv.ParseInt(in.Body.Version, 10, 64) // its pattern was checked; what is too long is no version
		}
		err := h.s.SetConsent(tx, c.Caller.ID, in.Purpose, in.Body.Given, version, "member_centre")
		return &consentSet{in.Purpose, in.Body.Given, tx.Now()}, err
	})
}
