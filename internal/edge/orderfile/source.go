package orderfile

import (
	"bufio"
	"bytes"
	"compress/flate"
	"compress/gzip"
	"errors"
	"io"
)

// errCut is a compressed stream that ends before its end.
var errCut = errors.New("orderfile: gzip stream is cut off")

// source is the text of a file, unpacked if need be, and how many bytes of the file it took.
type source struct {
	raw      counter
	buffered *bufio.Reader
	text     io.Reader
	packed   bool
}

type counter struct {
	r io.Reader
	n int64
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	return n, err
}

var gzipMagic = []byte{0x1f, 0x8b}

func newSource(r io.Reader) (*source, error) {
	s := &source{raw: counter{r: r}}
	s.buffered = bufio.NewReaderSize(&s.raw, 64<<10)
	s.text = s.buffered
	if head, _ := s.buffered.Peek(len(gzipMagic)); !bytes.Equal(head, gzipMagic) {
		return s, nil
	}
	packed, err := gzip.NewReader(s.buffered)
	if err := gzipFault(err); errors.Is(err, errCut) {
		return nil, truncated(1)
	} else if err != nil {
		return nil, err
	}
	s.packed, s.text = true, gzipText{packed}
	return s, nil
}

// taken is how many bytes of the file were used, when so many of the text are not yet.
func (s *source) taken(unread int) int64 {
	used := s.raw.n - int64(s.buffered.Buffered())
	if s.packed {
		return used
	}
	return used - int64(unread)
}

// gzipText tells a broken-off stream from a damaged one, and both from a failing disk.
type gzipText struct{ r *gzip.Reader }

func (g gzipText) Read(p []byte) (int, error) {
	n, err := g.r.Read(p)
	return n, gzipFault(err)
}

func gzipFault(err error) error {
	var corrupt flate.CorruptInputError
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF):
		return errCut
	case errors.Is(err, gzip.ErrChecksum), errors.Is(err, gzip.ErrHeader), errors.As(err, &corrupt):
		return ErrGzip.New().Because(err)
	}
	return err
}
