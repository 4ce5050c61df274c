// Package mailbox takes e-mail like a server does, and keeps it for everybody to read.
package mailbox

import (
	"bufio"
	"context"
	"encoding/base64"
	"io"
	"mime"
	"mime/quotedprintable"
	"net"
	"net/mail"
	"strings"
	"sync"
)

// Letter is one that arrived.
type Letter struct {
	From, To string
	Text     string // headers and body as they were sent
}

// Read gives the subject and the text of a letter.
func (l Letter) Read() (subject, text string) {
	m, err := mail.ReadMessage(strings.NewReader(l.Text))
	if err != nil {
		return "", l.Text
	}
	subject, err = new(mime.WordDecoder).DecodeHeader(m.Header.Get("Subject"))
	if err != nil {
		subject = m.Header.Get("Subject")
	}
	body := m.Body
	switch strings.ToLower(m.Header.Get("Content-Transfer-Encoding")) {
	case "quoted-printable":
		body = quotedprintable.NewReader(body)
	case "base64":
		body = base64.NewDecoder(base64.StdEncoding, body)
	}
	b, _ := io.ReadAll(body)
	return subject, strings.TrimSpace(string(b))
}

// Box is the server.
type Box struct {
	Refuse   string       // recipients with this in their address are refused for good
	Postpone string       // and these for now
	Arrived  func(Letter) // hears of each one; may be nil
	mu       sync.Mutex
	letters  []Letter
}

// Letters lists what arrived.
func (b *Box) Letters() []Letter {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]Letter{}, b.letters...)
}

// Serve takes letters on a listener until ctx ends.
func (b *Box) Serve(ctx context.Context, ln net.Listener) {
	context.AfterFunc(ctx, func() { _ = ln.Close() })
	for {
		c, err := ln.Accept()
		if err != nil {
			return
		}
		go b.talk(c)
	}
}

func (b *Box) talk(c net.Conn) {
	defer func() { _ = c.Close() }()
	in := bufio.NewReader(c)
	say := func(s string) { _, _ = c.Write([]byte(s + "\r\n")) }
	say("220 emulator ESMTP")
	var l Letter
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			return
		}
		line = strings.TrimSpace(line)
		word := strings.ToUpper(line)
		switch {
		case strings.HasPrefix(word, "EHLO"), strings.HasPrefix(word, "HELO"):
			say("250-emulator\r\n250-8BITMIME\r\n250 SMTPUTF8")
		case strings.HasPrefix(word, "MAIL FROM:"):
			l = Letter{From: address(line)}
			say("250 ok")
		case strings.HasPrefix(word, "RCPT TO:"):
			l.To = address(line)
			switch {
			case b.Refuse != "" && strings.Contains(l.To, b.Refuse):
				say("550 5.1.1 no such user")
			case b.Postpone != "" && strings.Contains(l.To, b.Postpone):
				say("451 4.7.1 try again later")
			default:
				say("250 ok")
			}
		case word == "DATA":
			say("354 go ahead")
			if l.Text, err = body(in); err != nil {
				return
			}
			b.mu.Lock()
			b.letters = append(b.letters, l)
			b.mu.Unlock()
			if b.Arrived != nil {
				b.Arrived(l)
			}
			say("250 taken")
		case word == "QUIT":
			say("221 bye")
			return
		case word == "RSET", word == "NOOP":
			say("250 ok")
		default:
			say("502 not known")
		}
	}
}

func address(line string) string {
	_, rest, _ := strings.Cut(line, "<")
	at, _, _ := strings.Cut(rest, ">")
	return at
}

func body(in *bufio.Reader) (string, error) {
	var out strings.Builder
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			return "", err
		}
		if strings.TrimRight(line, "\r\n") == "." {
			return out.String(), nil
		}
		out.WriteString(strings.TrimPrefix(line, "."))
	}
}
