// Package wecom is 企业微信 in the product (企微客户联系): who of the staff speaks with which member, how members come in by a clerk's code, and
// messages that an employee has to send.
//
// Invariants:
//
//   - an event counts once however often it is pushed; an older one never undoes a newer one;
//   - a customer becomes nobody's contact but that of the person the platform says it is: by its own id, or by the unionid;
//   - what waits for an employee is not sent before the platform says so.
package wecom

import (
	"context"
	"embed"
	"log/slog"
	"strings"

	"guanxi/internal/base/clock"
	"guanxi/internal/base/db"
	"guanxi/internal/base/job"
	"guanxi/internal/base/vault"
	"guanxi/internal/edge/channels"
	"guanxi/internal/edge/entry"
	"guanxi/internal/edge/wechat"
	"guanxi/internal/edge/wechat/crypt"
	"guanxi/internal/edge/wechat/oa"
	"guanxi/internal/edge/wechat/work"
	"guanxi/internal/loyalty/member"
	"guanxi/internal/loyalty/message"
)

//go:embed schema/*.sql
var files embed.FS

// Schema is the tables of contacts.
var Schema = db.Schema{Feature: "wecom", Files: files}

// Service speaks for all companies of an installation.
type Service struct {
	DB       *db.DB
	Members  *member.Service
	Messages *message.Service
	Vault    *vault.Vault
	Entry    *entry.Service
	Clock    clock.Clock
	Log      *slog.Logger
	// InGroup hears of a member who has come into a customer group. May be nil.
	InGroup func(tx *db.Tx, member int64) error
	AnyTime bool // pushes may be of any time: an emulator's clock travels

	corps map[string]*corp
}

type corp struct {
	channels.Corp
	*work.Client
	key *crypt.MessageKey // nil: no pushes are taken
}

// Connect makes the clients of an installation's companies.
func (s *Service) Connect(c channels.Config, d channels.Doer) error {
	s.corps = map[string]*corp{}
	for _, w := range c.Work {
		x := &corp{Corp: w, Client: work.New(w, c.Hosts, d, s.Clock)}
		if !w.AESKey.IsEmpty() {
			k, err := crypt.NewMessageKey(w.Token.Reveal(), w.AESKey.Reveal(), w.CorpID)
			if err != nil {
				return err
			}
			x.key = k
		}
		s.corps[w.CorpID] = x
		s.Entry.AddWays(w.CorpID, x.way)
	}
	return nil
}

// way makes a code by which people reach one of the staff.
func (c *corp) way(ctx context.Context, state, clerk string) (id, link string, err error) {
	w, err := c.AddWay(ctx, state, clerk)
	return w.ID, w.QR, err
}

// States of a contact.
const (
	Friend = "friend"
	Gone   = "gone"
)

// Contact is one customer of one clerk.
type Contact struct {
	ID       string
	Row      int64
	Corp     string
	Clerk    string // userid of the employee
	Member   int64  // 0: nobody yet
	Customer string // external_userid, sealed
	Person   string // blind index of the unionid, by which a later member is found
	State    string // of the code by which they came
	Status   string
	Since    int64
	Changed  int64 // ms, by the platform's clock
}

var contacts = db.NewTable(db.Spec[Contact, string]{
	Name: "wecom_contact", Keys: 1, Indexed: true,
	Cols: []string{"id", "row_id", "corp", "clerk", "member_id", "customer", "person", "state", "status", "since", "changed_at"},
	Row: func(r *Contact, p []any) []any {
		return append(p, &r.ID, &r.Row, &r.Corp, &r.Clerk, &r.Member, &r.Customer, &r.Person, &r.State, &r.Status, &r.Since, &r.Changed)
	},
	Key: func(r *Contact) string { return r.ID },
})

func byID(a, b *Contact) bool { return a.ID < b.ID }

// ContactsOf lists who of the staff speaks, or spoke, with a member.
func ContactsOf(r db.Reader, id int64) []Contact {
	return contacts.Select(r, db.Query[Contact]{Where: "member_id = ?", Args: []any{id}, Order: "id", Limit: mostContacts,
		Match: func(c *Contact) bool { return c.Member == id }, Less: byID})
}

func ofPerson(r db.Reader, person string) []Contact {
	return contacts.Select(r, db.Query[Contact]{Where: "person = ?", Args: []any{person}, Order: "id", Limit: mostContacts,
		Match: func(c *Contact) bool { return c.Person == person }, Less: byID})
}

// mostContacts is more than anybody has clerks.
const mostContacts = 100

const (
	customerIndex vault.Domain = "wecom-customer:v1"
	personIndex   vault.Domain = "wecom-person:v1"
)

func (s *Service) contactID(c *corp, clerk, customer string) string {
	return c.CorpID + "|" + s.Vault.Index(customerIndex, vault.Hide(customer)) + "|" + clerk
}

func (s *Service) person(owner, unionid string) string {
	if owner == "" || unionid == "" {
		return ""
	}
	return s.Vault.Index(personIndex, vault.Hide(owner+"|"+unionid))
}

func external(c *corp, customer string) member.Identity {
	return member.Identity{Kind: member.KindExternal, Issuer: "wecom:" + c.CorpID, Value: vault.Hide(customer), Verified: true}
}

// RegisterJobs names the background work.
func (s *Service) RegisterJobs(r *job.Runner) {
	job.Register(r, changed, job.Spec{Zh: "处理企业微信客户变更", En: "Follow changes of WeCom contacts"}, s.follow)
	job.Register(r, results, job.Spec{Zh: "查询企业微信消息是否已由员工发出", En: "Ask whether staff have sent what waits"}, s.poll)
	if len(s.corps) > 0 {
		r.Schedule(job.Every(results, 10*clock.Minute))
	}
}

// follow does what follows from a change of contacts.
func (s *Service) follow(ctx context.Context, run *job.Run, a changeArgs) error {
	c := s.corps[a.Corp]
	if c == nil {
		return nil
	}
	text, err := s.Vault.Open(vault.Place{Table: pushTable, Row: a.Row, Column: "sealed"}, a.Sealed)
	if err != nil {
		return job.GiveUp(err)
	}
	e, err := readChange([]byte(text.Reveal()))
	if err != nil {
		return job.GiveUp(err)
	}
	if e.grew() {
		return s.followGroup(ctx, run, c, e)
	}
	unionid := ""
	if e.came() {
		found, err := c.Customer(ctx, e.Customer)
		if wechat.Trouble(err) {
			s.Entry.Trouble(ctx, c.CorpID, err)
		}
		if err != nil && wechat.ClassOf(err) != wechat.Permanent { // permanent: gone again already
			return err
		}
		unionid = found.Contact.UnionID
	}
	known := false
	err = run.Write(ctx, db.Op{}, func(tx *db.Tx) (err error) {
		if known, err = s.apply(tx, c, e, unionid); err != nil {
			return err
		}
		return run.Finish(tx)
	})
	if err == nil && e.came() && e.Welcome != "" {
		s.greet(ctx, c, e, known)
	}
	return err
}

// apply books a change; it says whether the person is a member.
func (s *Service) apply(tx *db.Tx, c *corp, e change, unionid string) (isMember bool, err error) {
	id, at := s.contactID(c, e.Clerk, e.Customer), e.At*clock.Second
	row, known := contacts.Get(tx, id)
	if known && (at < row.Changed || at == row.Changed && e.came()) {
		return row.Member != 0, nil // of two in one second leaving stands
	}
	if !known {
		row = Contact{ID: id, Row: tx.ID(), Corp: c.CorpID, Clerk: e.Clerk, Since: at}
		sealed, err := s.Vault.Seal(vault.Place{Table: "wecom_contact", Row: row.Row, Column: "customer"}, vault.Hide(e.Customer))
		if err != nil {
			return false, err
		}
		row.Customer = sealed
	}
	row.Changed, row.Status = at, Gone
	if e.came() {
		row.Status, row.State = Friend, e.State
		if p := s.person(c.Owner, unionid); p != "" {
			row.Person = p
		}
		s.Entry.Came(tx, c.CorpID, e.State, !known)
		if row.Member == 0 {
			if row.Member, err = s.find(tx, c, e.Customer, unionid); err != nil {
				return false, err
			}
		}
	}
	if !known {
		return row.Member != 0, contacts.Insert(tx, row)
	}
	contacts.Put(tx, row)
	return row.Member != 0, nil
}

// find gives the member a customer is, 0 when nobody; who is known by the unionid is known by the customer's id from now on.
func (s *Service) find(tx *db.Tx, c *corp, customer, unionid string) (int64, error) {
	list := []member.Identity{external(c, customer)}
	if c.Owner != "" && unionid != "" {
		list = append(list, member.Identity{Kind: member.KindUnionID, Issuer: c.Owner, Value: vault.Hide(unionid), Verified: true})
	}
	for _, i := range list {
		f, ok, err := s.Members.Find(tx, i)
		if err != nil || ok {
			if err == nil {
				err = s.Members.Bind(tx, f.Member, list[0])
			}
			return f.Member, err
		}
	}
	return 0, nil
}

// OnEntered finds the clerks of somebody who has come in; call it in the Tx of the login.
func (s *Service) OnEntered(tx *db.Tx, id int64, isNew bool) error {
	for _, c := range s.corps {
		unionid, ok, err := s.Members.ValueOf(tx, id, member.KindUnionID, c.Owner)
		if err != nil || !ok || c.Owner == "" {
			continue // what can't be read now is found at the next login
		}
		for _, row := range ofPerson(tx, s.person(c.Owner, unionid.Reveal())) {
			if row.Corp != c.CorpID || row.Member != 0 {
				continue
			}
			customer, err := s.Vault.Open(vault.Place{Table: "wecom_contact", Row: row.Row, Column: "customer"}, row.Customer)
			if err != nil {
				return err
			}
			if _, err := s.find(tx, c, customer.Reveal(), unionid.Reveal()); err != nil {
				return err
			}
			row.Member = id
			contacts.Put(tx, row)
			if isNew {
				s.Entry.Joined(tx, c.CorpID, row.State)
			}
		}
	}
	return nil
}

// OnMerged hands contacts over to the survivor.
func (s *Service) OnMerged(tx *db.Tx, from, into int64) {
	for _, row := range ContactsOf(tx, from) {
		row.Member = into
		contacts.Put(tx, row)
	}
}

// greet writes to a new customer, inside the twenty seconds in which one may. It may fail: nothing depends on it.
func (s *Service) greet(ctx context.Context, c *corp, e change, known bool) {
	text := "您好，很高兴为您服务。"
	if app := s.Entry.FirstOA(); app != "" && !known {
		from := entry.FromScene(e.State)
		from.Channel, from.Clerk = "wecom", e.Clerk
		// The profile's scope tells the unionid, by which the member and the customer are known as one.
		text += "点此加入会员，积分即刻到账：" + s.Entry.JoinURL(app, from) + "&scope=" + oa.UserInfo
	}
	if err := c.Welcome(ctx, e.Welcome, text); err != nil {
		s.Log.Info("a greeting was not sent", "corp", c.CorpID, "code", wechat.CodeOf(err))
	}
}

// short keeps a text inside its column.
func short(s string, n int) string {
	if len(s) > n {
		return strings.ToValidUTF8(s[:n], "")
	}
	return s
}
