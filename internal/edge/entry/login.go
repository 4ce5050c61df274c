package entry

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"net/http"
	"net/url"
	"strings"

	"guanxi/internal/base/clock"
	"guanxi/internal/base/db"
	"guanxi/internal/base/fault"
	"guanxi/internal/base/id"
	"guanxi/internal/base/vault"
	"guanxi/internal/base/web"
	"guanxi/internal/edge/wechat"
	"guanxi/internal/edge/wechat/oa"
)

// The cookies of a web login: what ties the way out to the way back, and the ticket at its end.
const (
	stateCookie  = "gx_wx"
	ticketCookie = "gx_in"
	stateLives   = 10 * clock.Minute
	ticketLives  = 30 * clock.Minute
)

// Login sends a browser inside WeChat to the platform: GET /hooks/wechat/oa/{app}/login?next=/m/.
func (s *Service) Login(w http.ResponseWriter, r *http.Request) {
	c, err := s.OA(r.PathValue("app"))
	if err != nil {
		http.NotFound(w, r)
		return
	}
	scope := oa.Base
	if r.URL.Query().Get("scope") == oa.UserInfo {
		scope = oa.UserInfo
	}
	nonce := id.Token(24)
	cookie(w, r, stateCookie, nonce+"."+base64.RawURLEncoding.EncodeToString([]byte(next(r.URL.Query().Get("next")))), stateLives)
	back := s.Public + "/hooks/wechat/oa/" + c.App.AppID + "/return"
	http.Redirect(w, r, c.AuthorizeURL(back, scope, stateOf(nonce)), http.StatusFound) //nolint:gosec // the host is that of the configuration
}

// next is where to go on: a path of ours, never another site.
func next(to string) string {
	u, err := url.Parse(to)
	if err != nil || u.IsAbs() || u.Host != "" || !strings.HasPrefix(to, "/") || strings.HasPrefix(to, "//") || strings.ContainsAny(to, "\\\r\n") {
		return "/m/"
	}
	return to
}

// stateOf is what the platform carries: it says nothing of the nonce in the cookie.
func stateOf(nonce string) string {
	sum := sha256.Sum256([]byte("state|" + nonce))
	return hex.EncodeToString(sum[:16])
}

func cookie(w http.ResponseWriter, r *http.Request, name, value string, lives int64) {
	//nolint:gosec // without Secure only on a developer's own machine, where there is no TLS
	http.SetCookie(w, &http.Cookie{Name: name, Value: value, Path: "/", MaxAge: int(lives / clock.Second), HttpOnly: true,
		Secure: !web.PlainLocal(r), SameSite: http.SameSiteLaxMode})
}

// Return takes a browser back from the platform. What went wrong stands in the address as a code; nothing personal does.
func (s *Service) Return(w http.ResponseWriter, r *http.Request) {
	c, err := s.OA(r.PathValue("app"))
	if err != nil {
		http.NotFound(w, r)
		return
	}
	to := "/m/"
	nonce := ""
	if ck, err := r.Cookie(stateCookie); err == nil {
		var path string
		nonce, path, _ = strings.Cut(ck.Value, ".")
		if raw, err := base64.RawURLEncoding.DecodeString(path); err == nil && len(raw) > 0 {
			to = next(string(raw))
		}
	}
	cookie(w, r, stateCookie, "", -clock.Second)
	if nonce == "" || subtle.ConstantTimeCompare([]byte(r.URL.Query().Get("state")), []byte(stateOf(nonce))) != 1 {
		s.Note(r.Context(), "entry.state", c.App.AppID, "the way back does not belong to this browser")
		onward(w, r, to, "state")
		return
	}
	ticket, err := s.loginByWeb(r, c)
	if err != nil {
		e := fault.As(s.refused(r.Context(), c.App.AppID, err))
		word := "error"
		if e != nil {
			word = strings.TrimPrefix(e.Kind.Code, "entry.")
		}
		onward(w, r, to, word)
		return
	}
	cookie(w, r, ticketCookie, ticket, ticketLives)
	onward(w, r, to, "ready")
}

// onward sends the browser to a path of ours and says how the login went.
func onward(w http.ResponseWriter, r *http.Request, to, word string) {
	http.Redirect(w, r, said(to, word), http.StatusFound) //nolint:gosec // next let nothing through but paths of ours
}

// finishes is the page of the members' app that makes a session of a login.
const finishes = "/pages/welcome/welcome"

// said adds to a path how the login went.
func said(to, word string) string {
	u, err := url.Parse(to)
	if err != nil {
		return "/m/?wechat=" + word + "#" + finishes
	}
	q := u.Query()
	q.Set("wechat", word)
	u.RawQuery = q.Encode()
	if u.Fragment == "" {
		u.Fragment = finishes // without one, browsers keep that of the platform's address
	}
	return u.String()
}

func (s *Service) loginByWeb(r *http.Request, c *oa.Client) (ticket string, err error) {
	code := r.URL.Query().Get("code")
	if code == "" {
		return "", ErrCodeOver.New() // the person said no
	}
	l, err := c.Login(r.Context(), code)
	if err != nil {
		return "", s.platform(err)
	}
	if l.Snapshot != 0 {
		return "", ErrSnapshot.New()
	}
	p := proof{app: c.App.AppID, kind: kindOA, openid: vault.Hide(l.OpenID), unionid: vault.Hide(l.UnionID)}
	if p.openid.IsEmpty() {
		return "", ErrPlatform.New()
	}
	if p.unionid.IsEmpty() { // a follower's is known to us although the login did not tell it
		if u, err := c.User(r.Context(), l.OpenID); err == nil {
			p.unionid = vault.Hide(u.UnionID)
		}
	}
	err = s.DB.Write(r.Context(), db.Op{Actor: "system:entry"}, func(tx *db.Tx) error {
		ticket, err = s.newTicket(tx, p)
		return err
	})
	return ticket, err
}

// platform says what a person may know of a refusal by the platform.
func (s *Service) platform(err error) error {
	switch wechat.ClassOf(err) { //nolint:exhaustive // every other class is our business, not the person's
	case wechat.BadCode:
		return ErrCodeOver.New().Because(err)
	case wechat.UsedCode:
		return ErrCodeUsed.New().Because(err)
	case wechat.Risky:
		return ErrRisky.New().Because(err)
	}
	s.Log.Warn("wechat did not answer as it should", "err", err)
	return ErrPlatform.New().Because(err)
}

const (
	ticketTable = "entry_ticket"
	ticketBytes = 24
)

// newTicket keeps a proof until it is used. Only the hash of the ticket is stored.
func (s *Service) newTicket(tx *db.Tx, p proof) (string, error) {
	token := tx.Token(ticketBytes)
	row := ticketRow{Hash: web.TokenHash(token), ID: tx.ID(), App: p.app, Kind: p.kind, Until: tx.Now() + ticketLives}
	var err error
	if row.OpenID, err = s.Vault.Seal(vault.Place{Table: ticketTable, Row: row.ID, Column: "openid"}, p.openid); err != nil {
		return "", err
	}
	if row.UnionID, err = s.Vault.Seal(vault.Place{Table: ticketTable, Row: row.ID, Column: "unionid"}, p.unionid); err != nil {
		return "", err
	}
	return token, tickets.Insert(tx, row)
}

// proofOf reads a ticket.
func (s *Service) proofOf(r db.Reader, now int64, token string) (p proof, err error) {
	row, ok := tickets.Get(r, web.TokenHash(token))
	if !ok || token == "" || now >= row.Until {
		return p, ErrTicket.New()
	}
	p = proof{app: row.App, kind: row.Kind}
	if p.openid, err = s.Vault.Open(vault.Place{Table: ticketTable, Row: row.ID, Column: "openid"}, row.OpenID); err != nil {
		return p, err
	}
	p.unionid, err = s.Vault.Open(vault.Place{Table: ticketTable, Row: row.ID, Column: "unionid"}, row.UnionID)
	return p, err
}
