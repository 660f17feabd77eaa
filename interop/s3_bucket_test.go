package interop_test

import (
	"context"
	"errors"
	"io"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/superfly/ltx"
	"golang.org/x/sync/errgroup"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/interop/servers"
	"github.com/ltxstore/ltxstore/s3"
)

// realServers are those of the tests that one server after another passes.
var realServers = []struct {
	name  string
	start func(testing.TB, bool) *servers.Server
	tls   bool
}{
	{"versitygw", servers.Versitygw, false},
	{"minio TLS", servers.MinIO, true},
}

// eachServer runs test with a bucket of its own on every server.
func eachServer(t *testing.T, test func(t *testing.T, s *space)) {
	for _, real := range realServers {
		t.Run(real.name, func(t *testing.T) {
			server := real.start(t, real.tls)
			test(t, &space{server: server, bucket: server.NewBucket(t), layout: ltxstore.LayoutLitestreamS3})
		})
	}
}

func (s *space) client(t *testing.T, path string) *s3.ReplicaClient {
	t.Helper()
	c := s3.NewReplicaClient(s.config(path))
	t.Cleanup(func() { require.NoError(t, c.Close()) })
	return c
}

func txid(i int) ltx.TXID { return ltx.TXID(i) }

// writeMany writes the files 1 to n of level 0, several at once.
func writeMany(t *testing.T, client ltxstore.ReplicaClient, n int) {
	t.Helper()
	group, ctx := errgroup.WithContext(t.Context())
	group.SetLimit(32)
	for i := 1; i <= n; i++ {
		group.Go(func() error {
			_, err := client.WriteLTXFile(ctx, 0, txid(i), txid(i), small(i))
			return err
		})
	}
	require.NoError(t, group.Wait())
}

// listed returns the first transactions of what is listed from seek on.
func listed(t *testing.T, client ltxstore.ReplicaClient, seek ltx.TXID) []ltx.TXID {
	t.Helper()
	files, err := client.LTXFiles(t.Context(), 0, seek, false)
	require.NoError(t, err)
	var found []ltx.TXID
	for files.Next() {
		found = append(found, files.Item().MinTXID)
	}
	require.NoError(t, files.Close())
	return found
}

func from(first, last int) []ltx.TXID {
	var want []ltx.TXID
	for i := first; i <= last; i++ {
		want = append(want, txid(i))
	}
	return want
}

// TestS3Siblings: names that sort around the slash of another replica's path
// make MinIO's StartAfter lose files. Ours loses none on any server.
func TestS3Siblings(t *testing.T) {
	const files = 40
	eachServer(t, func(t *testing.T, s *space) {
		for _, layout := range []ltxstore.Layout{ltxstore.LayoutLitestreamS3, ltxstore.LayoutDefault} {
			s.layout = layout
			root := layout.String() + "/"
			siblings := []string{root + "db", root + "db-0001", root + "db2", root + "db/0000-1"}
			for _, path := range siblings {
				writeMany(t, s.client(t, path), files)
			}
			for _, path := range siblings {
				client := s.client(t, path)
				for seek := 0; seek <= files+1; seek++ {
					require.Equal(t, from(max(seek, 1), files), listed(t, client, txid(seek)), "%s from %d", path, seek)
				}
			}
		}
	})
}

// TestS3Many: several pages of files, and of deletions, and what they cost.
func TestS3Many(t *testing.T) {
	const files = 2500
	type sent = map[string]int
	eachServer(t, func(t *testing.T, s *space) {
		cfg := s.config("many/db")
		wire := &wire{next: s.server.Transport(), bucket: s.bucket.Name}
		cfg.RoundTripper, cfg.CABundle = wire, ""
		client := s3.NewReplicaClient(cfg)
		t.Cleanup(func() { require.NoError(t, client.Close()) })

		writeMany(t, client, files)
		require.Equal(t, sent{"PUT": files}, wire.sent())
		require.Equal(t, from(1, files), listed(t, client, 0))
		require.Equal(t, sent{"LIST": 3}, wire.sent())
		for seek, lists := range map[int]int{1: 3, 2: 3, 501: 2, 1000: 2, 1500: 2, 1501: 1, 2490: 1, files: 1} {
			require.Equal(t, from(seek, files), listed(t, client, txid(seek)), "from %d", seek)
			require.Equal(t, sent{"LIST": lists}, wire.sent(), "from %d", seek)
		}
		require.Empty(t, listed(t, client, files+1))

		var old []*ltx.FileInfo
		for i := 1; i <= files-100; i++ {
			old = append(old, &ltx.FileInfo{MinTXID: txid(i), MaxTXID: txid(i)})
		}
		wire.sent()
		require.NoError(t, client.DeleteLTXFiles(t.Context(), old))
		require.Equal(t, sent{"DELETE MANY": 3}, wire.sent())
		require.Equal(t, from(files-99, files), listed(t, client, 0))
		require.NoError(t, client.DeleteAll(t.Context()))
		keys, err := s.bucket.Keys(t.Context(), "")
		require.NoError(t, err)
		require.Empty(t, keys)
	})
}

// stopping is a body that calls stop after so many bytes, and then fails with
// its error; a nil error lets it go on to the end.
type stopping struct {
	left int
	stop func() error
	rest int
}

func (s *stopping) Read(p []byte) (int, error) {
	if s.left == 0 && s.stop != nil {
		stop := s.stop
		s.stop = nil
		if err := stop(); err != nil {
			return 0, err
		}
		s.left = s.rest
	}
	if s.left == 0 {
		return 0, io.EOF
	}
	n := min(len(p), s.left, 64<<10)
	clear(p[:n])
	s.left -= n
	return n, nil
}

// TestS3NoUploadStays: a write that fails or is cancelled after parts of it
// are on the server leaves no file and no unfinished upload.
func TestS3NoUploadStays(t *testing.T) {
	eachServer(t, func(t *testing.T, s *space) {
		client := s.client(t, "uploads/db")
		keys, err := ltxstore.NewKeys(s.layout, "uploads/db")
		require.NoError(t, err)
		key := keys.File(0, 5, 5)
		uploads := func() []string {
			found, err := s.bucket.Uploads(context.WithoutCancel(t.Context()), key)
			require.NoError(t, err)
			return found
		}
		errBroken := errors.New("the source is broken")
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		for _, tc := range []struct {
			name string
			ctx  context.Context
			stop error
			want error
			do   func()
		}{
			{"failed", t.Context(), errBroken, errBroken, func() {}},
			{"cancelled", ctx, nil, context.Canceled, cancel},
		} {
			underWay := 0
			body := &stopping{left: 2*partSize + partSize/2, rest: 4 * partSize, stop: func() error {
				eventually(t, "an upload is under way", func() bool { underWay = len(uploads()); return underWay > 0 })
				tc.do()
				return tc.stop
			}}
			_, err := client.WriteLTXFile(tc.ctx, 0, 5, 5, body)
			require.ErrorIs(t, err, tc.want, tc.name)
			assert.Equal(t, 1, underWay, tc.name)
			assert.Empty(t, uploads(), tc.name)
			found, err := s.bucket.Keys(t.Context(), "")
			require.NoError(t, err)
			assert.Empty(t, found, tc.name)
		}
	})
}
