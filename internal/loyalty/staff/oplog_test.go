package staff

import (
	"database/sql"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"guanxi/internal/base/db"
	"guanxi/internal/base/id"
	"guanxi/internal/base/vault"
)

func (w *world) logged(acts ...Act) {
	w.t.Helper()
	for _, a := range acts {
		w.write(func(tx *db.Tx) error {
			return w.s.Log(tx, Who{Operator: 17, Grants: []Grant{all(Finance)}, IP: "203.0.113.9", Request: "r"}, a)
		})
	}
}

func TestLogHidesPersonalData(t *testing.T) {
	t.Parallel()
	w := open(t)
	member := id.NewSource(0).Next(start)
	w.logged(Act{What: "member.edit", Targets: []int64{member, 2}, Reason: "电话13812345678打来，+8613912345678",
		Old: map[string]any{"phone": vault.Hide("13812345678").AsPhone(), "member": member}, New: "13700000000"})
	w.view(func(v *db.View) {
		r := w.s.LogPage(v, 0, 1)[0]
		if r.Reason != "电话138****5678打来，139****5678" || r.New != `"137****0000"` || r.Old != fmt.Sprintf(`{"member":%d,"phone":"138****5678"}`, member) ||
			r.Targets != fmt.Sprintf("%d 2", member) || r.Operator != 17 || r.Roles != Finance {
			t.Errorf("row %+v", r)
		}
	})
	err := w.try(func(tx *db.Tx) error {
		return w.s.Log(tx, Who{}, Act{What: "x", New: strings.Repeat("x", maxLogValue)})
	})
	want(t, "too long", err, ErrLogTooLong)
}

func TestLogOfARefusedActIsNotWritten(t *testing.T) {
	t.Parallel()
	w := open(t)
	w.logged(Act{What: "a"})
	err := w.try(func(tx *db.Tx) error {
		if err := w.s.Log(tx, Who{}, Act{What: "b"}); err != nil {
			return err
		}
		return ErrOwn.New()
	})
	want(t, "refused", err, ErrOwn)
	w.logged(Act{What: "c"})
	if got := fmt.Sprint(w.sound()); got != "[a c]" {
		t.Error(got)
	}
}

func TestEveryColumnIsUnderTheHash(t *testing.T) {
	t.Parallel()
	base := LogRow{1, 2, 3, "a", "b", "c", "d", "e", "f", "g", 4, "h", ""}
	edits := []func(*LogRow){
		func(r *LogRow) { r.Seq++ }, func(r *LogRow) { r.At++ }, func(r *LogRow) { r.Operator++ }, func(r *LogRow) { r.Approval++ },
		func(r *LogRow) { r.Roles, r.Origin = "ab", "" }, func(r *LogRow) { r.Origin, r.Act = "bc", "" }, func(r *LogRow) { r.Act, r.Targets = "cd", "" },
		func(r *LogRow) { r.Targets, r.Old = "de", "" }, func(r *LogRow) { r.Old, r.New = "ef", "" }, func(r *LogRow) { r.New, r.Reason = "fg", "" },
		func(r *LogRow) { r.Reason, r.Request = "gh", "" }, func(r *LogRow) { r.Request = "" },
	}
	for i, edit := range edits {
		r := base
		edit(&r)
		if r.hash("p") == base.hash("p") {
			t.Errorf("edit %d leaves the hash", i)
		}
	}
	if base.hash("p") == base.hash("q") {
		t.Error("the row before is not under the hash")
	}
}

// tamperer edits the database file behind the program's back.
type tamperer struct {
	t    *testing.T
	sql  *sql.DB
	rows []LogRow
	head headRow
	rng  *rand.Rand
}

func newTamperer(t *testing.T, w *world) *tamperer {
	c, err := w.d.Raw()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	m := &tamperer{t: t, sql: c, rng: rand.New(rand.NewPCG(1, 2))}
	for _, verb := range []string{"UPDATE staff_oplog SET at = 0", "DELETE FROM staff_oplog"} {
		if _, err := c.Exec(verb); err == nil {
			t.Errorf("%s passed", verb)
		}
	}
	m.exec("DROP TRIGGER staff_oplog_no_update")
	m.exec("DROP TRIGGER staff_oplog_no_delete")
	w.view(func(v *db.View) {
		m.rows = oplog.Select(v, db.Query[LogRow]{Order: "seq"})
		m.head, _ = logHeads.Get(v, theHead)
	})
	return m
}

func (m *tamperer) exec(text string, args ...any) {
	m.t.Helper()
	if _, err := m.sql.Exec(text, args...); err != nil {
		m.t.Fatal(err)
	}
}

// put makes the log hold exactly these rows.
func (m *tamperer) put(rows []LogRow, head headRow) {
	m.t.Helper()
	tx, err := m.sql.Begin()
	if err != nil {
		m.t.Fatal(err)
	}
	do := func(text string, args ...any) {
		if _, err := tx.Exec(text, args...); err != nil {
			m.t.Fatal(err)
		}
	}
	do("DELETE FROM staff_oplog")
	for _, r := range rows {
		do("INSERT INTO staff_oplog (seq, at, operator_id, roles, origin, act, targets, old_value, new_value, reason, approval_id, request_id, hash) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
			r.Seq, r.At, r.Operator, r.Roles, r.Origin, r.Act, r.Targets, r.Old, r.New, r.Reason, r.Approval, r.Request, r.Hash)
	}
	do("UPDATE staff_oplog_head SET seq = ?, hash = ?", head.Seq, head.Hash)
	if err := tx.Commit(); err != nil {
		m.t.Fatal(err)
	}
}

// edit makes one forged log, and tells the first row that can't be true in it.
func (m *tamperer) edit(kind int) (what string, rows []LogRow, head headRow, first int64) {
	rows, head = append([]LogRow(nil), m.rows...), m.head
	n := len(rows)
	i := m.rng.IntN(n - 1)
	j := i + 1 + m.rng.IntN(n-1-i)
	switch kind % 8 {
	case 0:
		m.change(&rows[i])
		return "changed", rows, head, rows[i].Seq
	case 1:
		m.change(&rows[i])
		rows[i].Hash = rows[i].hash(m.before(i))
		return "changed with its hash", rows, head, rows[i].Seq + 1
	case 2:
		first = rows[i].Seq
		return "removed", append(rows[:i], rows[i+1:]...), head, first
	case 3:
		return "cut off", rows[:j], head, int64(j + 1)
	case 4:
		rows[i], rows[j] = rows[j], rows[i]
		rows[i].Seq, rows[j].Seq = rows[j].Seq, rows[i].Seq
		return "reordered", rows, head, rows[i].Seq
	case 5:
		fake := rows[i]
		fake.Seq = head.Seq + 1
		fake.Hash = fake.hash(head.Hash)
		return "inserted at the end", append(rows, fake), head, fake.Seq
	case 6:
		fake := rows[i]
		fake.Seq = -int64(m.rng.IntN(3))
		fake.Hash = fake.hash("")
		return "inserted before the start", append(rows, fake), head, fake.Seq
	default: // what stood from i on is moved up by one, and a row put in between
		fake := rows[i]
		m.change(&fake)
		fake.Hash = fake.hash(m.before(i))
		moved := append([]LogRow{fake}, rows[i:]...)
		for k := range moved {
			moved[k].Seq = int64(i + k + 1)
		}
		return "inserted between", append(rows[:i:i], moved...), head, int64(i + 2)
	}
}

func (m *tamperer) before(i int) string {
	if i == 0 {
		return ""
	}
	return m.rows[i-1].Hash
}

func (m *tamperer) change(r *LogRow) {
	switch m.rng.IntN(8) {
	case 0:
		r.At++
	case 1:
		r.Operator++
	case 2:
		r.Roles += "x"
	case 3:
		r.Targets = "1"
	case 4:
		r.Old, r.New = r.New, r.Old+"x"
	case 5:
		r.Reason = "other"
	case 6:
		r.Approval ^= 1
	case 7:
		r.Act, r.Request = r.Act+"r", ""
	}
}

func TestEveryTamperingIsFoundAndNamed(t *testing.T) {
	t.Parallel()
	w := open(t)
	for i := range 30 {
		w.logged(Act{What: fmt.Sprintf("act.%d", i%3), Targets: []int64{int64(i)}, Old: i, New: i + 1, Reason: "r"})
	}
	m := newTamperer(t, w)
	m.put(m.rows, m.head)
	w.sound()
	for k := range 200 {
		what, rows, head, first := m.edit(k)
		m.put(rows, head)
		w.view(func(v *db.View) {
			if n, wrong := VerifyLog(v); wrong == nil || wrong.Seq != first || n != max(first-1, 0) {
				t.Errorf("%d %s: found %+v after %d rows, want row %d", k, what, wrong, n, first)
			}
		})
	}
	m.put(m.rows, m.head)
	if got := len(w.sound()); got != 30 {
		t.Errorf("%d rows", got)
	}
}

func TestForgedHeadAndForgedWholeLogAreFound(t *testing.T) {
	t.Parallel()
	w := open(t)
	w.logged(Act{What: "a"}, Act{What: "b"}, Act{What: "c"})
	m := newTamperer(t, w)
	kept := LogHead{m.head.Seq, m.head.Hash}
	check := func(what string, rows []LogRow, head headRow, first int64, known ...LogHead) {
		t.Helper()
		m.put(rows, head)
		w.view(func(v *db.View) {
			_, wrong := VerifyLog(v, known...)
			if first == 0 && wrong != nil || first != 0 && (wrong == nil || wrong.Seq != first) {
				t.Errorf("%s: %+v", what, wrong)
			}
		})
	}
	check("another head hash", m.rows, headRow{theHead, 3, "x"}, 3)
	check("head ahead", m.rows, headRow{theHead, 4, m.head.Hash}, 4)
	check("head behind", m.rows, headRow{theHead, 2, m.rows[1].Hash}, 3)
	// Whoever rewrites everything is found only by what is kept elsewhere.
	check("end cut off with the head", m.rows[:2], headRow{theHead, 2, m.rows[1].Hash}, 0)
	check("end cut off with the head, head kept", m.rows[:2], headRow{theHead, 2, m.rows[1].Hash}, 3, kept)
	forged := append([]LogRow(nil), m.rows...)
	forged[1].Reason, forged[1].Hash = "forged", ""
	forged[1].Hash = forged[1].hash(forged[0].Hash)
	forged[2].Hash = forged[2].hash(forged[1].Hash)
	check("all rewritten", forged, headRow{theHead, 3, forged[2].Hash}, 0)
	check("all rewritten, head kept", forged, headRow{theHead, 3, forged[2].Hash}, 3, kept)
	check("nothing wrong", m.rows, m.head, 0, kept)
}
