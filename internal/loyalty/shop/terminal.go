package shop

import (
	"guanxi/internal/base/db"
	"guanxi/internal/base/fault"
	"guanxi/internal/base/vault"
)

// The faults of terminals.
var (
	ErrNoTerminal    = fault.Define("shop.no_terminal", fault.NotFound, "终端不存在", "There is no such terminal")
	ErrTerminalTaken = fault.Define("shop.terminal_taken", fault.Conflict, "终端编号 {code} 已被使用", "Terminal number {code} is taken")
	ErrTerminalOff   = fault.Define("shop.terminal_stopped", fault.Conflict, "终端已停用", "This terminal is stopped")
	ErrTerminalAlone = fault.Define("shop.terminal_alone", fault.Conflict, "请先为终端选择合作方", "Choose the terminal's partner first")
	ErrElsewhere     = fault.Define("shop.terminal_elsewhere", fault.Conflict,
		"该合作方只限另一家门店", "This partner may act for another store only")
)

// Stopped is the state of a terminal that is out of use; Active is the other.
const Stopped = "stopped"

// Terminal is a till of a store (终端). With a partner it has keys of its own: they do what the partner may do, at its store.
type Terminal struct {
	ID      int64
	Store   int64
	Partner int64 // whose program runs on it; 0 is none
	Code    string
	Name    string
	Status  string // Active or Stopped
}

func (t *Terminal) check() error {
	switch {
	case !codeForm.MatchString(t.Code):
		return ErrCode.New().At("code")
	case !isName(t.Name):
		return ErrName.With("max", maxName).At("name")
	case t.Status != Active && t.Status != Stopped:
		return ErrStatus.With("first", Active, "second", Stopped).At("status")
	}
	return nil
}

// Terminal reads one terminal.
func (s *Service) Terminal(r db.Reader, id int64) (Terminal, error) {
	if row, ok := terminals.Get(r, id); ok {
		return row, nil
	}
	return Terminal{}, ErrNoTerminal.New()
}

// Terminals lists terminals by id, after the last one of the page before; store 0 and status "" are any.
func (s *Service) Terminals(r db.Reader, store int64, status string, after int64, limit int) []Terminal {
	return terminalsAfter(r, store, status, after, limit)
}

// SeenAt tells when a terminal was heard of last, to about a quarter of an hour; 0 when never.
func (s *Service) SeenAt(r db.Reader, t Terminal) (at int64) {
	if t.Partner == 0 {
		return 0
	}
	for _, k := range s.TerminalKeys(r, t) {
		at = max(at, k.UsedAt)
	}
	return at
}

// TerminalKeys lists a terminal's keys, the revoked ones too.
func (s *Service) TerminalKeys(r db.Reader, t Terminal) []Key { return s.keys(r, t.Partner, t.ID) }

// SaveTerminal changes a terminal, or adds one when it has no id yet. Where it stands and whether it may work holds for its keys at once.
func (s *Service) SaveTerminal(tx *db.Tx, t Terminal) (Terminal, error) {
	if err := t.check(); err != nil {
		return t, err
	}
	if _, err := s.Store(tx, t.Store); err != nil {
		return t, ErrNoStore.New().At("store")
	}
	if t.Partner != 0 {
		p, err := s.Partner(tx, t.Partner)
		if err != nil {
			return t, ErrNoPartner.New().At("partner")
		}
		if p.Store != 0 && p.Store != t.Store {
			return t, ErrElsewhere.New().At("store")
		}
	}
	if same := terminalsByCode(tx, t.Code); len(same) > 0 && same[0].ID != t.ID {
		return t, ErrTerminalTaken.With("code", t.Code).At("code")
	}
	if t.ID == 0 {
		t.ID = tx.ID()
		return t, terminals.Insert(tx, t)
	}
	was, err := s.Terminal(tx, t.ID)
	if err != nil {
		return t, err
	}
	if was.Partner != 0 && was.Partner != t.Partner { // what the one partner's program holds is not the other's
		for _, k := range s.TerminalKeys(tx, was) {
			if err := s.RevokeKey(tx, k.ID); err != nil {
				return t, err
			}
		}
	}
	terminals.Put(tx, t)
	s.changed(tx)
	return t, nil
}

// NewTerminalKey makes a key for a terminal. Its secret is given here and never again.
func (s *Service) NewTerminalKey(tx *db.Tx, terminal int64) (Key, vault.Secret, error) {
	t, err := s.Terminal(tx, terminal)
	switch {
	case err != nil:
		return Key{}, vault.Secret{}, err
	case t.Partner == 0:
		return Key{}, vault.Secret{}, ErrTerminalAlone.New()
	case t.Status != Active:
		return Key{}, vault.Secret{}, ErrTerminalOff.New()
	}
	return s.newKey(tx, t.Partner, t.ID)
}
