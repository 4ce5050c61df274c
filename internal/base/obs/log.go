// Package obs is what operators see of a running program (可观测): the log, the metrics and the health answers.
//
// Personal data has no place in any of them. A vault.Secret masks itself; beyond that the logger masks what
// stands under a personal key, and mobile numbers wherever they turn up, as the last net and not as a licence.
package obs

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"regexp"
	"slices"
	"strings"

	"guanxi/internal/base/vault"
)

// NewLogger writes JSON lines to w from a level up, with personal data masked.
func NewLogger(w io.Writer, level slog.Leveler) *slog.Logger {
	return slog.New(slog.NewJSONHandler(w, &slog.HandlerOptions{Level: level, ReplaceAttr: maskAttr}))
}

// maskAttr sees every attribute that is no group, resolved, with the names of the groups around it.
func maskAttr(groups []string, a slog.Attr) slog.Attr {
	if len(groups) == 0 && (a.Key == slog.TimeKey || a.Key == slog.LevelKey) {
		return a
	}
	for _, key := range append(slices.Clip(groups), a.Key) {
		if mask := maskFor(key); mask != nil {
			return slog.String(a.Key, mask(a.Value.String()))
		}
	}
	switch a.Value.Kind() {
	case slog.KindString:
		return slog.String(a.Key, maskNumbers(a.Value.String()))
	case slog.KindAny:
		return slog.Any(a.Key, maskAny(a.Value.Any()))
	default:
		return a
	}
}

// Parts of a key that make its value personal or secret, compared without case, "_" and "-".
var (
	hiddenKeys = []string{"openid", "unionid", "token", "secret", "authorization", "password", "sessionkey", "cookie"}
	phoneKeys  = []string{"phone", "mobile"}
	nameKeys   = []string{"name", "realname", "nickname", "membername"} // whole keys: a filename is nobody's name
	plainKey   = strings.NewReplacer("_", "", "-", "")
)

// maskFor gives the mask a key asks for, nil when it asks for none.
func maskFor(key string) func(string) string {
	key = plainKey.Replace(strings.ToLower(key))
	in := func(part string) bool { return strings.Contains(key, part) }
	switch {
	case slices.ContainsFunc(hiddenKeys, in):
		return vault.Mask
	case slices.ContainsFunc(phoneKeys, in):
		return vault.MaskPhone
	case slices.Contains(nameKeys, key):
		return vault.MaskName
	}
	return nil
}

var digits = regexp.MustCompile(`[0-9]+`)

// maskNumbers masks the mobile numbers inside a text. Longer runs of digits are ids and times: they stay.
func maskNumbers(text string) string {
	return digits.ReplaceAllStringFunc(text, func(run string) string {
		if p, err := vault.Phone(run); err == nil {
			return p.String()
		}
		return run
	})
}

// maskAny masks inside errors and composed values, which are logged in their JSON form.
func maskAny(v any) any {
	switch v := v.(type) {
	case error:
		return maskNumbers(v.Error())
	case []byte: // perhaps a body of a request: only its length may be told
		return fmt.Sprintf("%d bytes", len(v))
	}
	text, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprintf("%T", v)
	}
	var tree any
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber() // ids have more digits than a float keeps
	if err := d.Decode(&tree); err != nil {
		return fmt.Sprintf("%T", v)
	}
	return maskTree(tree)
}

func maskTree(v any) any {
	switch v := v.(type) {
	case string:
		return maskNumbers(v)
	case []any:
		for i := range v {
			v[i] = maskTree(v[i])
		}
	case map[string]any:
		for key, inner := range v {
			if mask := maskFor(key); mask != nil {
				v[key] = mask(fmt.Sprint(inner))
			} else {
				v[key] = maskTree(inner)
			}
		}
	}
	return v
}
