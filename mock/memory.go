package mock

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/ltxstore/ltxstore/backend"
	"github.com/ltxstore/ltxstore/backend/oplog"
	"github.com/ltxstore/ltxstore/internal/flow"
)

// memory is the client without its function fields and its call log. Its methods
// are in files of the same names.
type memory struct {
	script
	cfg   Config
	log   oplog.Logger
	own   Store // in use if cfg.Store is nil
	ready atomic.Pointer[backend.Keys]
}

// Type implements ltxstore.ReplicaClient.
func (m *memory) Type() string { return typeName }

// Store returns the store with the client's files: Config.Store, or else the
// client's own.
func (m *memory) Store() *Store { return cmp.Or(m.cfg.Store, &m.own) }

// SetLogger replaces the logger; nil discards the log. It may be called at any
// time.
func (m *memory) SetLogger(logger *slog.Logger) { m.log.Set(logger) }

// Init implements ltxstore.Initializer.
func (m *memory) Init(ctx context.Context) error {
	_, err := m.init(ctx, "init")
	return err
}

// init does the work of Init once, for the method op. Concurrent first calls may
// each do it: a lock would be held during the delay of a fault.
func (m *memory) init(ctx context.Context, op string) (*backend.Keys, error) {
	if err := flow.Err(ctx); err != nil {
		return nil, wrap(op, "", err)
	}
	if keys := m.ready.Load(); keys != nil {
		return keys, nil
	}
	if err := m.meetAll(ctx, m.match(OpInit, noLevel, 0, 0)); err != nil {
		return nil, wrap("init", "", err)
	}
	keys, err := m.cfg.validate()
	if err != nil {
		return nil, err
	}
	m.ready.Store(&keys)
	return &keys, nil
}

// Close implements io.Closer.
func (m *memory) Close() error {
	return wrap("close", "", m.meetAll(context.Background(), m.match(OpClose, noLevel, 0, 0)))
}

// meetAll applies faults until the first error.
func (m *memory) meetAll(ctx context.Context, faults []*scripted) error {
	for _, f := range faults {
		if err := m.meet(ctx, f); err != nil {
			return err
		}
	}
	return nil
}

// meet applies a fault: it waits for the delay and returns the error.
func (m *memory) meet(ctx context.Context, f *scripted) error {
	m.use(f)
	if f.Delay > 0 {
		wait := m.cfg.Sleep
		if wait == nil {
			wait = sleep
		}
		err := wait(ctx, f.Delay)
		if err := cmp.Or(flow.Err(ctx), err); err != nil {
			return err
		}
	}
	if f.Err == io.EOF {
		return fmt.Errorf("%w", f.Err) // unwrapped, io.EOF would be the end of a body
	}
	return f.Err
}

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// now returns the store's time. The monotonic reading is dropped, so that
// equal times are == to each other.
func (m *memory) now() time.Time {
	clock := m.cfg.Clock
	if clock == nil {
		clock = time.Now
	}
	return clock().UTC().Round(0)
}
