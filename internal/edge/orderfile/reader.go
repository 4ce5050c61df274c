package orderfile

import (
	"bytes"
	"errors"
	"hash/maphash"
	"io"
	"os"

	"guanxi/internal/base/clock"
	"guanxi/internal/base/fault"
)

// Options say how a file is to be understood. The zero value guesses the columns, knows no refund
// prefix, takes UTF-8 and reads times in Shanghai.
type Options struct {
	Mapping      Mapping
	RefundPrefix string     // order numbers that begin with it are refunds; "" for none
	Zone         clock.Zone // of times that name none
	Encoding     string     // UTF8 (also ""), Auto or GB18030
	SkipLines    int        // resume: orders that end at or before this line are not handed out again
}

// Reader hands out the records of a file one by one.
type Reader struct {
	size   int64
	file   io.Closer // nil when the caller owns the stream
	source *source
	rows   *rows
	text   *charset
	layout *layout
	times  *timing
	prefix string
	skip   int

	cells [][]byte // reused for each row
	group group
	queue []Record
	done  error
	seed  maphash.Seed
	seen  map[uint64]uint64 // hash of each order number read so far → hash of its rows
}

// Open opens a file, which may be gzipped whatever its name. Close the reader after use.
func Open(path string, o Options) (*Reader, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	r, err := openFile(f, o)
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	r.file = f
	return r, nil
}

func openFile(f *os.File, o Options) (*Reader, error) {
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	return New(f, info.Size(), o)
}

// New reads the header of a stream of so many bytes; size is only what Size will say.
func New(stream io.Reader, size int64, o Options) (*Reader, error) {
	text, err := newCharset(o.Encoding)
	if err != nil {
		return nil, err
	}
	src, err := newSource(stream)
	if err != nil {
		return nil, err
	}
	if o.Zone == (clock.Zone{}) {
		o.Zone = clock.Shanghai
	}
	r := &Reader{
		size: size, source: src, text: text, rows: newRows(src.text, text), times: newTiming(o.Zone),
		prefix: o.RefundPrefix, skip: o.SkipLines, seed: maphash.MakeSeed(), seen: map[uint64]uint64{},
	}
	if err := r.readHeader(o.Mapping); err != nil {
		return nil, err
	}
	return r, nil
}

func (r *Reader) readHeader(m Mapping) error {
	if err := r.rows.begin(); err != nil {
		return err
	}
	for {
		rw, err := r.rows.next()
		if errors.Is(err, io.EOF) {
			return ErrEmpty.New()
		}
		if err != nil {
			return err
		}
		wrong := r.split(rw)
		if wrong != nil {
			return wrong
		}
		if !isBlank(r.cells) {
			break
		}
	}
	var err error
	r.layout, err = newLayout(r.cells, m)
	return err
}

// Next gives the next record, io.EOF after the last, or why the rest of the file can't be read.
func (r *Reader) Next() (Record, error) {
	for len(r.queue) == 0 {
		if r.done != nil {
			return Record{}, r.done
		}
		r.done = r.step()
	}
	rec := r.queue[0]
	r.queue = r.queue[1:]
	return rec, nil
}

// step reads one row into the order it belongs to.
func (r *Reader) step() error {
	rw, err := r.rows.next()
	if errors.Is(err, io.EOF) {
		r.closeGroup()
		return io.EOF
	}
	if err == nil {
		err = r.take(rw)
	}
	if fault.Is(err, ErrTruncated) && r.group.open {
		return truncated(r.group.first)
	}
	return err
}

// take adds a row to the order it belongs to; only a cut-off row is an error.
func (r *Reader) take(rw row) error {
	sum := maphash.Bytes(r.seed, rw.data) // before the cells are unquoted in place
	wrong := r.split(rw)
	if wrong == nil && isBlank(r.cells) {
		return nil
	}
	want := len(r.layout.headers)
	if have := len(r.cells); wrong == nil && have != want {
		if !rw.ended && have < want {
			return truncated(rw.first)
		}
		wrong = ErrColumns.With("want", want, "have", have)
	}
	c := cells{r.layout, r.cells}
	no, unnumbered := r.number(c)
	if wrong == nil {
		wrong = unnumbered
	}
	r.enter(no, rw)
	r.group.cover(rw, sum)
	if wrong != nil {
		r.group.refuse(rw.first, wrong)
	}
	if r.group.refusal == nil {
		r.understand(rw.first, c)
	}
	return nil
}

func (r *Reader) understand(line int, c cells) {
	e, wrong := r.readEntry(c)
	if wrong != nil {
		r.group.refuse(line, wrong)
		return
	}
	r.group.add(line, e, r.layout.hasLines())
}

// split gives r.cells the cells of a row, those before the wrong one if one is wrong.
func (r *Reader) split(rw row) *fault.Error {
	r.cells = r.cells[:0]
	if rw.wrong != nil {
		return rw.wrong.New()
	}
	if rw.class&hasControl != 0 {
		return ErrBinary.New()
	}
	data, wrong := r.text.decode(rw.data, rw.class)
	if wrong != nil {
		return wrong.New()
	}
	r.cells, wrong = split(r.cells, data, rw.class, r.rows.quote.delim)
	if wrong != nil {
		return wrong.New()
	}
	return nil
}

func isBlank(cells [][]byte) bool {
	for _, cell := range cells {
		if len(bytes.TrimSpace(cell)) > 0 {
			return false
		}
	}
	return true
}

// number reads the order number, also of a row that is otherwise wrong.
func (r *Reader) number(c cells) ([]byte, *fault.Error) {
	if len(c.row) <= c.column[fOrder] {
		return nil, nil
	}
	return c.required(fOrder)
}

// enter opens the order of a row, unless it is open. A row whose number can't be read stays, in a line file,
// with the order before it, which would otherwise lack a line unnoticed.
func (r *Reader) enter(no []byte, rw row) {
	g := &r.group
	stays := string(no) == g.no
	if len(no) == 0 {
		stays = g.no != "" && r.layout.hasLines()
	}
	if g.open && stays {
		return
	}
	r.closeGroup()
	*g = group{open: true, no: string(no), first: rw.first}
}

// closeGroup queues what the order that was being read says.
func (r *Reader) closeGroup() {
	g := &r.group
	if !g.open {
		return
	}
	g.open = false
	if g.no != "" && !r.claim(g.no) {
		g.refuse(g.first, ErrSplitOrder.New().At(fOrder.String()))
	}
	records := r.records()
	if g.last > r.skip {
		r.queue = append(r.queue[:0], records...)
	}
}

func (r *Reader) records() []Record {
	g := &r.group
	if g.refusal != nil {
		return []Record{g.refused()}
	}
	records, wrong := g.records(r.prefix)
	if len(records) == 2 && !r.claim(records[1].No) {
		wrong = ErrSplitOrder.New().At(fOrder.String())
	}
	if wrong != nil {
		g.refuse(g.first, wrong)
		return []Record{g.refused()}
	}
	return records
}

// claim notes the number for the open order; false when it was there before with other content.
func (r *Reader) claim(no string) bool {
	key := maphash.String(r.seed, no)
	content, there := r.seen[key]
	if !there {
		r.seen[key] = r.group.content
	}
	return !there || content == r.group.content
}

// Offset is how many bytes of the file were used so far, packed ones of a gzipped file.
func (r *Reader) Offset() int64 { return r.source.taken(r.rows.unread()) }

// Size is the size of the file in bytes.
func (r *Reader) Size() int64 { return r.size }

// Encoding is UTF8 or GB18030: what the text read so far is in.
func (r *Reader) Encoding() string { return r.text.name() }

// Mapping is which column is read as which field, given or guessed.
func (r *Reader) Mapping() Mapping { return r.layout.mapping() }

// Close closes a file opened by Open.
func (r *Reader) Close() error {
	if r.file == nil {
		return nil
	}
	return r.file.Close()
}
