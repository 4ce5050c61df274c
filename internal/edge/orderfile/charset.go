package orderfile

import (
	"bytes"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/simplifiedchinese"

	"guanxi/internal/base/fault"
)

// The encodings of Options.Encoding.
const (
	UTF8    = "utf-8"   // nothing else
	Auto    = "auto"    // UTF-8, or GB18030 where the text is
	GB18030 = "gb18030" // without looking; GBK and GB2312 are parts of it
)

// charset decides the encoding once and gives rows as UTF-8.
type charset struct {
	asked   string
	begun   bool
	found   string // "" until a byte beyond ASCII was seen
	decoder *encoding.Decoder
	out     []byte
}

func newCharset(asked string) (*charset, error) {
	c := &charset{asked: asked}
	switch asked {
	case "", UTF8, Auto:
	case GB18030:
		c.found = GB18030
	default:
		return nil, ErrEncodingName.New()
	}
	c.decoder = simplifiedchinese.GB18030.NewDecoder()
	return c, nil
}

// look sees every block of the file before its rows are read. The first with more than ASCII decides.
// A delimiter, quote or line end is never part of a GB18030 character, so rows may be cut before.
func (c *charset) look(block []byte) error {
	if !c.begun {
		c.begun = true
		if wrong := notText(block); wrong != nil {
			return wrong.New()
		}
	}
	if c.found != "" || classOf(block)&hasHigh == 0 {
		return nil
	}
	c.found = UTF8
	if bytes.HasPrefix(block, bom) || !looksGB18030(block) {
		return nil
	}
	if c.asked != Auto {
		return ErrEncoding.New()
	}
	c.found = GB18030
	return nil
}

// name is the encoding; ASCII is UTF-8.
func (c *charset) name() string {
	if c.found == GB18030 {
		return GB18030
	}
	return UTF8
}

// decode gives the row as UTF-8, or says that it is not in the file's encoding.
// A decoded row is valid until the next one is.
func (c *charset) decode(data []byte, class byte) ([]byte, *fault.Kind) {
	switch {
	case class&hasHigh == 0:
		return data, nil
	case c.found != GB18030:
		if !utf8.Valid(data) {
			return nil, ErrEncoding
		}
		return data, nil
	}
	c.decoder.Reset()
	if need := 3*len(data) + utf8.UTFMax; cap(c.out) < need {
		c.out = make([]byte, need)
	}
	out := c.out[:cap(c.out)]
	n, _, err := c.decoder.Transform(out, data, true)
	if err != nil || bytes.ContainsRune(out[:n], utf8.RuneError) {
		return nil, ErrEncoding
	}
	return out[:n], nil
}

// looksGB18030 weighs the characters beyond ASCII. A UTF-8 file with a few damaged bytes stays UTF-8, and
// Latin-1 text, whose accents stand among ASCII letters, is not taken for Chinese.
func looksGB18030(block []byte) bool {
	if valid, invalid := weighUTF8(block); valid >= invalid {
		return false
	}
	likely, unlikely := weighGB18030(block)
	return likely > unlikely
}

func weighUTF8(block []byte) (valid, invalid int) {
	for len(block) > 0 {
		if block[0] < utf8.RuneSelf {
			block = block[1:]
			continue
		}
		if !utf8.FullRune(block) {
			break // the block ends inside a character
		}
		r, n := utf8.DecodeRune(block)
		if r == utf8.RuneError && n == 1 {
			invalid++
		} else {
			valid++
		}
		block = block[n:]
	}
	return valid, invalid
}

// weighGB18030 counts characters of two high bytes, as nearly all Chinese text has, against the rest.
func weighGB18030(block []byte) (likely, unlikely int) {
	for i := 0; i < len(block); {
		if block[i] < utf8.RuneSelf {
			i++
			continue
		}
		if i+1 == len(block) {
			break // the block ends inside a character
		}
		switch lead, trail := block[i], block[i+1]; {
		case lead > 0x80 && lead < 0xff && trail >= 0x80 && trail < 0xff:
			likely++
			i += 2
		case lead > 0x80 && lead < 0xff && trail >= '0' && trail <= '9' && i+3 < len(block) && block[i+2] > 0x80:
			i += 4 // rare characters: they say nothing
		default:
			unlikely++
			i++
		}
	}
	return likely, unlikely
}

var (
	bom        = []byte("\xef\xbb\xbf")
	utf16Marks = [][]byte{[]byte("\xff\xfe"), []byte("\xfe\xff")}
	workbooks  = [][]byte{[]byte("PK\x03\x04"), []byte("\xd0\xcf\x11\xe0")} // .xlsx, .xls
)

// notText knows the files that people take for CSV, by their first bytes.
func notText(block []byte) *fault.Kind {
	switch {
	case beginsWith(block, workbooks):
		return ErrWorkbook
	case beginsWith(block, utf16Marks), isBareUTF16(block):
		return ErrUTF16
	}
	return nil
}

func beginsWith(block []byte, marks [][]byte) bool {
	for _, m := range marks {
		if bytes.HasPrefix(block, m) {
			return true
		}
	}
	return false
}

// isBareUTF16 knows UTF-16 without a mark by the first two characters, which in a header are mostly ASCII.
func isBareUTF16(block []byte) bool {
	if len(block) < 4 {
		return false
	}
	zero := [4]bool{block[0] == 0, block[1] == 0, block[2] == 0, block[3] == 0}
	return zero == [4]bool{false, true, false, true} || zero == [4]bool{true, false, true, false}
}
