package orderfile

import (
	"bytes"
	"errors"
	"io"

	"guanxi/internal/base/fault"
)

const (
	maxRow   = 64 << 10
	maxField = 4 << 10
	window   = 4 * maxRow
)

// rows cuts a stream into rows, in a window that never grows. encoding/csv would hold a row of any length.
type rows struct {
	src   io.Reader
	text  *charset
	quote quoting
	buf   []byte // the bytes in the window: buf[pos:]
	pos   int
	line  int  // the physical line at pos
	eof   bool // nothing comes after the window
	cut   bool // and that is because the stream broke off
}

// row is one row without its line end. Its data is valid until the next row is read.
type row struct {
	data        []byte
	first, last int
	class       byte        // what bytes are in it
	ended       bool        // it has a line end, so that it was not cut off
	wrong       *fault.Kind // why it can't be read
}

func newRows(src io.Reader, text *charset) *rows {
	return &rows{src: src, text: text, buf: make([]byte, 0, window), line: 1}
}

// fill makes sure that the window holds more than a longest row, or all that is left.
func (r *rows) fill() error {
	if r.eof || len(r.buf)-r.pos > maxRow+1 {
		return nil
	}
	kept := copy(r.buf[:cap(r.buf)], r.buf[r.pos:])
	r.pos = 0
	n, err := io.ReadFull(r.src, r.buf[kept:cap(r.buf)])
	r.buf = r.buf[:kept+n]
	r.cut = errors.Is(err, errCut)
	r.eof = r.cut || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
	if err != nil && !r.eof {
		return err
	}
	return r.text.look(r.buf[kept:])
}

// begin reads the first block, skips its byte order mark and finds the delimiter.
func (r *rows) begin() error {
	if err := r.fill(); err != nil {
		return err
	}
	if bytes.HasPrefix(r.buf, bom) {
		r.pos = len(bom)
	}
	r.quote.delim = delimiterOf(r.buf[r.pos:])
	return nil
}

// next gives the next row, or io.EOF. An open quote at the end of the file is ErrTruncated.
func (r *rows) next() (row, error) {
	if err := r.fill(); err != nil {
		return row{}, err
	}
	rest := r.buf[r.pos:]
	if len(rest) == 0 && r.cut {
		return row{}, truncated(r.line)
	}
	if len(rest) == 0 {
		return row{}, io.EOF
	}
	if n := bytes.IndexByte(rest, '\n'); n >= 0 && n <= maxRow {
		if class := classOf(rest[:n]); class&hasQuote == 0 {
			return r.take(n, 1, class), nil
		}
	}
	return r.quoted(rest)
}

// quoted finds the end of a row in which line ends may be quoted, and of the last row.
func (r *rows) quoted(rest []byte) (row, error) {
	r.quote.start()
	n := r.quote.scan(rest)
	switch {
	case n >= 0 && n <= maxRow:
		return r.take(n, 1, classOf(rest[:n])), nil
	case n < 0 && r.eof && r.broken():
		return row{}, truncated(r.line)
	case n < 0 && r.eof && len(rest) <= maxRow:
		return r.take(len(rest), 0, classOf(rest)), nil
	}
	return r.skip(n)
}

// take cuts a row of n bytes and its line end of size end off the window.
func (r *rows) take(n, end int, class byte) row {
	data := r.buf[r.pos : r.pos+n]
	out := row{data: bytes.TrimSuffix(data, []byte{'\r'}), first: r.line, class: class, ended: end > 0}
	r.line += bytes.Count(data, []byte{'\n'})
	out.last = r.line
	r.line += end
	r.pos += n + end
	return out
}

// skip drops a row that is too long, whose end is at n of the window or not yet in it.
func (r *rows) skip(n int) (row, error) {
	out := row{first: r.line, wrong: ErrRowTooLong, ended: true}
	for n < 0 && !r.eof {
		r.drop(len(r.buf) - r.pos)
		if err := r.fill(); err != nil {
			return row{}, err
		}
		n = r.quote.scan(r.buf[r.pos:])
	}
	if n < 0 && r.broken() {
		return row{}, truncated(out.first)
	}
	if n < 0 {
		r.drop(len(r.buf) - r.pos)
		out.last = r.line
		return out, nil
	}
	r.drop(n)
	out.last = r.line
	r.drop(1)
	return out, nil
}

// broken says of a last row without line end that it was cut off.
func (r *rows) broken() bool { return r.cut || r.quote.open() }

func truncated(line int) error { return ErrTruncated.With("line", line) }

func (r *rows) drop(n int) {
	r.line += bytes.Count(r.buf[r.pos:r.pos+n], []byte{'\n'})
	r.pos += n
}

// unread is how many bytes of the stream are in the window but not in a row yet.
func (r *rows) unread() int { return len(r.buf) - r.pos }

// quoting follows quotes through a row, byte by byte, over as many windows as it takes.
// A quote opens only at the start of a cell; elsewhere it is text, as in: 5" pipe.
type quoting struct {
	delim byte
	state byte
}

const (
	cellStart byte = iota
	plainCell
	quotedCell
	quoteSeen // inside a quoted cell: its end, or the first half of a doubled quote
)

func (q *quoting) start() { q.state = cellStart }

func (q *quoting) open() bool { return q.state == quotedCell }

// scan gives the index of the line end that ends the row, or -1.
func (q *quoting) scan(data []byte) int {
	for i, b := range data {
		switch {
		case q.state == quotedCell:
			if b == '"' {
				q.state = quoteSeen
			}
		case b == '\n':
			return i
		case b == q.delim:
			q.state = cellStart
		case b == '"' && q.state != plainCell:
			q.state = quotedCell // opens the cell, or is the second half of a doubled quote
		default:
			q.state = plainCell
		}
	}
	return -1
}

// split cuts a row into cells, reusing dst. Quoted cells are unquoted in place.
func split(dst [][]byte, data []byte, class, delim byte) ([][]byte, *fault.Kind) {
	dst = dst[:0]
	for {
		cell, rest, more := data, []byte(nil), false
		if class&hasQuote != 0 && len(data) > 0 && data[0] == '"' {
			n := unquote(data, delim)
			if n.cell == nil {
				return dst, ErrQuote
			}
			cell, rest, more = n.cell, n.rest, n.more
		} else if i := bytes.IndexByte(data, delim); i >= 0 {
			cell, rest, more = data[:i], data[i+1:], true
		}
		if len(cell) > maxField {
			return dst, ErrFieldTooLong
		}
		dst = append(dst, cell)
		if !more {
			return dst, nil
		}
		data = rest
	}
}

// cut is a cell and what comes after its delimiter; cell is nil when the quotes do not match.
type cut struct {
	cell, rest []byte
	more       bool
}

// unquote reads the quoted cell at the start of data.
func unquote(data []byte, delim byte) cut {
	out := data[:0]
	for i := 1; i < len(data); i++ {
		if data[i] != '"' {
			out = append(out, data[i])
			continue
		}
		i++
		switch {
		case i == len(data):
			return cut{cell: out}
		case data[i] == '"':
			out = append(out, '"')
		case data[i] == delim:
			return cut{cell: out, rest: data[i+1:], more: true}
		default:
			return cut{}
		}
	}
	return cut{}
}

// What kinds of bytes a row has.
const (
	hasQuote byte = 1 << iota
	hasHigh
	hasControl // other than tab, line feed and carriage return
)

var classes = func() (t [256]byte) {
	for b := range 256 {
		switch {
		case b == '"':
			t[b] = hasQuote
		case b >= 0x80:
			t[b] = hasHigh
		case b == 0x7f || b < ' ' && b != '\t' && b != '\n' && b != '\r':
			t[b] = hasControl
		}
	}
	return t
}()

func classOf(data []byte) (class byte) {
	for _, b := range data {
		class |= classes[b]
	}
	return class
}
