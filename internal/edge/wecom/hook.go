package wecom

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"unicode/utf8"

	"guanxi/internal/base/clock"
	"guanxi/internal/base/db"
	"guanxi/internal/base/job"
	"guanxi/internal/base/vault"
	"guanxi/internal/edge/wechat/crypt"
)

// HookPath is where the platform pushes to, followed by the company.
const HookPath = "/hooks/wecom/"

const (
	changed   job.Kind[changeArgs] = "wecom.change"
	pushTable                      = "wecom_push"
	maxPush                        = 64 << 10
	window                         = 10 * clock.Minute
)

// changeArgs is one push, sealed: it names a person.
type changeArgs struct {
	Corp   string `json:"corp"`
	Row    int64  `json:"row,string"`
	Sealed string `json:"sealed"`
}

// change is a change of contacts, or of a customer group, as we read it.
type change struct {
	To       string `xml:"ToUserName"`
	At       int64  `xml:"CreateTime"` // seconds
	Type     string `xml:"MsgType"`
	Event    string `xml:"Event"`
	Kind     string `xml:"ChangeType"`
	Clerk    string `xml:"UserID"`
	Customer string `xml:"ExternalUserID"`
	State    string `xml:"State"`
	Welcome  string `xml:"WelcomeCode"`
	// Of a customer group.
	Chat   string   `xml:"ChatId"`
	Detail string   `xml:"UpdateDetail"`
	Came   []string `xml:"MemChangeList>Item"` // who, where the platform says it
}

// grew says that somebody has come into a customer group (客户群).
func (e *change) grew() bool {
	return e.Type == "event" && e.Event == "change_external_chat" && (e.Kind == "create" || e.Kind == "update" && e.Detail == "add_member")
}

// came says that somebody has become a contact; all else that we follow is leaving.
func (e *change) came() bool {
	return e.Kind == "add_external_contact" || e.Kind == "add_half_external_contact"
}

func (e *change) ours() bool {
	return e.grew() || e.Type == "event" && e.Event == "change_external_contact" && (e.came() || e.Kind == "del_external_contact" || e.Kind == "del_follow_user")
}

var errPush = errors.New("wecom: the push can't be read")

// readChange reads a push; what is not about contacts is read as well, and followed by nobody.
func readChange(text []byte) (e change, err error) {
	if !utf8.Valid(text) {
		return e, errPush
	}
	d := xml.NewDecoder(bytes.NewReader(text)) //nolint:gosec // into a flat struct, and at most maxPush bytes
	d.Entity = map[string]string{}             // no entities but the five of XML
	if err := d.Decode(&e); err != nil || e.To == "" || e.At <= 0 || e.Type == "" {
		return change{}, errPush
	}
	if e.grew() && (e.Chat == "" || len(e.Chat) > 64 || len(e.Came) > mostInGroup) {
		return change{}, errPush
	}
	if e.ours() && !e.grew() && (e.Clerk == "" || len(e.Clerk) > 64 || e.Customer == "" || len(e.Customer) > 64 || len(e.Welcome) > 256 || strings.Contains(e.Clerk, "|")) {
		return change{}, errPush
	}
	e.State = short(e.State, 64)
	return e, nil
}

// mostInGroup is as many as a group may have, and more.
const mostInGroup = 2000

func (e *change) key() string {
	if e.grew() {
		return e.To + "|" + crypt.SortedSHA1(strconv.FormatInt(e.At, 10)+"|"+e.Kind+"|"+e.Chat+"|"+strings.Join(e.Came, ","))
	}
	return e.To + "|" + crypt.SortedSHA1(strconv.FormatInt(e.At, 10)+"|"+e.Kind+"|"+e.Clerk+"|"+e.Customer)
}

// Hook answers the platform: the address check, and the pushes, which are always sealed. It verifies, keeps the event in a job and answers.
func (s *Service) Hook(w http.ResponseWriter, r *http.Request) {
	c := s.corps[r.PathValue("corp")]
	if c == nil || c.key == nil {
		s.Entry.Refused(r.Context(), "", errors.New("a push for a company that is not connected"))
		http.NotFound(w, r)
		return
	}
	q := r.URL.Query()
	at, err := strconv.ParseInt(q.Get("timestamp"), 10, 64)
	if off := at*clock.Second - s.Clock.Now(); err != nil || !s.AnyTime && (off > window || off < -window) {
		s.turnAway(w, r, c, errPush)
		return
	}
	open := func(sealed string) ([]byte, error) {
		return c.key.Open(q.Get("msg_signature"), q.Get("timestamp"), q.Get("nonce"), sealed)
	}
	switch r.Method {
	case http.MethodGet:
		echo, err := open(q.Get("echostr"))
		if err != nil {
			s.turnAway(w, r, c, err)
			return
		}
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		_, _ = w.Write(echo) //nolint:gosec // sealed by the platform, as plain text
	case http.MethodPost:
		s.take(w, r, c, open)
	default:
		w.WriteHeader(http.StatusMethodNotAllowed)
	}
}

func (s *Service) turnAway(w http.ResponseWriter, r *http.Request, c *corp, err error) {
	s.Entry.Refused(r.Context(), c.CorpID, err)
	w.WriteHeader(http.StatusForbidden)
}

func (s *Service) take(w http.ResponseWriter, r *http.Request, c *corp, open func(string) ([]byte, error)) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxPush))
	if err != nil {
		w.WriteHeader(http.StatusRequestEntityTooLarge)
		return
	}
	var envelope struct {
		Encrypt string `xml:"Encrypt"`
	}
	text := []byte(nil)
	if err = xml.Unmarshal(body, &envelope); err == nil {
		text, err = open(envelope.Encrypt)
	}
	var e change
	if err == nil {
		e, err = readChange(text)
	}
	if err == nil && e.To != c.CorpID {
		err = errPush
	}
	if err != nil {
		s.turnAway(w, r, c, err)
		return
	}
	if e.ours() {
		if err := s.keep(r, c, e, text); err != nil {
			s.Log.Error("a push was not kept", "corp", c.CorpID, "err", err)
			w.WriteHeader(http.StatusServiceUnavailable) // it will be pushed again
			return
		}
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = io.WriteString(w, "success")
}

// keep makes the job that follows a push, once.
func (s *Service) keep(r *http.Request, c *corp, e change, text []byte) error {
	return s.DB.Write(r.Context(), db.Op{Actor: "system:wecom"}, func(tx *db.Tx) error {
		row := tx.ID()
		sealed, err := s.Vault.Seal(vault.Place{Table: pushTable, Row: row, Column: "sealed"}, vault.Hide(string(text)))
		if err != nil {
			return err
		}
		_, err = job.Add(tx, changed, changeArgs{c.CorpID, row, sealed}, job.Key(e.key()))
		return err
	})
}
