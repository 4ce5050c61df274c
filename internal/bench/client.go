package bench

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"time"
)

// client is one keep-alive connection that asks and reads one answer at a time. It knows as much of HTTP/1.1 as our
// server speaks to it: a status line, headers, a body of a known length.
type client struct {
	c    net.Conn
	r    *bufio.Reader
	body []byte
}

const (
	maxAnswer  = 1 << 20
	answerTime = 60 * time.Second
)

func dial(ctx context.Context, addr string) (*client, error) {
	c, err := new(net.Dialer).DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, err
	}
	return &client{c: c, r: bufio.NewReaderSize(c, 4<<10)}, nil
}

func (c *client) close() { _ = c.c.Close() }

// ask sends the bytes of a request and reads its answer; the body is valid until the next one.
func (c *client) ask(request []byte) (status int, body []byte, err error) {
	if _, err := c.c.Write(request); err != nil {
		return 0, nil, err
	}
	return c.answer()
}

var errAnswer = errors.New("not an answer of HTTP/1.1 with a length")

// answer reads one answer whole, so that the next one begins where this one ends.
func (c *client) answer() (status int, body []byte, err error) {
	line, err := c.line()
	if err != nil {
		return 0, nil, err
	}
	if status, err = statusOf(line); err != nil {
		return 0, nil, err
	}
	length := -1
	for {
		if line, err = c.line(); err != nil {
			return 0, nil, err
		}
		if len(line) == 0 {
			break
		}
		if n, is, err := lengthOf(line); err != nil {
			return 0, nil, err
		} else if is {
			length = n
		}
	}
	if length < 0 {
		return 0, nil, fmt.Errorf("%w: no Content-Length", errAnswer)
	}
	if cap(c.body) < length {
		c.body = make([]byte, length)
	}
	c.body = c.body[:length]
	_, err = io.ReadFull(c.r, c.body)
	return status, c.body, err
}

// line reads a line without its end.
func (c *client) line() ([]byte, error) {
	line, err := c.r.ReadSlice('\n')
	if err != nil {
		return nil, fmt.Errorf("the answer broke off: %w", err)
	}
	return bytes.TrimSuffix(line[:len(line)-1], []byte("\r")), nil
}

func statusOf(line []byte) (int, error) {
	const head = len("HTTP/1.1 ")
	if len(line) < head+3 || string(line[:head]) != "HTTP/1.1 " {
		return 0, fmt.Errorf("%w: %.40q", errAnswer, line)
	}
	n, ok := digits(line[head : head+3])
	if !ok || n < 100 || len(line) > head+3 && line[head+3] != ' ' {
		return 0, fmt.Errorf("%w: %.40q", errAnswer, line)
	}
	return n, nil
}

// lengthOf reads a header line when it says how long the body is.
func lengthOf(line []byte) (n int, is bool, err error) {
	name, value, ok := bytes.Cut(line, []byte(":"))
	if !ok {
		return 0, false, fmt.Errorf("%w: %.40q", errAnswer, line)
	}
	if bytes.EqualFold(name, []byte("Transfer-Encoding")) {
		return 0, false, fmt.Errorf("%w: %.40q", errAnswer, line)
	}
	if !bytes.EqualFold(name, []byte("Content-Length")) {
		return 0, false, nil
	}
	n, ok = digits(bytes.TrimSpace(value))
	if !ok || n > maxAnswer {
		return 0, false, fmt.Errorf("%w: %.40q", errAnswer, line)
	}
	return n, true, nil
}

// digits reads a short number that is nothing but digits.
func digits(b []byte) (n int, ok bool) {
	if len(b) == 0 || len(b) > 9 {
		return 0, false
	}
	for _, c := range b {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + int(c-'0')
	}
	return n, true
}

// request is one request being written; its buffers are used again for the next.
type request struct {
	buf  []byte
	key  []byte
	path []byte
	body []byte
	text []byte // what is signed

	bearer string // of a member's session
}

// write puts the request together; without a signer it is not signed and carries no key.
func (q *request) write(method string, s *signer, now time.Time) []byte {
	b := append(q.buf[:0], method...)
	b = append(append(b, ' '), q.path...)
	b = append(b, " HTTP/1.1\r\nHost: bench\r\n"...)
	if len(q.body) > 0 {
		b = append(b, "Content-Type: application/json\r\nContent-Length: "...)
		b = append(strconv.AppendInt(b, int64(len(q.body)), 10), "\r\n"...)
	}
	if s != nil {
		if len(q.key) > 0 {
			b = append(append(append(b, "Idempotency-Key: "...), q.key...), "\r\n"...)
		}
		b = s.sign(b, q, method, now)
	}
	if q.bearer != "" {
		b = append(append(append(b, "Authorization: Bearer "...), q.bearer...), "\r\n"...)
	}
	q.buf = append(append(b, "\r\n"...), q.body...)
	return q.buf
}
