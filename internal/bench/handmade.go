package bench

import (
	"context"
	"encoding/json"
	"net/http"
	"strconv"
	"time"
)

type rawIn struct {
	IDs    string
	First  uint64 // number of the first posting
	Length time.Duration
	Orders bool // paid orders instead
}

type rawOut struct {
	Done int64
	US   int64
}

// rawGroup is how many postings or orders one hand-made transaction holds, as many as one of ours at most.
const rawGroup = 256

// raw writes postings, or orders, by hand as fast as it can, one group after the other.
func (h *host) raw(ctx context.Context, in rawIn) (out rawOut, err error) {
	ids, err := readIDs(in.IDs)
	if err != nil {
		return out, err
	}
	by, err := h.hand(ctx)
	if err != nil {
		return out, err
	}
	group, write := make([]line, rawGroup), by.post
	if in.Orders {
		write = by.sell
	}
	began := time.Now()
	for time.Since(began) < in.Length {
		for i := range group {
			n := in.First + uint64(out.Done) + uint64(i)
			group[i] = line{string(serial(nil, "raw", n)), ids[mix(n)%uint64(len(ids))], 5}
		}
		if err := by.inOne(ctx, group, write); err != nil {
			return out, err
		}
		out.Done += rawGroup
	}
	out.US = time.Since(began).Microseconds()
	return out, nil
}

// hand opens the connection for rows written by hand, once.
func (h *host) hand(ctx context.Context) (*hand, error) {
	h.once.Do(func() { h.by, h.byClose, h.byErr = newHand(context.WithoutCancel(ctx), h.cfg.Dir) })
	return h.by, h.byErr
}

// ceilings are the handlers the product is compared with: one that does nothing, and one that writes a posting as most
// programs would, in a transaction of its own.
func (h *host) ceilings() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /empty", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, http.StatusOK)
	})
	mux.HandleFunc("POST /posting", func(w http.ResponseWriter, r *http.Request) {
		if err := h.plain(r); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		answer(w, http.StatusCreated)
	})
	return mux
}

func answer(w http.ResponseWriter, status int) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(len(reply)))
	w.WriteHeader(status)
	_, _ = w.Write([]byte(reply))
}

func (h *host) plain(r *http.Request) error {
	var in struct {
		Key    string `json:"key"`
		Member string `json:"member_id"`
		Points int64  `json:"points"`
	}
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
		return err
	}
	m, err := strconv.ParseInt(in.Member, 10, 64)
	if err != nil {
		return err
	}
	by, err := h.hand(r.Context())
	if err != nil {
		return err
	}
	return by.inOne(context.WithoutCancel(r.Context()), []line{{in.Key, m, in.Points}}, by.post)
}
