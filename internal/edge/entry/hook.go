package entry

import (
	"bytes"
	"encoding/json"
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

// maxEvent is the longest push that is read: the platform's are a few kilobytes.
const maxEvent = 256 << 10

// Event is a push as we read it. The platform sends XML or JSON, with the same names.
type Event struct {
	To      string `xml:"ToUserName" json:"ToUserName"`
	From    string `xml:"FromUserName" json:"FromUserName"`
	At      int64  `xml:"CreateTime" json:"CreateTime"` // seconds
	Type    string `xml:"MsgType" json:"MsgType"`
	Event   string `xml:"Event" json:"Event"`
	Key     string `xml:"EventKey" json:"EventKey"`
	Ticket  string `xml:"Ticket" json:"Ticket"`
	MsgID   number `xml:"MsgId" json:"MsgId"`
	SendID  number `xml:"MsgID" json:"MsgID"`
	Status  string `xml:"Status" json:"Status"`
	Content string `xml:"Content" json:"Content"`
	OpenID  string `xml:"OpenID" json:"OpenID"`
	Revoked string `xml:"RevokeInfo" json:"RevokeInfo"`
	Card    string `xml:"CardId" json:"CardId"`
	Code    string `xml:"UserCardCode" json:"UserCardCode"`
	Answers []Answer
}

// Answer is what a person said to one subscription question, or how one message fared.
type Answer struct {
	Template string `xml:"TemplateId" json:"TemplateId"`
	Said     string `xml:"SubscribeStatusString" json:"SubscribeStatusString"`
	MsgID    string `xml:"MsgID" json:"MsgID"`
	Error    string `xml:"ErrorCode" json:"ErrorCode"`
	Status   string `xml:"ErrorStatus" json:"ErrorStatus"`
}

// number is one that may come in quotes.
type number string

// UnmarshalJSON takes 12 and "12".
func (n *number) UnmarshalJSON(b []byte) error {
	*n = number(strings.Trim(string(b), `"`))
	return nil
}

var errEvent = errors.New("entry: the event can't be read")

// ReadEvent reads a push in either form.
func ReadEvent(body []byte) (Event, error) {
	body = bytes.TrimSpace(body)
	if !utf8.Valid(body) || len(body) == 0 {
		return Event{}, errEvent
	}
	var e Event
	var err error
	if body[0] == '{' {
		err = readJSON(body, &e)
	} else {
		err = readXML(body, &e)
	}
	if err != nil || e.From == "" || len(e.From) > 128 || len(e.MsgID) > 32 || e.Type == "" || len(e.Type) > 64 || len(e.Event) > 64 || e.At <= 0 {
		return Event{}, errEvent
	}
	return e, nil
}

type answers struct {
	List []Answer `xml:"List"`
}

func readXML(body []byte, e *Event) error {
	var in struct {
		Event
		Popup  answers `xml:"SubscribeMsgPopupEvent"`
		Change answers `xml:"SubscribeMsgChangeEvent"`
		Sent   answers `xml:"SubscribeMsgSentEvent"`
	}
	d := xml.NewDecoder(bytes.NewReader(body)) //nolint:gosec // into a flat struct, and at most maxEvent bytes
	d.Entity = map[string]string{}             // no entities but the five of XML
	if err := d.Decode(&in); err != nil {
		return err
	}
	*e = in.Event
	e.Answers = append(append(in.Popup.List, in.Change.List...), in.Sent.List...)
	return nil
}

// readJSON allows a list of one to stand without its brackets.
func readJSON(body []byte, e *Event) error {
	var in struct {
		Event
		List json.RawMessage `json:"List"`
	}
	if err := json.Unmarshal(body, &in); err != nil {
		return err
	}
	*e = in.Event
	if len(in.List) == 0 {
		return nil
	}
	if in.List[0] == '[' {
		return json.Unmarshal(in.List, &e.Answers)
	}
	var one Answer
	err := json.Unmarshal(in.List, &one)
	e.Answers = []Answer{one}
	return err
}

// key is what the platform says an event or message is known by when it comes again.
func (e *Event) key(app string) string {
	if e.Type != "event" && e.MsgID != "" {
		return app + "|m|" + string(e.MsgID)
	}
	return app + "|e|" + crypt.SortedSHA1(e.From+"|"+strconv.FormatInt(e.At, 10)+"|"+e.Event+"|"+e.Key+"|"+string(e.SendID)+e.firstAnswer())
}

func (e *Event) firstAnswer() string {
	if len(e.Answers) == 0 {
		return ""
	}
	return "|" + e.Answers[0].Template + e.Answers[0].MsgID
}

// hook answers the platform: the address check, and the pushes. It verifies, keeps the event and answers at once; what follows
// from it happens in a job.
func (s *Service) hook(kind string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		app, q := r.PathValue("app"), r.URL.Query()
		if s.kind[app] != kind {
			s.flood(r.Context(), HookApp, "", "a push for an account that is not connected")
			http.NotFound(w, r)
			return
		}
		token := s.apps[app].Token.Reveal()
		err := crypt.CheckPlain(token, q.Get("signature"), q.Get("timestamp"), q.Get("nonce"))
		if err == nil {
			err = s.fresh(q.Get("timestamp"))
		}
		if err != nil {
			s.turnAway(w, r, app, err)
			return
		}
		switch r.Method {
		case http.MethodGet:
			w.Header().Set("Content-Type", "text/plain; charset=utf-8")
			_, _ = io.WriteString(w, safeEcho(q.Get("echostr"))) //nolint:gosec // letters and digits, as plain text
		case http.MethodPost:
			s.take(w, r, app)
		default:
			w.WriteHeader(http.StatusMethodNotAllowed)
		}
	}
}

// window is how old or how far ahead a push may be. The platform signs each of its tries anew.
const window = 10 * clock.Minute

var errStale = errors.New("entry: the time of the push is not near ours")

// fresh refuses what somebody has kept: in plain mode the signature does not cover the text.
func (s *Service) fresh(stamp string) error {
	at, err := strconv.ParseInt(stamp, 10, 64)
	if err != nil {
		return errStale
	}
	if off := at*clock.Second - s.Clock.Now(); !s.AnyTime && (off > window || off < -window) {
		return errStale
	}
	return nil
}

// safeEcho gives back what the platform asks for, which is digits and letters.
func safeEcho(s string) string {
	if len(s) > 128 || strings.ContainsFunc(s, func(r rune) bool { return r < '0' || r > 'z' }) {
		return ""
	}
	return s
}

func (s *Service) turnAway(w http.ResponseWriter, r *http.Request, app string, err error) {
	s.flood(r.Context(), HookRefused, app, err.Error())
	w.WriteHeader(http.StatusForbidden)
}

func (s *Service) take(w http.ResponseWriter, r *http.Request, app string) {
	body, err := io.ReadAll(io.LimitReader(r.Body, maxEvent+1))
	if err != nil || len(body) > maxEvent {
		w.WriteHeader(http.StatusRequestEntityTooLarge)
		return
	}
	if body, err = s.unseal(r, app, body); err != nil {
		s.turnAway(w, r, app, err)
		return
	}
	e, err := ReadEvent(body)
	if err != nil || e.To != s.apps[app].Original && s.apps[app].Original != "" {
		s.turnAway(w, r, app, errEvent)
		return
	}
	if err := s.keep(r, app, &e, body); err != nil {
		s.Log.Error("an event was not kept", "app", app, "err", err)
		w.WriteHeader(http.StatusServiceUnavailable) // it will be pushed again
		return
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = io.WriteString(w, "success")
}

// unseal opens a push of an account that seals them. One that came in the clear to such an account is refused.
func (s *Service) unseal(r *http.Request, app string, body []byte) ([]byte, error) {
	k := s.keys[app]
	if k == nil {
		return body, nil
	}
	var in struct {
		Encrypt string `xml:"Encrypt" json:"Encrypt"`
	}
	body = bytes.TrimSpace(body)
	if len(body) == 0 {
		return nil, errEvent
	}
	var err error
	if body[0] == '{' {
		err = json.Unmarshal(body, &in)
	} else {
		err = xml.Unmarshal(body, &in)
	}
	if err != nil || in.Encrypt == "" {
		return nil, errEvent
	}
	q := r.URL.Query()
	return k.Open(q.Get("msg_signature"), q.Get("timestamp"), q.Get("nonce"), in.Encrypt)
}

// Pushed is the job that follows an event.
const Pushed job.Kind[EventArgs] = "entry.event"

// EventArgs names a kept event.
type EventArgs struct {
	ID string `json:"id"`
}

const eventTable = "entry_event"

// keep stores an event, once, with the job that follows it.
func (s *Service) keep(r *http.Request, app string, e *Event, body []byte) error {
	id := e.key(app)
	return s.DB.Write(r.Context(), db.Op{Actor: "system:wechat", Wants: []db.Want{events.Want(id)}}, func(tx *db.Tx) error {
		if _, ok := events.Get(tx, id); ok {
			return nil
		}
		row := eventRow{ID: id, Row: tx.ID(), App: app, Kind: e.Type + "." + e.Event, At: tx.Now()}
		sealed, err := s.Vault.Seal(vault.Place{Table: eventTable, Row: row.Row, Column: "sealed"}, vault.Hide(string(body)))
		if err != nil {
			return err
		}
		row.Sealed = sealed
		if err := events.Insert(tx, row); err != nil {
			return err
		}
		_, err = job.Add(tx, Pushed, EventArgs{id})
		return err
	})
}
