package staff

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"guanxi/internal/base/clock"
	"guanxi/internal/base/db"
	"guanxi/internal/base/fault"
)

// The faults of approvals.
var (
	ErrNoApproval  = fault.Define("approval.not_found", fault.NotFound, "复核申请不存在", "There is no such approval")
	ErrOwnApproval = fault.Define("approval.own", fault.Denied,
		"不能复核自己提交的申请", "Nobody may approve what they have asked for")
	ErrDecided = fault.Define("approval.decided", fault.Conflict,
		"该申请已处理（{state}）", "This approval is settled already ({state})")
	ErrExpired = fault.Define("approval.expired", fault.Conflict,
		"该申请已过期，请重新提交", "This approval has expired: ask again")
	ErrAltered = fault.Define("approval.altered", fault.Conflict,
		"申请内容与复核内容不一致", "The content is not what was asked for or looked at")
	ErrNotYours = fault.Define("approval.not_yours", fault.Denied,
		"只有申请人可以使用该复核", "Only its maker may use this approval")
	ErrApprovalKind = fault.Define("approval.unknown_kind", fault.Internal,
		"没有这种复核：{kind}", "There is no such kind of approval: {kind}")
)

// The states of an approval.
const (
	Waiting  = "waiting"
	Approved = "approved" // a ticket that its maker has not used yet
	Refused  = "refused"
	Expired  = "expired"
	Executed = "executed"
)

const approvalLife = clock.Day

// Approval is something that wants a second person (双人复核).
type Approval struct {
	ID        int64
	Kind      string
	Payload   string // JSON
	Digest    string // SHA-256 over kind and payload: what a checker agrees to
	Reason    string
	Store     int64 // that it is about; 0 for all
	Maker     int64
	Checker   int64 // 0 while it waits
	Note      string
	State     string
	CreatedAt int64
	ExpiresAt int64
	DecidedAt int64
}

// Needs names a kind of act that wants a second person, and the type of its content.
type Needs[T any] string

// ApprovalSpec says what a kind of approval is and which permission its checker needs.
type ApprovalSpec struct {
	Zh, En string
	Perm   string
	was    func(r db.Reader, payload string) any // what stands now in the place of the content
}

type executor struct {
	ApprovalSpec
	run func(*db.Tx, Approval) error // nil for tickets
}

// On says what happens when a kind of act is approved: run does it, in the Tx of the approval. A kind or permission
// that does not fit is a programming error, and told at wiring.
func On[T any](s *Service, kind Needs[T], spec ApprovalSpec, run func(tx *db.Tx, a Approval, content T) error) error {
	return s.register(string(kind), executor{spec, func(tx *db.Tx, a Approval) error {
		var content T
		if err := json.Unmarshal([]byte(a.Payload), &content); err != nil {
			return err
		}
		return run(tx, a, content)
	}})
}

// Ticket says that a kind of act, once approved, is done by its maker, once, with Use: what is no write, such as an export.
func Ticket[T any](s *Service, kind Needs[T], spec ApprovalSpec) error {
	return s.register(string(kind), executor{ApprovalSpec: spec})
}

func (s *Service) register(kind string, e executor) error {
	if _, twice := s.executors[kind]; twice || !isPermission(e.Perm) {
		return fmt.Errorf("staff: approval %s: registered twice, or %q is no permission", kind, e.Perm)
	}
	s.executors[kind] = e
	return nil
}

// Request asks for an act of a kind to be approved. Store is what it is about, 0 for all stores.
func Request[T any](s *Service, tx *db.Tx, who Who, kind Needs[T], store int64, content T, reason string) (Approval, error) {
	if _, ok := s.executors[string(kind)]; !ok {
		return Approval{}, ErrApprovalKind.With("kind", string(kind))
	}
	if !isReason(reason) {
		return Approval{}, ErrReason.New().At("reason")
	}
	payload, err := json.Marshal(content)
	if err != nil {
		return Approval{}, err
	}
	a := Approval{ID: tx.ID(), Kind: string(kind), Payload: string(payload), Reason: reason, Store: store,
		Maker: who.Operator, State: Waiting, CreatedAt: tx.Now(), ExpiresAt: tx.Now() + approvalLife}
	a.Digest = a.digest()
	if err := approvals.Insert(tx, a); err != nil {
		return Approval{}, err
	}
	return a, s.logApproval(tx, who, a, "approval.request", reason)
}

// digest binds kind and content; encoding/json writes equal contents equally.
func (a *Approval) digest() string {
	sum := sha256.Sum256([]byte(a.Kind + "\n" + a.Payload))
	return hex.EncodeToString(sum[:])
}

// Approval reads one approval, with the state it has now.
func (s *Service) Approval(r db.Reader, id int64) (Approval, error) {
	a, ok := approvals.Get(r, id)
	if !ok {
		return a, ErrNoApproval.New()
	}
	if a.isOpen() && r.Now() >= a.ExpiresAt {
		a.State = Expired
	}
	return a, nil
}

func (a *Approval) isOpen() bool { return a.State == Waiting || a.State == Approved }

// WaitingApprovals lists what waits for somebody to decide, the most urgent first. Its caller shows only what Who may see.
func (s *Service) WaitingApprovals(r db.Reader, limit int) []Approval {
	var out []Approval
	for _, a := range approvalsIn(r, Waiting, clock.Never, limit) {
		if r.Now() < a.ExpiresAt {
			out = append(out, a)
		}
	}
	return out
}

// Decides names the kinds of approval that an operator may decide for all stores, and so may see whoever asked.
func (s *Service) Decides(who Who) (kinds []string) {
	for kind, e := range s.executors {
		if who.CanAt(e.Perm, 0) {
			kinds = append(kinds, kind)
		}
	}
	slices.Sort(kinds)
	return kinds
}

// KindName is what a kind of approval is called.
func (s *Service) KindName(kind string) (zh, en string) { e := s.executors[kind]; return e.Zh, e.En }

// ApprovalsBefore lists approvals, newest first, as they stand now. Its caller shows only what may be seen.
func (s *Service) ApprovalsBefore(r db.Reader, before int64, limit int) []Approval {
	if before == 0 {
		before = 1<<63 - 1
	}
	out := approvalsBefore(r, before, limit)
	for i := range out {
		if out[i].isOpen() && r.Now() >= out[i].ExpiresAt {
			out[i].State = Expired
		}
	}
	return out
}

// WaitingFor counts what waits for an operator to decide.
func (s *Service) WaitingFor(r db.Reader, who Who) (n int64) {
	for _, a := range s.WaitingApprovals(r, mostWaiting) {
		if e := s.executors[a.Kind]; a.Maker != who.Operator && who.CanAt(e.Perm, a.Store) {
			n++
		}
	}
	return n
}

// Approve agrees to exactly the content with that digest. What the kind does happens here, or the approval stays waiting.
func (s *Service) Approve(tx *db.Tx, who Who, id int64, digest, note string) (Approval, error) {
	a, e, err := s.decide(tx, who, id)
	if err != nil {
		return a, err
	}
	if a.Digest != digest || a.digest() != digest {
		return a, ErrAltered.New()
	}
	a.State, a.Checker, a.Note, a.DecidedAt = Approved, who.Operator, note, tx.Now()
	if err := s.logApproval(tx, who, a, "approval.approve", note); err != nil {
		return a, err
	}
	if e.run == nil {
		approvals.Put(tx, a)
		return a, nil
	}
	return a, s.execute(tx, who, &a, e.run)
}

// execute marks the approval first: whatever run calls can't use it once more.
func (s *Service) execute(tx *db.Tx, who Who, a *Approval, run func(*db.Tx, Approval) error) error {
	a.State = Executed
	approvals.Put(tx, *a)
	if err := s.logApproval(tx, who, *a, "approval.execute", ""); err != nil {
		return err
	}
	return run(tx, *a)
}

// Refuse turns an approval down.
func (s *Service) Refuse(tx *db.Tx, who Who, id int64, note string) (Approval, error) {
	a, _, err := s.decide(tx, who, id)
	if err != nil {
		return a, err
	}
	if !isReason(note) {
		return a, ErrReason.New().At("note")
	}
	a.State, a.Checker, a.Note, a.DecidedAt = Refused, who.Operator, note, tx.Now()
	approvals.Put(tx, a)
	return a, s.logApproval(tx, who, a, "approval.refuse", note)
}

// decide gives an approval that who may decide about now.
func (s *Service) decide(tx *db.Tx, who Who, id int64) (Approval, executor, error) {
	a, err := s.Approval(tx, id)
	e, known := s.executors[a.Kind]
	switch {
	case err != nil:
		return a, e, err
	case !known:
		return a, e, ErrApprovalKind.With("kind", a.Kind)
	case a.Maker == who.Operator:
		return a, e, ErrOwnApproval.New()
	case !who.CanAt(e.Perm, a.Store):
		return a, e, ErrDenied.With("perm", e.Perm)
	}
	return a, e, a.mustBe(Waiting)
}

func (a *Approval) mustBe(state string) error {
	switch a.State {
	case state:
		return nil
	case Expired:
		return ErrExpired.New()
	}
	return ErrDecided.With("state", a.State)
}

// Use spends a ticket: the maker does, once, the act whose content was approved.
func Use[T any](s *Service, tx *db.Tx, who Who, kind Needs[T], id int64, content T) error {
	a, err := s.Approval(tx, id)
	if err != nil {
		return err
	}
	payload, err := json.Marshal(content)
	if err != nil {
		return err
	}
	asked := Approval{Kind: string(kind), Payload: string(payload)}
	switch {
	case a.Maker != who.Operator:
		return ErrNotYours.New()
	case a.Digest != asked.digest() || a.digest() != a.Digest:
		return ErrAltered.New()
	}
	if err := a.mustBe(Approved); err != nil {
		return err
	}
	return s.execute(tx, who, &a, func(*db.Tx, Approval) error { return nil })
}

// logApproval keeps the digest, not the content: that may name people.
func (s *Service) logApproval(tx *db.Tx, who Who, a Approval, what, reason string) error {
	return s.Log(tx, who, Act{What: what, Targets: []int64{a.ID}, Approval: a.ID, Reason: reason,
		New: map[string]string{"kind": a.Kind, "digest": a.Digest}})
}

func isReason(s string) bool {
	return utf8.ValidString(s) && strings.TrimSpace(s) != "" && utf8.RuneCountInString(s) <= 500
}
