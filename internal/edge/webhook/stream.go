package webhook

import (
	"context"
	"errors"
	"sync"
	"time"

	"guanxi/internal/base/db"
	"guanxi/internal/base/fact"
	"guanxi/internal/base/id"
	"guanxi/internal/base/vault"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// Facts also go into a stream of NATS JetStream, where one is configured. It is an endpoint like the others, with a position, a
// lease and a replay; what differs is the sending.

const (
	streamAddress = "nats:" + streamName // as an endpoint; where the servers are, with a password, is told by the settings alone
	streamName    = "GUANXI"
	subjectPrefix = "guanxi."
	rememberIDs   = 10 * time.Minute // for which the stream drops what it has taken already
)

// stream is the connection to NATS. It is made when it is first needed, and heals by itself.
type stream struct {
	servers vault.Secret
	mu      sync.Mutex
	conn    *nats.Conn
	js      jetstream.JetStream
}

var errNoStream = errors.New("no server of NATS is configured")

func (s *stream) open(ctx context.Context) (jetstream.JetStream, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.js != nil {
		return s.js, nil
	}
	if s.servers.Reveal() == "" {
		return nil, errNoStream
	}
	conn, err := nats.Connect(s.servers.Reveal(), nats.Name("guanxi"), nats.Timeout(timeOut/4), nats.MaxReconnects(-1), nats.ReconnectWait(time.Second))
	if err != nil {
		return nil, err
	}
	js, err := jetstream.New(conn)
	if err == nil {
		// How long it keeps what, and on how many servers, is its owner's business: a stream that is there stays as it is.
		_, err = js.Stream(ctx, streamName)
		if errors.Is(err, jetstream.ErrStreamNotFound) {
			_, err = js.CreateStream(ctx, jetstream.StreamConfig{Name: streamName, Subjects: []string{subjectPrefix + ">"}, Duplicates: rememberIDs})
		}
	}
	if err != nil {
		conn.Close()
		return nil, err
	}
	s.conn, s.js = conn, js
	return js, nil
}

// send waits until the stream has the fact. One after the other: of several under way an earlier one could fail, and come
// after the later ones when it is sent again.
func (s *stream) send(ctx context.Context, f *fact.Row) error {
	ctx, cancel := context.WithTimeout(ctx, timeOut)
	defer cancel()
	js, err := s.open(ctx)
	if err != nil {
		return err
	}
	body, err := messageOf(f)
	if err != nil {
		return err
	}
	m := nats.NewMsg(subjectPrefix + f.Kind)
	m.Data = body
	m.Header.Set(nats.MsgIdHdr, "fact_"+id.String(f.ID))
	m.Header.Set("Content-Type", "application/json")
	if f.Member != 0 {
		m.Header.Set("Guanxi-Member", id.String(f.Member))
	}
	_, err = js.PublishMsg(ctx, m)
	return err
}

// Follow makes the stream an endpoint, from now on, unless it is one.
func (s *Service) Follow(tx *db.Tx) error {
	for _, e := range s.List(tx) {
		if e.URL == streamAddress {
			return nil
		}
	}
	e := Endpoint{ID: tx.ID(), URL: streamAddress, Status: On, CreatedAt: tx.Now()}
	e.Position = tx.ID()
	active.Bump(tx)
	return endpoints.Insert(tx, e)
}

// Close ends the connection to the stream.
func (s *Service) Close() {
	s.stream.mu.Lock()
	defer s.stream.mu.Unlock()
	if s.stream.conn != nil {
		s.stream.conn.Close()
	}
}
