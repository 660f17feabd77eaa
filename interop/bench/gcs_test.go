package bench_test

import (
	"context"
	"errors"
	"io"
	"os"
	"sync"
	"testing"

	"cloud.google.com/go/storage"
	litestreamgs "github.com/benbjohnson/litestream/gs"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"
	"google.golang.org/api/iterator"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/backend"
	"github.com/ltxstore/ltxstore/gcs"
)

// emulatorVariable is where Litestream's client and the SDK's find a server
// that is not Google's.
const emulatorVariable = "STORAGE_EMULATOR_HOST"

// newGCS returns a maker of replicas on one server.
func newGCS(tb testing.TB) func(testing.TB, string) *store {
	child := sync.OnceValue(func() *wire { return startChild(tb, "gcsfake") })
	return func(tb testing.TB, path string) *store {
		wire := child()
		old, had := os.LookupEnv(emulatorVariable)
		require.NoError(tb, os.Setenv(emulatorVariable, wire.url))
		defer func() {
			if os.Unsetenv(emulatorVariable); had {
				os.Setenv(emulatorVariable, old)
			}
		}()
		keys, err := backend.NewKeys(ltxstore.LayoutLitestream, path)
		require.NoError(tb, err)
		ours := gcs.NewReplicaClient(gcs.Config{
			Bucket: gcsBucket, Path: path, Layout: ltxstore.LayoutLitestream, Endpoint: wire.url,
			Logger: silent(),
		})
		stock := litestreamgs.NewReplicaClient()
		stock.Bucket, stock.Path = gcsBucket, path
		stock.SetLogger(silent())
		require.NoError(tb, stock.Init(tb.Context()))
		sdk, err := storage.NewClient(tb.Context())
		require.NoError(tb, err)
		calls := gcsCalls{closing(tb, sdk).Bucket(gcsBucket)}
		return &store{name: "gcsfake", wire: wire, keys: keys, ours: closing(tb, ours), stock: stock, bare: calls, fill: calls}
	}
}

type gcsCalls struct{ bucket *storage.BucketHandle }

func (c gcsCalls) put(ctx context.Context, key string, body io.Reader, size int64) error {
	w := c.bucket.Object(key).NewWriter(ctx)
	w.Metadata = plainMetadata
	if size >= 0 && size <= 1<<20 {
		w.ChunkSize = 0 // one request, without a buffer of 16 MiB
	}
	_, err := io.Copy(w, body)
	return errors.Join(err, w.Close())
}

func (c gcsCalls) each(ctx context.Context, prefix, seek string, do func(*storage.ObjectAttrs)) error {
	for it := c.bucket.Objects(ctx, &storage.Query{Prefix: prefix, StartOffset: seek}); ; {
		switch attrs, err := it.Next(); {
		case errors.Is(err, iterator.Done):
			return nil
		case err != nil:
			return err
		default:
			do(attrs)
		}
	}
}

func (c gcsCalls) list(ctx context.Context, prefix, seek string) (n int, err error) {
	err = c.each(ctx, prefix, seek, func(*storage.ObjectAttrs) { n++ })
	return n, err
}

func (c gcsCalls) head(ctx context.Context, key string) error {
	_, err := c.bucket.Object(key).Attrs(ctx)
	return err
}

// deleteAll deletes 64 at once: the service has no request for several.
func (c gcsCalls) deleteAll(ctx context.Context, prefix string) error {
	group, inner := errgroup.WithContext(ctx)
	group.SetLimit(64)
	err := c.each(ctx, prefix, "", func(attrs *storage.ObjectAttrs) {
		group.Go(func() error { return c.bucket.Object(attrs.Name).Delete(inner) })
	})
	return errors.Join(err, group.Wait())
}
