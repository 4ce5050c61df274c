package orderfile

import (
	"errors"
	"io"
)

// Head is the beginning of a file, for whoever has to say what its columns mean.
type Head struct {
	Columns  []string
	Guess    Mapping    // what the names of the columns suggest; it may lack what an import needs
	Rows     [][]string // the first ones
	Encoding string
}

// Fields lists the names of the fields a column may be mapped to, in the order people think of them.
func Fields() []string { return fieldNames[:] }

// Inspect reads the beginning of a stream, whatever its columns are called.
func Inspect(stream io.Reader, o Options, rows int) (Head, error) {
	text, err := newCharset(o.Encoding)
	if err != nil {
		return Head{}, err
	}
	src, err := newSource(stream)
	if err != nil {
		return Head{}, err
	}
	r := &Reader{source: src, text: text, rows: newRows(src.text, text)}
	if err := r.readHeader(nil); err != nil && r.layout == nil {
		return Head{}, err
	} // what is missing is said by the guess
	out := Head{Columns: r.layout.headers, Guess: r.layout.mapping()}
	for len(out.Rows) < rows {
		rw, err := r.rows.next()
		if errors.Is(err, io.EOF) || err != nil && len(out.Rows) > 0 {
			break
		}
		if err != nil {
			return out, err
		}
		if wrong := r.split(rw); wrong != nil || isBlank(r.cells) {
			continue // a wrong row is told by a dry run
		}
		one := make([]string, len(r.cells))
		for i, cell := range r.cells {
			one[i] = short(cell)
		}
		out.Rows = append(out.Rows, one)
	}
	out.Encoding = r.text.name()
	return out, nil
}
