package retry_test

import (
	"context"
	"io"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/internal/testkit/wraptest"
	"github.com/ltxstore/ltxstore/testing/replicatest"
	"github.com/ltxstore/ltxstore/wrap/retry"
)

// fast waits no time worth speaking of.
var fast = ltxstore.Retry{MaxAttempts: 4, BaseDelay: time.Microsecond, MaxDelay: time.Microsecond}

// TestConformance gives memory what only a client can resume that retries:
// transfers that break.
func TestConformance(t *testing.T) {
	memory := wraptest.Mock()
	memory.Lacks = slices.DeleteFunc(slices.Clone(memory.Lacks), func(c replicatest.Capability) bool { return c == replicatest.BrokenTransfers })
	memory.New = func() (replicatest.Store, error) {
		store, err := wraptest.Mock().New()
		wire := &wire{ReplicaClient: store.Client}
		wire.cut.Store(-1)
		store.Client, store.Faults.Cut = wire, wire.cut.Store
		return store, err
	}
	wraptest.Run(t, wraptest.Suite{On: []wraptest.Ground{memory, wraptest.File()}, Wrap: wrapped})
}

// TestConformanceS3 takes from S3 the retries of its own. A page of a listing that
// always fails is none to this wrapper, which begins a listing anew at its last
// file: FailingLists is lacking.
func TestConformanceS3(t *testing.T) {
	wraptest.Run(t, wraptest.Suite{
		On:    []wraptest.Ground{wraptest.S3Once()},
		Wrap:  wrapped,
		Only:  []string{"write/s", "write/reader-fails-in-the-middle", "once/", "open/", "list/", "delete/", "all/"},
		Lacks: []replicatest.Capability{replicatest.FailingLists},
		Adapt: func(store *replicatest.Store) { store.Faults.Lists = nil },
	})
}

func wrapped(next ltxstore.ReplicaClient) ltxstore.ReplicaClient {
	return retry.New(next, retry.Config{Retry: fast, BufferSize: 64 << 10})
}

// wire breaks every transfer after cut bytes, if that is not negative.
type wire struct {
	ltxstore.ReplicaClient
	cut atomic.Int64
}

func (w *wire) Unwrap() ltxstore.ReplicaClient { return w.ReplicaClient }

func (w *wire) OpenLTXFile(ctx context.Context, level int, minTXID, maxTXID ltx.TXID, offset, size int64) (io.ReadCloser, error) {
	rc, err := w.ReplicaClient.OpenLTXFile(ctx, level, minTXID, maxTXID, offset, size)
	if cut := w.cut.Load(); err == nil && cut >= 0 {
		rc = &broken{rc, cut}
	}
	return rc, err
}

type broken struct {
	io.ReadCloser
	left int64
}

func (b *broken) Read(p []byte) (int, error) {
	if b.left == 0 {
		return 0, io.ErrUnexpectedEOF
	}
	n, err := b.ReadCloser.Read(p[:min(int64(len(p)), b.left)])
	b.left -= int64(n)
	return n, err
}
