package staff

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"net/netip"
	"net/url"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"

	"guanxi/internal/base/clock"
	"guanxi/internal/base/db"
	"guanxi/internal/base/fault"
	"guanxi/internal/base/web"
)

// The faults of passkeys.
var (
	ErrPasskey = fault.Define("staff.passkey", fault.NoLogin,
		"通行密钥无效、已移除或已过期，请重试", "The passkey is not valid, was removed, or came too late: try again")
	ErrPasskeyHost = fault.Define("staff.passkey_host", fault.Conflict,
		"通行密钥需要域名和 https（本机可用 localhost），不能用 IP 地址", "Passkeys take a host name and https (or localhost), not an IP address")
	ErrPasskeyMany = fault.Define("staff.passkey_many", fault.Conflict,
		"最多 {most} 个通行密钥，请先移除一个", "At most {most} passkeys: remove one first")
	ErrNoPasskey  = fault.Define("staff.no_passkey", fault.NotFound, "没有这个通行密钥", "There is no such passkey")
	ErrUsePasskey = fault.Define("staff.use_passkey", fault.NoLogin,
		"你的角色须两步验证，请用通行密钥登录", "Your role needs a second factor: sign in with your passkey")
)

// A passkey (通行密钥) is held by a device that has made sure of its owner, and works for this address only: it is both factors at once.
const (
	mostPasskeys = 10
	challengeFor = 5 * clock.Minute
)

type passkeyRow struct {
	Operator, ID      int64
	Name, Data        string
	CreatedAt, UsedAt int64
}

type passkeyKey struct{ Operator, ID int64 }

var passkeys = db.NewTable(db.Spec[passkeyRow, passkeyKey]{
	Name: "staff_passkey", Keys: 2, Cols: []string{"operator_id", "passkey_id", "name", "data", "created_at", "used_at"},
	Row: func(r *passkeyRow, p []any) []any {
		return append(p, &r.Operator, &r.ID, &r.Name, &r.Data, &r.CreatedAt, &r.UsedAt)
	},
	Key:   func(r *passkeyRow) passkeyKey { return passkeyKey{r.Operator, r.ID} },
	Args:  func(k passkeyKey, a []any) []any { return append(a, k.Operator, k.ID) },
	Owner: func(k passkeyKey) int64 { return k.Operator },
})

type challengeRow struct {
	Hash     string
	Operator int64 // whose passkey is being added or asked for; 0 at a sign-in
	Data     string
	At       int64
}

var challenges = db.NewTable(db.Spec[challengeRow, string]{
	Name: "staff_challenge", Keys: 1, Cols: []string{"hash", "operator_id", "data", "at"},
	Row: func(r *challengeRow, p []any) []any { return append(p, &r.Hash, &r.Operator, &r.Data, &r.At) },
	Key: func(r *challengeRow) string { return r.Hash },
})

func challengesOver(tx *db.Tx, before int64, n int) []challengeRow {
	return challenges.Select(tx, db.Query[challengeRow]{Where: "at <= ?", Args: []any{before}, Order: "hash", Limit: n,
		Match: func(r *challengeRow) bool { return r.At <= before }, Less: func(a, b *challengeRow) bool { return a.Hash < b.Hash }})
}

// holder is an operator as the protocol sees one.
type holder struct {
	row  operatorRow
	keys []passkeyRow
}

// WebAuthnID is the operator's id: nothing that names a person is kept in the device.
func (h holder) WebAuthnID() []byte { return binary.BigEndian.AppendUint64(nil, uint64(h.row.ID)) } //nolint:gosec // ids are positive

// WebAuthnName is the login name.
func (h holder) WebAuthnName() string { return h.row.Login }

// WebAuthnDisplayName is the name the device shows.
func (h holder) WebAuthnDisplayName() string { return h.row.Name }

// WebAuthnCredentials are the operator's passkeys.
func (h holder) WebAuthnCredentials() (out []webauthn.Credential) {
	for _, k := range h.keys {
		out = append(out, k.credential())
	}
	return out
}

func (r *passkeyRow) credential() (c webauthn.Credential) {
	_ = json.Unmarshal([]byte(r.Data), &c) // written by keepPasskey
	return c
}

func (r *passkeyRow) keep(c *webauthn.Credential) {
	b, _ := json.Marshal(c) // plain values
	r.Data = string(b)
}

func holderOf(r db.Reader, operator int64) (holder, bool) {
	row, ok := operators.Get(r, operator)
	return holder{row, passkeys.OfOwner(r, operator)}, ok && row.Status == Active
}

// relying is this installation as the browser at an origin knows it. The browser signs the origin, and gives no key of another one.
func relying(origin string) (*webauthn.WebAuthn, error) {
	u, err := url.Parse(origin)
	if err != nil || u.Hostname() == "" {
		return nil, ErrPasskeyHost.New()
	}
	if _, err := netip.ParseAddr(u.Hostname()); err == nil {
		return nil, ErrPasskeyHost.New()
	}
	w, err := webauthn.New(&webauthn.Config{RPID: u.Hostname(), RPDisplayName: issuer, RPOrigins: []string{origin}})
	if err != nil {
		return nil, ErrPasskeyHost.New()
	}
	return w, nil
}

// Asked is what a browser is asked to sign, and the ticket that goes with its answer.
type Asked struct {
	Ticket  string
	Options any
}

func ask(tx *db.Tx, operator int64, options any, session *webauthn.SessionData) (Asked, error) {
	b, err := json.Marshal(session)
	if err != nil {
		return Asked{}, err
	}
	ticket := web.NewToken()
	return Asked{ticket, options}, challenges.Insert(tx, challengeRow{web.TokenHash(ticket), operator, string(b), tx.Now()})
}

// answered gives what a ticket was for, once.
func answered(tx *db.Tx, ticket string) (session webauthn.SessionData, operator int64, err error) {
	row, ok := challenges.Get(tx, web.TokenHash(ticket))
	if !ok || tx.Now()-row.At >= challengeFor {
		return session, 0, ErrPasskey.New()
	}
	challenges.Delete(tx, row.Hash)
	return session, row.Operator, json.Unmarshal([]byte(row.Data), &session)
}

// BeginPasskey asks an operator's browser to make a passkey.
func (s *Service) BeginPasskey(tx *db.Tx, who Who, origin string) (Asked, error) {
	w, err := relying(origin)
	if err != nil {
		return Asked{}, err
	}
	h, _ := holderOf(tx, who.Operator)
	if len(h.keys) >= mostPasskeys {
		return Asked{}, ErrPasskeyMany.With("most", mostPasskeys)
	}
	must := true
	options, session, err := w.BeginRegistration(h, webauthn.WithExclusions(webauthn.Credentials(h.WebAuthnCredentials()).CredentialDescriptors()),
		webauthn.WithAuthenticatorSelection(protocol.AuthenticatorSelection{RequireResidentKey: &must, ResidentKey: protocol.ResidentKeyRequirementRequired, UserVerification: protocol.VerificationRequired}))
	if err != nil {
		return Asked{}, err
	}
	return ask(tx, who.Operator, options, session)
}

// AddPasskey keeps the passkey that the browser has made.
func (s *Service) AddPasskey(tx *db.Tx, who Who, origin, ticket, name string, answer []byte) (passkeyRow, error) {
	session, operator, err := answered(tx, ticket)
	if err != nil {
		return passkeyRow{}, err
	}
	w, err := relying(origin)
	if err != nil {
		return passkeyRow{}, err
	}
	h, _ := holderOf(tx, who.Operator)
	parsed, err := protocol.ParseCredentialCreationResponseBytes(answer)
	if err != nil || operator != who.Operator {
		return passkeyRow{}, ErrPasskey.New()
	}
	made, err := w.CreateCredential(h, session, parsed)
	if err != nil {
		return passkeyRow{}, ErrPasskey.New()
	}
	row := passkeyRow{Operator: who.Operator, ID: tx.ID(), Name: name, CreatedAt: tx.Now()}
	row.keep(made)
	if err := passkeys.Insert(tx, row); err != nil {
		return row, err
	}
	return row, s.Log(tx, who, Act{What: "passkey.add", Targets: []int64{row.ID}, New: map[string]string{"name": name}})
}

// RemovePasskey takes one of an operator's passkeys away.
func (s *Service) RemovePasskey(tx *db.Tx, operator, passkey int64) (Act, error) {
	if _, ok := passkeys.Get(tx, passkeyKey{operator, passkey}); !ok {
		return Act{}, ErrNoPasskey.New()
	}
	passkeys.Delete(tx, passkeyKey{operator, passkey})
	return Act{What: "passkey.remove", Targets: []int64{passkey}}, nil
}

// AskPasskey asks a browser for a passkey, whoever's it is.
func (s *Service) AskPasskey(tx *db.Tx, origin string) (Asked, error) {
	w, err := relying(origin)
	if err != nil {
		return Asked{}, err
	}
	options, session, err := w.BeginDiscoverableLogin(webauthn.WithUserVerification(protocol.VerificationRequired))
	if err != nil {
		return Asked{}, err
	}
	return ask(tx, 0, options, session)
}

// LoginPasskey gives a session token to whoever's passkey has signed.
func (s *Service) LoginPasskey(ctx context.Context, a Attempt, origin, ticket string, answer []byte) (token string, who Who, err error) {
	err = s.db.Write(ctx, db.Op{Actor: "staff:login"}, func(tx *db.Tx) error {
		row, err := s.provePasskey(tx, origin, ticket, answer)
		if err == nil {
			token, who, err = s.begin(tx, row, a)
		}
		return err
	})
	return token, who, err
}

// ProveByPasskey makes the session of an operator a fresh one.
func (s *Service) ProveByPasskey(tx *db.Tx, who Who, hash, origin, ticket string, answer []byte) error {
	row, err := s.provePasskey(tx, origin, ticket, answer)
	if err != nil {
		return err
	}
	if row.ID != who.Operator {
		return ErrPasskey.New()
	}
	return s.freshen(tx, hash)
}

// provePasskey gives the operator whose passkey has signed what a ticket stands for.
func (s *Service) provePasskey(tx *db.Tx, origin, ticket string, answer []byte) (operatorRow, error) {
	session, _, err := answered(tx, ticket)
	if err != nil {
		return operatorRow{}, err
	}
	w, err := relying(origin)
	if err != nil {
		return operatorRow{}, err
	}
	parsed, err := protocol.ParseCredentialRequestResponseBytes(answer)
	if err != nil {
		return operatorRow{}, ErrPasskey.New()
	}
	var h holder
	_, used, err := w.ValidatePasskeyLogin(func(_, handle []byte) (webauthn.User, error) {
		if len(handle) != 8 {
			return nil, ErrPasskey.New()
		}
		var ok bool
		if h, ok = holderOf(tx, int64(binary.BigEndian.Uint64(handle))); !ok { //nolint:gosec // an id that is none finds nobody
			return nil, ErrPasskey.New()
		}
		return h, nil
	}, session, parsed)
	if err != nil || used.Authenticator.CloneWarning {
		return operatorRow{}, ErrPasskey.New()
	}
	for _, k := range h.keys {
		if c := k.credential(); string(c.ID) == string(used.ID) {
			k.keep(used)
			k.UsedAt = tx.Now()
			passkeys.Put(tx, k)
		}
	}
	return h.row, nil
}
