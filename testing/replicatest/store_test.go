package replicatest_test

import (
	"bytes"
	"context"
	"io"
	"io/fs"
	"sync/atomic"
	"time"

	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/backend"
	"github.com/ltxstore/ltxstore/internal/testkit/mockstore"
	"github.com/ltxstore/ltxstore/mock"
	"github.com/ltxstore/ltxstore/testing/replicatest"
)

const (
	testPath     = "backups/db"
	testPageSize = 7
	testSecret   = "correct-horse-battery-staple"
)

// world is one store in memory, which does whatever a case may need, and the
// clients of it.
type world struct {
	bucket   *mock.Store
	requests atomic.Int64

	// Where transfers break or stop; negative: nowhere.
	cut, stall atomic.Int64

	// closed ends what waits, and what mutants leave running.
	closed chan struct{}

	// damage makes the client under test of a correct one.
	damage func(*client) ltxstore.ReplicaClient
}

// client is a correct client: package mock's, and below its readers a transfer
// that breaks and is resumed, which memory does not have.
type client struct {
	*mock.ReplicaClient
	world *world
	cfg   mock.Config
	keys  backend.Keys

	// What may be wrong with its resuming: each is for a mutant.
	transfers    int  // how many a reader may have in all; 0: any number
	shortSuccess bool // a broken transfer ends the body
	fromStart    bool // it is resumed from the start of the range
	deaf         bool // a transfer that stalls does not hear of the context
}

// newConfig returns a Config with every capability but BoundedMemory, over
// clients that damage has changed, small enough for a run in an instant.
func newConfig(damage func(*client) ltxstore.ReplicaClient) replicatest.Config {
	return replicatest.Config{
		New:       func(context.Context) (replicatest.Store, error) { return newStore(damage) },
		Lacks:     []replicatest.Capability{replicatest.BoundedMemory},
		PageSize:  testPageSize,
		BodySize:  64 << 10,
		LargeSize: 1 << 20,
		Timeout:   time.Minute,
		Prompt:    2 * time.Second,
		Secrets:   []string{testSecret},
	}
}

func correct(c *client) ltxstore.ReplicaClient { return c }

func newStore(damage func(*client) ltxstore.ReplicaClient) (replicatest.Store, error) {
	w := &world{bucket: mock.NewStore(), damage: damage, closed: make(chan struct{})}
	w.cut.Store(-1)
	w.stall.Store(-1)
	base := mock.Config{Store: w.bucket, Path: testPath, PageSize: testPageSize, Clock: w.clock}
	open := func(change func(*mock.Config)) func() (ltxstore.ReplicaClient, error) {
		return func() (ltxstore.ReplicaClient, error) {
			cfg := base
			change(&cfg)
			c, err := w.client(cfg)
			if err != nil {
				return nil, err
			}
			return damage(c), nil
		}
	}
	first, err := w.client(base)
	if err != nil {
		return replicatest.Store{}, err
	}
	return replicatest.Store{
		Client:  damage(first),
		Another: open(func(*mock.Config) {}),
		Once:    open(func(cfg *mock.Config) { cfg.WriteOnce = true }),
		Sibling: func(suffix string) (ltxstore.ReplicaClient, error) {
			return open(func(cfg *mock.Config) { cfg.Path += suffix })()
		},
		Parent: open(func(cfg *mock.Config) { cfg.Path = "backups" }),
		Missing: func() (ltxstore.ReplicaClient, error) {
			c, err := w.client(base)
			if err != nil {
				return nil, err
			}
			return damage(c), c.Inject(mock.Fault{Op: mock.OpInit, Times: -1, Err: ltxstore.ErrStoreNotFound})
		},
		Requests: w.requests.Load,
		Raw:      mockstore.Raw(base),
		Faults:   w.faults(first),
		Close: func() error {
			close(w.closed)
			return nil
		},
	}, nil
}

// clock counts: mock asks for the time once for each page of a listing, and
// each change.
func (w *world) clock() time.Time {
	w.requests.Add(1)
	return time.Now()
}

func (w *world) client(cfg mock.Config) (*client, error) {
	keys, err := backend.NewKeys(cfg.Layout, cfg.Path)
	if err != nil {
		return nil, err
	}
	c := &client{ReplicaClient: mock.NewReplicaClient(cfg), world: w, cfg: cfg, keys: keys}
	c.SetLogger(nil)
	return c, nil
}

// faults are mock's, and what breaks its transfers.
func (w *world) faults(c *client) *replicatest.Faults {
	faults := mockstore.Faults(c.ReplicaClient, testPageSize)
	faults.Cut, faults.Stall = w.cut.Store, w.stall.Store
	return faults
}

// OpenLTXFile hides mock's, so that transfers can break.
func (c *client) OpenLTXFile(ctx context.Context, level int, minTXID, maxTXID ltx.TXID, offset, size int64) (io.ReadCloser, error) {
	rc, err := c.ReplicaClient.OpenLTXFile(ctx, level, minTXID, maxTXID, offset, size)
	if err != nil || c.world.cut.Load() < 0 && c.world.stall.Load() < 0 {
		return rc, err
	}
	defer rc.Close()
	part, err := io.ReadAll(rc) // the version that it is pinned to
	if err != nil {
		return nil, err
	}
	return &resuming{c: c, ctx: ctx, body: part}, nil
}

// transfer is a body on its way, which breaks or stalls as told.
func (c *client) transfer(ctx context.Context, body []byte) io.Reader {
	w, whole := c.world, bytes.NewReader(body)
	if c.deaf {
		ctx = context.Background()
	}
	if n := w.cut.Load(); n >= 0 && n < int64(len(body)) {
		return io.MultiReader(io.LimitReader(whole, n), failing{io.ErrUnexpectedEOF})
	}
	if n := w.stall.Load(); n >= 0 {
		return io.MultiReader(io.LimitReader(whole, n), stalled{ctx, w.closed})
	}
	return whole
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

type stalled struct {
	ctx    context.Context
	closed <-chan struct{}
}

func (s stalled) Read([]byte) (int, error) {
	select {
	case <-s.ctx.Done():
		return 0, s.ctx.Err()
	case <-s.closed:
		return 0, fs.ErrClosed
	}
}

// resuming reads a body over as many transfers as it takes, up to three
// without progress.
type resuming struct {
	c      *client
	ctx    context.Context
	body   []byte
	at     int
	src    io.Reader
	opened int
	idle   int
	closed atomic.Bool // also by who waits no longer for a Read
}

func (r *resuming) Read(p []byte) (int, error) {
	for {
		switch {
		case r.closed.Load():
			return 0, fs.ErrClosed
		case r.ctx.Err() != nil:
			return 0, r.ctx.Err()
		case r.at >= len(r.body):
			return 0, io.EOF
		case r.idle > 3, r.opened > 0 && r.opened == r.c.transfers && r.src == nil:
			return 0, &ltxstore.Error{Op: "read", Backend: r.c.Type(), Err: io.ErrUnexpectedEOF}
		case r.src == nil:
			at := r.at
			if r.c.fromStart {
				at = 0
			}
			r.src = r.c.transfer(r.ctx, r.body[at:])
			r.opened++
			r.idle++
		}
		n, err := r.src.Read(p)
		if r.at += n; n > 0 {
			r.idle = 0
		}
		switch {
		case err == io.ErrUnexpectedEOF && r.c.shortSuccess:
			return n, io.EOF
		case err == io.ErrUnexpectedEOF:
			r.src = nil
		case err != nil:
			return n, err
		}
		if n > 0 || len(p) == 0 {
			return n, nil
		}
	}
}

func (r *resuming) Close() error {
	r.closed.Store(true)
	return nil
}
