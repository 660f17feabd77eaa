package mock

import (
	"context"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/ltxstore/ltxstore/backend/oplog"
	"github.com/ltxstore/ltxstore/internal/flow"
)

// memory is the client below its function fields and its call log. Each of its
// methods is in the file of its verb.
type memory struct {
	cfg    Config
	log    oplog.Logger
	script script
	own    Store // in use if cfg.Store is nil
	ready  atomic.Pointer[place]
}

// Type implements ltxstore.ReplicaClient.
func (m *memory) Type() string { return typeName }

// Init implements ltxstore.Initializer. Two first calls at once may both do
// the work: a lock would be held while a fault's delay runs.
func (m *memory) Init(ctx context.Context) error {
	_, err := m.init(ctx, "init")
	return err
}

// SetLogger implements ltxstore.LoggerSetter.
func (m *memory) SetLogger(logger *slog.Logger) { m.log.Set(logger) }

// Close implements io.Closer.
func (m *memory) Close() error {
	for _, f := range m.script.match(OpClose, noLevel, 0, 0) {
		if err := m.meet(context.Background(), f); err != nil {
			return wrap("close", "", err)
		}
	}
	return nil
}

// init does Init's work once. op is the method that needs it.
func (m *memory) init(ctx context.Context, op string) (*place, error) {
	if err := flow.Err(ctx); err != nil {
		return nil, wrap(op, "", err)
	}
	if p := m.ready.Load(); p != nil {
		return p, nil
	}
	for _, f := range m.script.match(OpInit, noLevel, 0, 0) {
		if err := m.meet(ctx, f); err != nil {
			return nil, wrap("init", "", err)
		}
	}
	p, err := m.cfg.check()
	if err != nil {
		return nil, err
	}
	m.ready.Store(p)
	return p, nil
}

// meet lets a fault have its delay and returns its error.
func (m *memory) meet(ctx context.Context, f *scripted) error {
	m.script.use(f)
	if f.Delay > 0 {
		wait := m.cfg.Sleep
		if wait == nil {
			wait = sleep
		}
		err := wait(ctx, f.Delay)
		if ended := flow.Err(ctx); ended != nil {
			return ended
		}
		if err != nil {
			return err
		}
	}
	return f.Err
}

func (m *memory) bucket() *Store {
	if m.cfg.Store != nil {
		return m.cfg.Store
	}
	return &m.own
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
