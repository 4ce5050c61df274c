package vault

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
)

// chunkSize is how much of a file is sealed in one piece; a piece is held in memory.
const chunkSize = 256 << 10

// A sealed file is a line for each piece, bound to its place and number, and a last line that says how many there are:
// a piece that is changed, moved, left out or cut off is found.
func pieceAt(at Place, n int64) Place {
	at.Column = fmt.Sprintf("%s:%d", at.Column, n)
	return at
}

const endOfFile = "end"

// SealPiece makes the line of piece n of a file.
func (v *Vault) SealPiece(at Place, n int64, piece []byte) ([]byte, error) {
	text, err := v.Seal(pieceAt(at, n), Hide("+"+string(piece))) // a piece may be empty, a secret may not
	return append([]byte(text), '\n'), err
}

// SealEnd makes the last line of a file of n pieces.
func (v *Vault) SealEnd(at Place, n int64) ([]byte, error) {
	text, err := v.Seal(pieceAt(at, n), Hide(endOfFile))
	return append([]byte(text), '\n'), err
}

// FileWriter seals a stream piece by piece. Close writes the end; without it the file is refused when read.
type FileWriter struct {
	v   *Vault
	w   io.Writer
	at  Place
	n   int64
	buf []byte
}

// SealFile seals what is written to it into w.
func (v *Vault) SealFile(w io.Writer, at Place) *FileWriter {
	return &FileWriter{v: v, w: w, at: at, buf: make([]byte, 0, chunkSize)}
}

// Write takes a part of the stream.
func (f *FileWriter) Write(p []byte) (int, error) {
	all := len(p)
	for len(p) > 0 {
		n := min(len(p), chunkSize-len(f.buf))
		f.buf, p = append(f.buf, p[:n]...), p[n:]
		if len(f.buf) == chunkSize {
			if err := f.flush(); err != nil {
				return 0, err
			}
		}
	}
	return all, nil
}

func (f *FileWriter) flush() error {
	line, err := f.v.SealPiece(f.at, f.n, f.buf)
	if err != nil {
		return err
	}
	f.n, f.buf = f.n+1, f.buf[:0]
	_, err = f.w.Write(line)
	return err
}

// Close seals what is left and the end.
func (f *FileWriter) Close() error {
	if len(f.buf) > 0 {
		if err := f.flush(); err != nil {
			return err
		}
	}
	line, err := f.v.SealEnd(f.at, f.n)
	if err != nil {
		return err
	}
	_, err = f.w.Write(line)
	return err
}

type fileReader struct {
	v     *Vault
	lines *bufio.Reader
	at    Place
	n     int64
	piece bytes.Reader
	done  error
}

// OpenFile reads a sealed file. A file whose end is missing gives io.ErrUnexpectedEOF.
func (v *Vault) OpenFile(r io.Reader, at Place) io.Reader {
	return &fileReader{v: v, lines: bufio.NewReaderSize(r, 64<<10), at: at}
}

func (f *fileReader) Read(p []byte) (int, error) {
	for f.piece.Len() == 0 {
		if f.done != nil {
			return 0, f.done
		}
		f.done = f.next()
	}
	return f.piece.Read(p)
}

func (f *fileReader) next() error {
	line, err := f.lines.ReadBytes('\n')
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	if err != nil {
		return err
	}
	s, err := f.v.Open(pieceAt(f.at, f.n), string(bytes.TrimSuffix(line, []byte("\n"))))
	if err != nil {
		return err
	}
	text := s.Reveal()
	if text == endOfFile {
		return io.EOF
	}
	if text == "" || text[0] != '+' {
		return ErrRefused.New()
	}
	f.n++
	f.piece.Reset([]byte(text[1:]))
	return nil
}
