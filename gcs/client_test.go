package gcs

import (
	"bytes"
	"context"
	"io"
	"io/fs"
	"net/http"
	"testing"
	"testing/iotest"

	"cloud.google.com/go/storage"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/api/option"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/internal/flow"
	"github.com/ltxstore/ltxstore/internal/testkit/gcsfake"
	"github.com/ltxstore/ltxstore/internal/testkit/httpfault"
)

// over returns a client of the library as its users make it: it reads over the
// XML API, unless an option says otherwise.
func (b *bench) over(t *testing.T, options ...option.ClientOption) *bench {
	t.Helper()
	t.Setenv("STORAGE_EMULATOR_HOST", b.url) // the only way to move the XML API too
	c, err := storage.NewClient(t.Context(), append([]option.ClientOption{option.WithoutAuthentication()}, options...)...)
	require.NoError(t, err)
	t.Cleanup(func() { c.Close() })
	other := *b
	other.ReplicaClient = b.client(t, func(cfg *Config) { cfg.Endpoint, cfg.Client = "", c })
	return &other
}

// clients are the forms of a client that a caller may give.
var clients = map[string][]option.ClientOption{"XML": nil, "JSON": {storage.WithJSONReads()}}

// The library's own client works, and what it says of a missing file and a
// missing bucket has its kind, although over XML it says the same of both, and
// of a proxy's page.
func TestGivenClient(t *testing.T) {
	for name, options := range clients {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, gcsfake.Options{}, nil).over(t, options...)
			works(t, b.ReplicaClient)
			_, err := b.read(t, 0, 0)
			require.ErrorIs(t, err, fs.ErrNotExist)
			_, err = b.read(t, 100, 50)
			require.ErrorIs(t, err, fs.ErrNotExist)

			b.server.Put("bucket", testKey, ltxBody(t, 10_000))
			got, err := b.read(t, 20_000, 0)
			require.NoError(t, err)
			assert.Empty(t, got, "past the end")
			b.server.Put("bucket", testKey, nil)
			_, err = b.read(t, 0, 0)
			require.ErrorIs(t, err, fs.ErrNotExist, "a torn upload")

			missing := *b
			missing.ReplicaClient = b.client(t, func(cfg *Config) { *cfg = b.ReplicaClient.given(); cfg.Bucket = "no-such-bucket" })
			_, err = missing.read(t, 0, 0)
			require.ErrorIs(t, err, ltxstore.ErrStoreNotFound)
			_, err = missing.list(t, 0, false)
			require.ErrorIs(t, err, ltxstore.ErrStoreNotFound)
			_, err = missing.write(t, bytes.NewReader(ltxBody(t, 300)))
			require.ErrorIs(t, err, ltxstore.ErrStoreNotFound)
			require.ErrorIs(t, missing.DeleteLTXFiles(t.Context(), infos(1)), ltxstore.ErrStoreNotFound)
		})
	}
}

// A key that is empty and not nil is no key.
func TestEmptyCustomerKey(t *testing.T) {
	b := newBench(t, gcsfake.Options{}, func(cfg *Config) { cfg.SSECustomerKey = []byte{} })
	works(t, b.ReplicaClient)
}

// A proxy's 404 is an outage for a given client too, and a listing does not
// leave the file out.
func TestGivenClientForeign404(t *testing.T) {
	for name, options := range clients {
		for page, effect := range notMissing {
			t.Run(name+"/"+page, func(t *testing.T) {
				b := newBench(t, gcsfake.Options{}, nil).over(t, options...)
				b.server.Put("bucket", testKey, ltxBody(t, 1000))
				for _, operation := range []string{"ReadObject", "ListObjects", "GetObject", "DeleteObject"} {
					b.fail(operation, -1, effect)
				}
				for _, err := range []error{
					second(b.read(t, 0, 0)), second(b.list(t, 0, false)), b.DeleteLTXFiles(t.Context(), infos(1)), b.DeleteAll(t.Context()),
				} {
					require.ErrorIs(t, err, ltxstore.ErrUnavailable)
				}
			})
			t.Run(name+"/"+page+" for the content", func(t *testing.T) {
				b := newBench(t, gcsfake.Options{}, nil).over(t, options...)
				b.server.Put("bucket", testKey, ltxBody(t, 1000))
				b.fail("ReadObject", -1, effect)
				_, err := b.read(t, 0, 0)
				require.ErrorIs(t, err, ltxstore.ErrUnavailable)
				_, err = b.list(t, 0, true)
				require.ErrorIs(t, err, ltxstore.ErrUnavailable)
			})
		}
	}
}

func second[T any](_ T, err error) error { return err }

// A file that is deleted while it is read, over whichever API, is missing; one
// that is replaced is not continued with the other's bytes.
func TestGivenClientDeletedMeanwhile(t *testing.T) {
	for name, options := range clients {
		for _, deleted := range []bool{true, false} {
			b := newBench(t, gcsfake.Options{}, nil).over(t, options...)
			b.server.Put("bucket", testKey, ltxBody(t, 10_000))
			b.fail("ReadObject", 1, httpfault.Truncate(3000))
			r, err := b.OpenLTXFile(t.Context(), 0, 1, 1, 0, 0)
			require.NoError(t, err)
			_, err = io.ReadFull(r, make([]byte, 3000))
			require.NoError(t, err)
			if deleted {
				require.NoError(t, b.DeleteAll(t.Context()))
			} else {
				b.server.Put("bucket", testKey, plainBody(10_000))
			}
			more, err := io.ReadAll(r)
			require.Error(t, err, name)
			assert.Empty(t, more)
			if deleted {
				assert.ErrorIs(t, err, fs.ErrNotExist, name)
			}
			r.Close()
		}
	}
}

// What has no generation could be resumed at any: a given client would do so.
func TestGivenClientWithoutGeneration(t *testing.T) {
	b := newBench(t, gcsfake.Options{}, nil)
	b.server.Put("bucket", testKey, ltxBody(t, 10_000))
	b.fail("ReadObject", -1, func(_ httpfault.Exchange, w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(ltxBody(t, 10_000)) })
	_, err := b.over(t).read(t, 0, 0)
	require.ErrorIs(t, err, ltxstore.ErrUnavailable)
}

func TestGivenClientListingRepeats(t *testing.T) {
	b := newBench(t, gcsfake.Options{}, nil)
	b.fail("ListObjects", -1, repeats(func(n int) string { return string(rune('A' + n%2)) }, keyOf))
	_, err := b.over(t).list(t, 0, false)
	require.ErrorIs(t, err, flow.ErrRepeats)
}

// A closed client is not told as the end of the caller's context.
func TestClosedClient(t *testing.T) {
	c, err := storage.NewGRPCClient(t.Context(), option.WithoutAuthentication(), option.WithEndpoint("127.0.0.1:1"), storage.WithDisabledClientMetrics(),
		option.WithGRPCDialOption(grpc.WithTransportCredentials(insecure.NewCredentials())))
	require.NoError(t, err)
	require.NoError(t, c.Close())
	b := newBench(t, gcsfake.Options{}, nil)
	b.ReplicaClient = b.client(t, func(cfg *Config) { cfg.Endpoint, cfg.Client = "", c })
	for _, body := range []io.Reader{bytes.NewReader(ltxBody(t, 300)), io.MultiReader(bytes.NewReader(ltxBody(t, 3*testChunk)))} {
		_, err = b.write(t, body)
		require.ErrorContains(t, err, "is Config.Client closed?")
		require.NotErrorIs(t, err, context.Canceled)
	}
	_, err = b.write(t, io.MultiReader(bytes.NewReader(ltxBody(t, 300)), iotest.ErrReader(context.Canceled)))
	require.ErrorIs(t, err, context.Canceled, "the body's own error")
	_, err = b.read(t, 0, 0)
	require.ErrorContains(t, err, "the client connection is closing")
}
