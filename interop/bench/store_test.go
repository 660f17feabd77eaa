package bench_test

import (
	"context"
	"io"
	"log/slog"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/superfly/ltx"
	"golang.org/x/sync/errgroup"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/backend"
)

// store is a replica as three see it who work on the same files: our client,
// Litestream's and the plain calls.
type store struct {
	name        string // of the server, or "disk"
	wire        *wire  // nil for a disk
	keys        backend.Keys
	ours, stock ltxstore.ReplicaClient
	bare        bare // nil where nobody has written them out
	fill        bare // the same calls past the wire, or a client's

	// minio uploads by minio-go; nil where the store is not S3.
	minio func(ctx context.Context, key string, body io.Reader, size int64) error
}

// bare is the work in plain calls of the SDK, or in system calls, with nothing
// around them: as few, and as many at once, as the work allows.
type bare interface {
	put(ctx context.Context, key string, body io.Reader, size int64) error // size -1: not known
	list(ctx context.Context, prefix, seek string) (n int, err error)
	head(ctx context.Context, key string) error
	deleteAll(ctx context.Context, prefix string) error
}

// many does something for the files 1 to n, 64 at once.
func many(ctx context.Context, n int, do func(ctx context.Context, txid ltx.TXID) error) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(64)
	for i := range n {
		group.Go(func() error { return do(ctx, ltx.TXID(i+1)) })
	}
	return group.Wait()
}

func silent() *slog.Logger { return slog.New(slog.DiscardHandler) }

// closing closes a client of ours with the test.
func closing[C io.Closer](tb testing.TB, c C) C {
	tb.Cleanup(func() { require.NoError(tb, c.Close()) })
	return c
}
