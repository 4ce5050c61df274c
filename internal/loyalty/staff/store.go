package staff

import (
	"strings"

	"guanxi/internal/base/db"
)

type operatorRow struct {
	ID                            int64
	Login, Name, Password, Status string
	CreatedAt                     int64
}

var operators = db.NewTable(db.Spec[operatorRow, int64]{
	Name: "staff_operator", Cols: []string{"id", "login", "name", "password", "status", "created_at"}, Keys: 1, Indexed: true,
	Row: func(r *operatorRow, p []any) []any {
		return append(p, &r.ID, &r.Login, &r.Name, &r.Password, &r.Status, &r.CreatedAt)
	},
	Key: func(r *operatorRow) int64 { return r.ID },
})

type roleRow struct {
	Operator int64
	Role     string
	Store    int64
}

var roles = db.NewTable(db.Spec[roleRow, roleRow]{
	Name: "staff_role", Cols: []string{"operator_id", "role", "store_id"}, Keys: 3,
	Row:   func(r *roleRow, p []any) []any { return append(p, &r.Operator, &r.Role, &r.Store) },
	Key:   func(r *roleRow) roleRow { return *r },
	Args:  func(k roleRow, a []any) []any { return append(a, k.Operator, k.Role, k.Store) },
	Owner: func(k roleRow) int64 { return k.Operator },
})

type sessionRow struct {
	Hash              string
	ID, Operator      int64
	Agent             string
	CreatedAt, SeenAt int64
	ProvedAt          int64 // when its operator last proved who they are
}

var sessions = db.NewTable(db.Spec[sessionRow, string]{
	Name: "staff_session", Cols: []string{"hash", "id", "operator_id", "agent", "created_at", "seen_at", "proved_at"}, Keys: 1, Indexed: true,
	Row: func(r *sessionRow, p []any) []any {
		return append(p, &r.Hash, &r.ID, &r.Operator, &r.Agent, &r.CreatedAt, &r.SeenAt, &r.ProvedAt)
	},
	Key: func(r *sessionRow) string { return r.Hash },
})

type tryRow struct {
	Login   string
	Tries   int
	TriedAt int64
}

var tries = db.NewTable(db.Spec[tryRow, string]{
	Name: "staff_try", Cols: []string{"login", "tries", "tried_at"}, Keys: 1,
	Row: func(r *tryRow, p []any) []any { return append(p, &r.Login, &r.Tries, &r.TriedAt) },
	Key: func(r *tryRow) string { return r.Login },
})

type setupRow struct {
	ID   int64
	Hash string
}

var setups = db.NewTable(db.Spec[setupRow, int64]{
	Name: "staff_setup", Cols: []string{"id", "hash"}, Keys: 1,
	Row: func(r *setupRow, p []any) []any { return append(p, &r.ID, &r.Hash) },
	Key: func(r *setupRow) int64 { return r.ID },
})

var approvals = db.NewTable(db.Spec[Approval, int64]{
	Name: "staff_approval", Keys: 1, Indexed: true,
	Cols: []string{"id", "kind", "payload", "digest", "reason", "store_id", "maker_id", "checker_id", "note", "state", "created_at", "expires_at", "decided_at"},
	Row: func(r *Approval, p []any) []any {
		return append(p, &r.ID, &r.Kind, &r.Payload, &r.Digest, &r.Reason, &r.Store, &r.Maker, &r.Checker, &r.Note, &r.State,
			&r.CreatedAt, &r.ExpiresAt, &r.DecidedAt)
	},
	Key: func(r *Approval) int64 { return r.ID },
})

type limitRow struct {
	Name   string
	Amount int64
}

var limits = db.NewTable(db.Spec[limitRow, string]{
	Name: "staff_limit", Cols: []string{"name", "amount"}, Keys: 1,
	Row: func(r *limitRow, p []any) []any { return append(p, &r.Name, &r.Amount) },
	Key: func(r *limitRow) string { return r.Name },
})

type manualRow struct {
	Operator int64
	Day      int
	Points   int64
}

func (m *manualRow) key() [2]int64 { return [2]int64{m.Operator, int64(m.Day)} }

var manuals = db.NewTable(db.Spec[manualRow, [2]int64]{
	Name: "staff_manual", Cols: []string{"operator_id", "local_day", "points"}, Keys: 2,
	Row:  func(r *manualRow, p []any) []any { return append(p, &r.Operator, &r.Day, &r.Points) },
	Key:  (*manualRow).key,
	Args: func(k [2]int64, a []any) []any { return append(a, k[0], k[1]) },
})

var oplog = db.NewTable(db.Spec[LogRow, int64]{
	Name: "staff_oplog", Keys: 1,
	Cols: []string{"seq", "at", "operator_id", "roles", "origin", "act", "targets", "old_value", "new_value", "reason", "approval_id", "request_id", "hash"},
	Row: func(r *LogRow, p []any) []any {
		return append(p, &r.Seq, &r.At, &r.Operator, &r.Roles, &r.Origin, &r.Act, &r.Targets, &r.Old, &r.New, &r.Reason,
			&r.Approval, &r.Request, &r.Hash)
	},
	Key: func(r *LogRow) int64 { return r.Seq },
})

type headRow struct {
	ID, Seq int64
	Hash    string
}

var logHeads = db.NewTable(db.Spec[headRow, int64]{
	Name: "staff_oplog_head", Cols: []string{"id", "seq", "hash"}, Keys: 1,
	Row: func(r *headRow, p []any) []any { return append(p, &r.ID, &r.Seq, &r.Hash) },
	Key: func(r *headRow) int64 { return r.ID },
})

func operatorByLogin(r db.Reader, login string) (operatorRow, bool) {
	found := operators.Select(r, db.Query[operatorRow]{Where: "login = ?", Args: []any{login},
		Match: func(o *operatorRow) bool { return o.Login == login }})
	if len(found) == 0 {
		return operatorRow{}, false
	}
	return found[0], true
}

func operatorsAfter(r db.Reader, after int64, limit int) []operatorRow {
	return operators.Select(r, db.Query[operatorRow]{Where: "id > ?", Args: []any{after}, Order: "id", Limit: limit,
		Match: func(o *operatorRow) bool { return o.ID > after }, Less: func(a, b *operatorRow) bool { return a.ID < b.ID }})
}

func sessionsOf(r db.Reader, operator int64) []sessionRow {
	return sessions.Select(r, db.Query[sessionRow]{Where: "operator_id = ?", Args: []any{operator}, Order: "id",
		Match: func(s *sessionRow) bool { return s.Operator == operator }, Less: func(a, b *sessionRow) bool { return a.ID < b.ID }})
}

// sessionsOver and triesOver find what time has ended; the tables are small.
func sessionsOver(r db.Reader, seenBefore, madeBefore int64, limit int) []sessionRow {
	return sessions.Select(r, db.Query[sessionRow]{Where: "seen_at < ? OR created_at < ?", Args: []any{seenBefore, madeBefore}, Limit: limit,
		Match: func(s *sessionRow) bool { return s.SeenAt < seenBefore || s.CreatedAt < madeBefore }})
}

func triesOver(r db.Reader, before int64, limit int) []tryRow {
	return tries.Select(r, db.Query[tryRow]{Where: "tried_at < ?", Args: []any{before}, Limit: limit,
		Match: func(t *tryRow) bool { return t.TriedAt < before }})
}

func approvalsIn(r db.Reader, state string, until int64, limit int) []Approval {
	return approvals.Select(r, db.Query[Approval]{
		Where: "state = ? AND expires_at <= ?", Args: []any{state, until}, Order: "expires_at, id", Limit: limit,
		Match: func(a *Approval) bool { return a.State == state && a.ExpiresAt <= until },
		Less: func(a, b *Approval) bool {
			return a.ExpiresAt < b.ExpiresAt || a.ExpiresAt == b.ExpiresAt && a.ID < b.ID
		},
	})
}

func logBefore(v *db.View, before int64, limit int) []LogRow {
	return oplog.Select(v, db.Query[LogRow]{Where: "seq < ?", Args: []any{before}, Order: "seq DESC", Limit: limit})
}

// logMatching follows the index of the narrowest filter.
func logMatching(v *db.View, f LogFilter, before int64, limit int) []LogRow {
	q := db.Query[LogRow]{Where: "seq < ?", Args: []any{before}, Order: "seq DESC", Limit: limit}
	add := func(cond string, args ...any) { q.Where, q.Args = q.Where+" AND "+cond, append(q.Args, args...) }
	if f.Operator != 0 {
		add("operator_id = ?", f.Operator)
	}
	switch {
	case strings.HasSuffix(f.Act, "."):
		add("act >= ? AND act < ?", f.Act, strings.TrimSuffix(f.Act, ".")+"/") // "/" comes after "."
	case f.Act != "":
		add("act = ?", f.Act)
	}
	if f.From > 0 {
		add("at >= ?", f.From)
	}
	if f.Until > 0 {
		add("at < ?", f.Until)
	}
	return oplog.Select(v, q)
}

// approvalsBefore lists approvals, the newest first, before an id.
func approvalsBefore(r db.Reader, before int64, limit int) []Approval {
	return approvals.Select(r, db.Query[Approval]{Where: "id < ?", Args: []any{before}, Order: "id DESC", Limit: limit,
		Match: func(a *Approval) bool { return a.ID < before }, Less: func(a, b *Approval) bool { return a.ID > b.ID }})
}
