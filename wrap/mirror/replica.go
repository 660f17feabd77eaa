package mirror

import (
	"context"
	"errors"
	"io/fs"
	"sync"
	"time"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/wrap/internal/layer"
)

// replica is one of the clients, and its health.
type replica struct {
	n       int
	client  ltxstore.ReplicaClient
	backoff time.Duration

	mu     sync.Mutex
	failed time.Time // the last time; zero after a success
}

// healthy reports whether the replica has not failed lately.
func (r *replica) healthy() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return time.Since(r.failed) >= r.backoff
}

// note records the result of a call. Errors about a file, and a canceled context, are not
// failures of the store.
func (r *replica) note(ctx context.Context, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	ofBody := new(bodyError)
	switch {
	case err == nil:
		r.failed = time.Time{}
	case errors.As(err, &ofBody), ctx.Err() != nil, layer.IsMissing(err), errors.Is(err, fs.ErrExist), errors.Is(err, fs.ErrInvalid), errors.Is(err, ltxstore.ErrChecksum):
	default:
		r.failed = time.Now()
	}
}

// order returns the replicas, those that have failed lately last, and how many have not.
func (s *state) order() (all []*replica, healthy int) {
	var last []*replica
	for _, r := range s.replicas {
		if r.healthy() {
			all = append(all, r)
		} else {
			last = append(last, r)
		}
	}
	return append(all, last...), len(all)
}

// listed returns the replicas to list: the healthy ones, or all if those are too few.
func (s *state) listed() []*replica {
	if all, healthy := s.order(); healthy >= s.reads {
		return all[:healthy]
	}
	return s.replicas
}
