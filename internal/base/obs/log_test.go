package obs

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"guanxi/internal/base/vault"
)

const canary = "13812345678"

// logged gives the line that a call writes, decoded and as text.
func logged(t *testing.T, write func(*slog.Logger)) (map[string]any, string) {
	t.Helper()
	var b bytes.Buffer
	write(NewLogger(&b, slog.LevelInfo))
	d := json.NewDecoder(bytes.NewReader(b.Bytes()))
	d.UseNumber()
	var line map[string]any
	if err := d.Decode(&line); err != nil {
		t.Fatalf("%q: %v", b.String(), err)
	}
	return line, b.String()
}

func TestPersonalKeysAreMasked(t *testing.T) {
	t.Parallel()
	for key, want := range map[string]string{
		"phone": "138****5678", "mobile": "138****5678", "member_phone": "138****5678", "PhoneNumber": "138****5678",
		"name": "1*", "real_name": "1*", "nickName": "1*",
		"openid": "***", "OpenID": "***", "open_id": "***", "unionid": "***", "access_token": "***", "token": "***",
		"app_secret": "***", "Authorization": "***", "password": "***", "session_key": "***", "sessionKey": "***",
		"Set-Cookie": "***", "cookie": "***",
	} {
		for form, attr := range map[string]slog.Attr{
			"string": slog.String(key, canary),
			"number": slog.Int64(key, 13812345678),
			"any":    slog.Any(key, json.Number(canary)),
			"secret": slog.Any(key, vault.Hide(canary)),
		} {
			line, text := logged(t, func(l *slog.Logger) { l.LogAttrs(t.Context(), slog.LevelInfo, "m", attr) })
			if strings.Contains(text, canary) {
				t.Errorf("%s as %s shows: %s", key, form, text)
			}
			if form != "secret" && line[key] != want {
				t.Errorf("%s as %s: %v, want %s", key, form, line[key], want)
			}
		}
	}
}

func TestHarmlessValuesStayWhole(t *testing.T) {
	t.Parallel()
	line, _ := logged(t, func(l *slog.Logger) {
		l.Info("member joined", "member", int64(1381234567812345678), "file_name", "x.csv", "order", "A138123456789",
			"at", "1769788800000", "took", 3, "deep", map[string]any{"id": int64(1381234567812345678), "ok": true})
	})
	want := map[string]string{"msg": "member joined", "level": "INFO", "member": "1381234567812345678", "file_name": "x.csv",
		"order": "A138123456789", "at": "1769788800000", "took": "3", "deep": "map[id:1381234567812345678 ok:true]"}
	for key, w := range want {
		if got := fmt.Sprint(line[key]); got != w {
			t.Errorf("%s: %s, want %s", key, got, w)
		}
	}
}

type visitor struct {
	ID    int64
	Phone string
	Note  string
	Tags  []string
	Card  vault.Secret
}

func TestPhonesAreMaskedWhereverTheyTurnUp(t *testing.T) {
	t.Parallel()
	v := visitor{7, canary, "call " + canary, []string{"+86" + canary}, vault.Hide(canary)}
	for what, write := range map[string]func(*slog.Logger){
		"message": func(l *slog.Logger) { l.Info("call " + canary + " now") },
		"text":    func(l *slog.Logger) { l.Info("m", "note", "tel:+86"+canary+"。") },
		"error":   func(l *slog.Logger) { l.Info("m", "err", fmt.Errorf("no %s: %w", canary, errors.New("x"))) },
		"struct":  func(l *slog.Logger) { l.Info("m", "v", v) },
		"pointer": func(l *slog.Logger) { l.Info("m", "v", &v) },
		"list":    func(l *slog.Logger) { l.Info("m", "v", []visitor{v}) },
		"group":   func(l *slog.Logger) { l.Info("m", slog.Group("g", "phone", canary, "v", v)) },
		"in a secret group": func(l *slog.Logger) {
			l.WithGroup("token").Info("m", "value", canary, "n", 13812345678)
		},
		"with":    func(l *slog.Logger) { l.With("phone", canary).WithGroup("g").Info("m", "note", canary) },
		"header":  func(l *slog.Logger) { l.Info("m", "h", http.Header{"Authorization": {canary}, "X": {canary}}) },
		"bytes":   func(l *slog.Logger) { l.Info("m", "body", []byte(canary)) },
		"raw":     func(l *slog.Logger) { l.Info("m", "body", json.RawMessage(`{"a":["`+canary+`"],"mobile":`+canary+`}`)) },
		"unknown": func(l *slog.Logger) { l.Info("m", "f", struct{ F func() }{}, "c", make(chan string)) },
		"secret":  func(l *slog.Logger) { l.Info("m", "s", vault.Hide(canary), "p", vault.Hide(canary).AsPhone()) },
	} {
		_, text := logged(t, write)
		if strings.Contains(text, canary) || strings.Contains(text, "MTM4MTIzNDU2Nzg") {
			t.Errorf("%s: %s", what, text)
		}
		if strings.Contains(text, "!ERROR") || strings.Contains(text, "!PANIC") {
			t.Errorf("%s is not logged: %s", what, text)
		}
	}
}

func TestMaskedStructKeepsTheRest(t *testing.T) {
	t.Parallel()
	line, _ := logged(t, func(l *slog.Logger) { l.Info("m", "v", visitor{ID: 7, Phone: canary, Note: "call " + canary}) })
	if got := fmt.Sprint(line["v"]); got != "map[Card: ID:7 Note:call 138****5678 Phone:138****5678 Tags:<nil>]" {
		t.Errorf("logged %s", got)
	}
}

func TestLevelDecidesWhatIsLogged(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	level := new(slog.LevelVar)
	log := NewLogger(&b, level)
	log.Debug("quiet")
	level.Set(slog.LevelDebug)
	log.Debug("loud")
	if got := b.String(); strings.Contains(got, "quiet") || !strings.Contains(got, `"msg":"loud"`) {
		t.Errorf("logged %s", got)
	}
}
