package bench

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"os/exec"
)

// Launch starts a server process: what it reads from, what it says, and how to wait for its end.
type Launch func(ctx context.Context) (in io.WriteCloser, out io.Reader, wait func() error, err error)

// Command is the Launch of a program that calls Serve over its standard input and output.
func Command(notes io.Writer, path string, args ...string) Launch {
	return func(ctx context.Context) (io.WriteCloser, io.Reader, func() error, error) {
		cmd := exec.CommandContext(ctx, path, args...) //nolint:gosec // the program itself, with arguments of its own
		cmd.Stderr = notes
		in, err := cmd.StdinPipe()
		if err != nil {
			return nil, nil, nil, err
		}
		out, err := cmd.StdoutPipe()
		if err != nil {
			return nil, nil, nil, err
		}
		return in, out, cmd.Wait, cmd.Start()
	}
}

// server is the process under test as the benchmark sees it.
type server struct {
	hello
	in   io.WriteCloser
	enc  *json.Encoder
	dec  *json.Decoder
	wait func() error
}

func start(ctx context.Context, launch Launch, c Config) (*server, error) {
	in, out, wait, err := launch(ctx)
	if err != nil {
		return nil, err
	}
	s := &server{in: in, enc: json.NewEncoder(in), dec: json.NewDecoder(out), wait: wait}
	if err = s.enc.Encode(c); err == nil {
		err = s.result(&s.hello, nil)
	}
	if err != nil {
		return nil, errors.Join(err, s.stop())
	}
	return s, nil
}

// call gives a command and waits for its result.
func (s *server) call(do string, arg, result any, progress func(done, of int64)) error {
	text, err := json.Marshal(arg)
	if err != nil {
		return err
	}
	if err := s.enc.Encode(command{do, text}); err != nil {
		return err
	}
	return s.result(result, progress)
}

func (s *server) result(into any, progress func(done, of int64)) error {
	for {
		var r reaction
		if err := s.dec.Decode(&r); err != nil {
			return errors.Join(errors.New("bench: the server process has gone"), err)
		}
		switch {
		case r.Error != "":
			return errors.New("bench: the server process: " + r.Error)
		case r.Result == nil:
			if progress != nil {
				progress(r.Done, r.Of)
			}
		case into == nil:
			return nil
		default:
			return json.Unmarshal(r.Result, into)
		}
	}
}

// stop lets the process end by itself.
func (s *server) stop() error { return errors.Join(s.in.Close(), s.wait()) }
