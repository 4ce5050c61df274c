package delivery

import (
	"crypto/subtle"
	"io"
	"net/http"
	"net/url"
	"strconv"

	"guanxi/internal/base/db"
	"guanxi/internal/base/id"
	"guanxi/internal/base/vault"
	"guanxi/internal/loyalty/member"
)

// LeavePath is where letters lead who wants no more of them.
const LeavePath = "/hooks/mail/leave"

const leaveIndex vault.Domain = "mail-leave:v1"

func (o *Outlet) leaveToken(member int64) string {
	return o.Vault.Index(leaveIndex, vault.Hide(strconv.FormatInt(member, 10)))
}

// leaveURL is good for ever: withdrawing must not expire.
func (o *Outlet) leaveURL(member int64) string {
	return o.Public + LeavePath + "?" + url.Values{"m": {id.String(member)}, "t": {o.leaveToken(member)}}.Encode()
}

// Leave ends marketing for whoever a letter was sent to. Reading the address changes nothing, because programs that look for harm read it, too; the
// button, or the mail program's own, posts.
func (o *Outlet) Leave(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	m, ok := id.Parse(q.Get("m"))
	if !ok || subtle.ConstantTimeCompare([]byte(q.Get("t")), []byte(o.leaveToken(m))) != 1 {
		http.NotFound(w, r)
		return
	}
	words := leaveAsk
	if r.Method == http.MethodPost {
		err := o.DB.Write(r.Context(), db.Op{Owner: m, Actor: "member:mail"}, func(tx *db.Tx) error {
			return o.Members.SetConsent(tx, m, member.ForMarketing, false, -1, "mail")
		})
		if err != nil {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		words = leaveDone
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Security-Policy", "default-src 'none'; form-action 'self'")
	_, _ = io.WriteString(w, words)
}

const (
	leaveAsk = `<!doctype html><html lang="zh-CN"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>退订</title>
<h1>退订营销消息</h1><p>退订后不再收到活动与优惠；服务通知不受影响。<br>You will get no more offers; notices about your account go on.</p><form method="post"><button>退订 · Unsubscribe</button></form></html>`
	leaveDone = `<!doctype html><html lang="zh-CN"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>已退订</title>
<h1>已退订</h1><p>随时可以在会员中心的设置里重新开启。<br>Done. You can turn it on again in the member centre.</p></html>`
)
