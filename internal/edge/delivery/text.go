package delivery

import (
	"errors"
	"strings"
	"unicode"
)

func is(err, kind error) bool { return errors.Is(err, kind) }

func isHan(r rune) bool { return unicode.Is(unicode.Han, r) }

func keep(s string, ok func(rune) bool) string {
	return strings.Map(func(r rune) rune {
		if ok(r) {
			return r
		}
		return -1
	}, s)
}

func cut(s string, n int) string {
	if r := []rune(s); len(r) > n {
		return string(r[:n])
	}
	return s
}
