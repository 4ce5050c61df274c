package orderfile

import (
	"bytes"
	"strings"

	"guanxi/internal/base/clock"
	"guanxi/internal/base/fault"
	"guanxi/internal/base/money"
)

// cells is one row with its layout: it reads a field's cell, or says why it can't.
type cells struct {
	*layout
	row [][]byte
}

// text gives the trimmed cell, nil where the file has no such column.
func (c cells) text(f field) []byte {
	if !c.has(f) {
		return nil
	}
	return bytes.TrimSpace(c.row[c.column[f]])
}

// reference gives a cell that points to something: a number, a SKU, a store.
func (c cells) reference(f field) ([]byte, *fault.Error) {
	text := c.text(f)
	switch {
	case len(text) == 0:
		return nil, nil
	case isFormula(c.row[c.column[f]], text) && !(f == fMember && isPhone(text)):
		return nil, c.at(f, ErrFormula)
	case bytes.ContainsAny(text, "\t\r\n"):
		return nil, c.at(f, ErrBinary)
	case (f == fOrder || f == fMember || f == fOriginal) && isScientific(text):
		return nil, c.at(f, ErrMangled)
	}
	return text, nil
}

func (c cells) required(f field) ([]byte, *fault.Error) {
	text, wrong := c.reference(f)
	if wrong == nil && len(text) == 0 {
		return nil, c.at(f, ErrRequired)
	}
	return text, wrong
}

func isFormula(cell, text []byte) bool {
	return strings.IndexByte("=+-@", text[0]) >= 0 || cell[0] == '\t' || cell[0] == '\r'
}

func isPhone(text []byte) bool { return text[0] == '+' && len(text) > 1 && isDigits(text[1:]) }

func isDigits(text []byte) bool {
	for _, b := range text {
		if b < '0' || b > '9' {
			return false
		}
	}
	return len(text) > 0
}

// isScientific knows 1.23457E+17, which is what a spreadsheet leaves of a long number.
func isScientific(text []byte) bool {
	mantissa, exponent, ok := bytes.Cut(bytes.ToUpper(text), []byte("E+"))
	return ok && isDigits(exponent) && isDigits(bytes.Replace(mantissa, []byte("."), nil, 1))
}

const maxQty = 1_000_000

// quantity reads a whole number; 6.00 is one. Where there is no such column it is 1.
func (c cells) quantity() (int64, *fault.Error) {
	if !c.has(fQuantity) {
		return 1, nil
	}
	text := c.text(fQuantity)
	exact, err := money.ParseRate(string(text))
	qty := int64(exact / money.One)
	if err != nil || exact%money.One != 0 || qty > maxQty || qty < -maxQty {
		return 0, c.at(fQuantity, ErrQuantity)
	}
	return qty, nil
}

// rateToFen divides millionths of a yuan into fen.
const rateToFen = int64(money.One) / 100

// price reads an exact price in millionths of a yuan, the last two digits of which are zero.
func (c cells) price() (money.Rate, *fault.Error) {
	text := c.text(fPrice)
	price, err := money.ParseRate(string(text))
	if err != nil || price%100 != 0 {
		return 0, c.at(fPrice, ErrPrice)
	}
	return price, nil
}

// amount reads an amount of at most two decimals.
func (c cells) amount() (money.Fen, *fault.Error) {
	text := c.text(fAmount)
	fen, err := money.ParseFen(string(text))
	if err != nil || fen > money.Max || fen < -money.Max {
		return 0, c.at(fAmount, ErrAmount)
	}
	return fen, nil
}

// timing reads times in a zone. Rows of one order mostly repeat the time, so the last one is kept.
type timing struct {
	zone       clock.Zone
	from, till int64
	last       string
	lastMs     int64
}

func newTiming(zone clock.Zone) *timing {
	return &timing{zone: zone, from: zone.StartOfDay(1990_01_01), till: zone.StartOfDay(2101_01_01)}
}

func (t *timing) read(c cells) (int64, *fault.Error) {
	text := c.text(fTime)
	if len(text) == 0 {
		return 0, c.at(fTime, ErrRequired)
	}
	if string(text) == t.last {
		return t.lastMs, nil
	}
	s := string(text)
	ms, ok := t.parse(s)
	switch {
	case !ok:
		return 0, c.at(fTime, ErrTime)
	case ms < t.from || ms >= t.till:
		return 0, c.at(fTime, ErrTimeRange)
	}
	t.last, t.lastMs = s, ms
	return ms, nil
}

// parse takes one layout by the look of the text, so that no text can be read in two ways.
func (t *timing) parse(s string) (int64, bool) {
	if isDigits([]byte(s)) {
		return t.parseDigits(s)
	}
	layout := "2006-1-2"
	if strings.Contains(s, "/") {
		layout = "2006/1/2"
	}
	colons := strings.Count(s, ":")
	switch zoned := strings.HasSuffix(s, "Z") || colons == 3; {
	case strings.Contains(s, "T") && zoned:
		layout = "2006-01-02T15:04:05Z07:00"
	case strings.Contains(s, "T"):
		layout = "2006-01-02T15:04:05"
	case colons == 2:
		layout += " 15:04:05"
	case colons == 1:
		layout += " 15:04"
	}
	ms, err := t.zone.Parse(layout, s)
	return ms, err == nil
}

// parseDigits tells a date, seconds, milliseconds and a packed time apart by their length.
func (t *timing) parseDigits(s string) (int64, bool) {
	switch len(s) {
	case 8:
		ms, err := t.zone.Parse("20060102", s)
		return ms, err == nil
	case 14:
		ms, err := t.zone.Parse("20060102150405", s)
		return ms, err == nil
	case 10, 13:
		n := int64(0)
		for _, b := range []byte(s) {
			n = n*10 + int64(b-'0')
		}
		if len(s) == 10 {
			n *= clock.Second
		}
		return n, true
	}
	return 0, false
}
