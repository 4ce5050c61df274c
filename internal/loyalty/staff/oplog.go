package staff

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"guanxi/internal/base/db"
	"guanxi/internal/base/fault"
	"guanxi/internal/base/id"
	"guanxi/internal/base/vault"
)

// ErrLogTooLong says that a value does not fit the log: name what changed, not everything.
var ErrLogTooLong = fault.Define("staff.log_too_long", fault.Internal,
	"操作日志内容过长：{act}", "What is to be logged is too long: {act}")

// Act is what an operator does, as the log tells it. Values are written as JSON, with phone numbers and secrets masked;
// personal data has no place in them.
type Act struct {
	What     string  // "points.grant"
	Targets  []int64 // ids of what it is about
	Old, New any     // what it was and what it is now; nil for none
	Reason   string
	Approval int64
}

// LogRow is one line of the operation log (操作日志).
type LogRow struct {
	Seq      int64
	At       int64
	Operator int64
	Roles    string // at that moment
	Origin   string // keyed hash of the address
	Act      string
	Targets  string
	Old, New string
	Reason   string
	Approval int64
	Request  string
	Hash     string // over the row before it and this one
}

const (
	theHead     = 1
	maxLogValue = 16 << 10
	maxRequest  = 100
	originIndex = vault.Domain("ip:v1")
)

// Log adds an act to the log, in the Tx of the act.
func (s *Service) Log(tx *db.Tx, who Who, a Act) error {
	old, err := logValue(a.Old)
	if err != nil {
		return err
	}
	now, err := logValue(a.New)
	if err != nil {
		return err
	}
	row := LogRow{At: tx.Now(), Operator: who.Operator, Roles: RolesText(who.Grants), Act: a.What, Targets: idsText(a.Targets),
		Old: old, New: now, Reason: maskPhones(a.Reason), Approval: a.Approval, Request: cut(who.Request, maxRequest)}
	if who.IP != "" {
		row.Origin = s.vault.Index(originIndex, vault.Hide(who.IP))
	}
	if len(old)+len(now)+len(row.Reason)+len(row.Targets) > maxLogValue {
		return ErrLogTooLong.With("act", a.What)
	}
	return chain(tx, row)
}

// chain puts a row behind the last one.
func chain(tx *db.Tx, row LogRow) error {
	head, _ := logHeads.Get(tx, theHead)
	row.Seq = head.Seq + 1
	row.Hash = row.hash(head.Hash)
	logHeads.Put(tx, headRow{theHead, row.Seq, row.Hash})
	return oplog.Insert(tx, row)
}

// hash covers the hash before it and every column but its own; texts go with their lengths, so that none can run into the next.
func (r *LogRow) hash(prev string) string {
	b := []byte("guanxi-oplog-1")
	for _, n := range []int64{r.Seq, r.At, r.Operator, r.Approval} {
		b = binary.BigEndian.AppendUint64(b, uint64(n))
	}
	for _, s := range []string{prev, r.Roles, r.Origin, r.Act, r.Targets, r.Old, r.New, r.Reason, r.Request} {
		b = binary.BigEndian.AppendUint32(b, uint32(len(s)))
		b = append(b, s...)
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// LogPage lists the log backwards from before a row; 0 begins at the end.
func (s *Service) LogPage(v *db.View, before int64, limit int) []LogRow {
	if before <= 0 {
		before = 1 << 62
	}
	return logBefore(v, before, limit)
}

// LogFilter says which rows of the log are wanted; empty fields and 0 are all.
type LogFilter struct {
	Operator    int64
	Act         string // one act, or with a dot at its end a group of them
	From, Until int64
}

// LogSearch lists rows of the log backwards from before a row; 0 begins at the end.
func (s *Service) LogSearch(v *db.View, f LogFilter, before int64, limit int) []LogRow {
	if before <= 0 {
		before = 1 << 62
	}
	return logMatching(v, f, before, limit)
}

// LogHead names the last row and its hash. Kept where nobody who can change the database can reach, it shows
// whether a log that is sound in itself is still the same.
type LogHead struct {
	Seq  int64
	Hash string
}

// Head gives the head of the log.
func (s *Service) Head(r db.Reader) LogHead { return Head(r) }

// Head gives the head of the log.
func Head(r db.Reader) LogHead {
	h, _ := logHeads.Get(r, theHead)
	return LogHead{h.Seq, h.Hash}
}

// LogFault is the first row of the log that can't be true.
type LogFault struct {
	Seq  int64  `json:"seq" doc:"序号|number"`
	What string `json:"what" doc:"问题|what is wrong"`
}

// VerifyLog recomputes the chain from its first row, and compares it with the head and with heads known from elsewhere.
// It tells how many rows are right, and the first that is not: nil when all are.
func VerifyLog(v *db.View, known ...LogHead) (checked int64, wrong *LogFault) {
	head, _ := logHeads.Get(v, theHead)
	known = append(slices.Clone(known), LogHead{head.Seq, head.Hash})
	prev := ""
	oplog.Each(v, db.Query[LogRow]{Order: "seq"}, func(r *LogRow) {
		if wrong != nil {
			return
		}
		if wrong = judge(r, checked+1, prev, head.Seq, known); wrong == nil {
			checked, prev = r.Seq, r.Hash
		}
	})
	for _, k := range known {
		if wrong == nil && k.Seq > checked {
			wrong = &LogFault{checked + 1, "missing"}
		}
	}
	return checked, wrong
}

// judge looks at the row that stands where number want is due.
func judge(r *LogRow, want int64, prev string, last int64, known []LogHead) *LogFault {
	switch {
	case r.Seq < want:
		return &LogFault{r.Seq, "inserted"}
	case r.Seq > want && want <= last:
		return &LogFault{want, "missing"}
	case r.Seq > last:
		return &LogFault{r.Seq, "inserted after the end"}
	case r.Hash != r.hash(prev):
		return &LogFault{r.Seq, "changed"}
	}
	for _, k := range known {
		if k.Seq == r.Seq && k.Hash != r.Hash {
			return &LogFault{r.Seq, "not the row the head was taken of"}
		}
	}
	return nil
}

func logValue(v any) (string, error) {
	if v == nil {
		return "", nil
	}
	text, err := json.Marshal(v)
	if err != nil {
		return "", fmt.Errorf("staff: value for the log: %w", err)
	}
	return maskPhones(string(text)), nil
}

var digits = regexp.MustCompile(`\+?[0-9]+`)

// maskPhones hides mobile numbers that were typed where they do not belong. Ids have more digits.
func maskPhones(s string) string {
	return digits.ReplaceAllStringFunc(s, func(n string) string {
		if masked := vault.MaskPhone(n); strings.Contains(masked, "****") {
			return masked
		}
		return n
	})
}

// RolesText tells grants as the log does.
func RolesText(grants []Grant) string {
	var out []string
	for _, g := range asGranted(grants) {
		name := g.Role
		if g.Store != 0 {
			name += "@" + id.String(g.Store)
		}
		if g.Brand != 0 {
			name += "@brand:" + id.String(g.Brand)
		}
		if g.Region != "" {
			name += "@region:" + strings.ReplaceAll(g.Region, " ", "_")
		}
		out = append(out, name)
	}
	return strings.Join(out, " ")
}

func idsText(ids []int64) string {
	var out []string
	for _, v := range ids {
		out = append(out, id.String(v))
	}
	return strings.Join(out, " ")
}

// LogHashAt is the hash of a row of the log.
func LogHashAt(r db.Reader, seq int64) (string, bool) {
	row, ok := oplog.Get(r, seq)
	return row.Hash, ok
}
