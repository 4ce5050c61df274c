package form

import (
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"guanxi/internal/base/fault"
)

// check asks the rules of a field of what it now holds.
func (d *decoder) check(v reflect.Value, f *Field, path string) {
	if f.Required && empty(v, f.Type) {
		d.fail(path, ErrRequired.New())
		return
	}
	switch f.Type {
	case Int:
		d.checkInt(v.Int(), f, path)
	case Rate:
		d.checkBounds(v.Int(), f, path)
	case Text:
		if v.String() != "" {
			d.checkText(v.String(), f, path)
		}
	case Ints:
		for i := range v.Len() {
			d.checkInt(v.Index(i).Int(), f, at(path, i))
		}
	case Texts:
		for i := range v.Len() {
			d.checkText(v.Index(i).String(), f, at(path, i))
		}
	case List:
		d.checkBounds(int64(v.Len()), f, path)
	case Rates:
		d.checkRates(v, f, path)
	}
}

// empty is what a required field may not be: a blank text, or a list or map without entries.
func empty(v reflect.Value, t Type) bool {
	switch t {
	case Text:
		return strings.TrimSpace(v.String()) == ""
	case Ints, Texts, List, Rates:
		return v.Len() == 0
	default:
		return false
	}
}

func (d *decoder) checkInt(n int64, f *Field, path string) {
	d.checkBounds(n, f, path)
	d.checkOption(strconv.FormatInt(n, 10), f, path)
}

func (d *decoder) checkText(s string, f *Field, path string) {
	d.checkBounds(int64(utf8.RuneCountInString(s)), f, path)
	d.checkOption(s, f, path)
}

// checkRates goes by sorted key, so that the same input always gives the same report.
func (d *decoder) checkRates(v reflect.Value, f *Field, path string) {
	keys := v.MapKeys()
	slices.SortFunc(keys, func(a, b reflect.Value) int { return strings.Compare(a.String(), b.String()) })
	for _, key := range keys {
		d.checkBounds(v.MapIndex(key).Int(), f, path+"."+key.String())
		d.checkOption(key.String(), f, path+"."+key.String())
	}
}

func (d *decoder) checkBounds(n int64, f *Field, path string) {
	if n < f.lo || n > f.hi {
		d.fail(path, f.outOfRange())
	}
}

func (d *decoder) checkOption(value string, f *Field, path string) {
	chosen := func(o Option) bool { return o.Value == value }
	if len(f.Options) > 0 && !slices.ContainsFunc(f.Options, chosen) {
		d.fail(path, ErrNotAnOption.New())
	}
}

// outOfRange tells the bounds; a side the struct leaves open is shown as a dash.
func (f *Field) outOfRange() *fault.Error {
	lo, hi := "—", "—"
	if f.lo != math.MinInt64 {
		lo = f.show(f.lo)
	}
	if f.hi != math.MaxInt64 {
		hi = f.show(f.hi)
	}
	return ErrOutOfRange.With("min", lo, "max", hi)
}
