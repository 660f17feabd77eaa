package interop_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/superfly/ltx"
	"golang.org/x/sync/errgroup"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/backend"
	"github.com/ltxstore/ltxstore/interop/servers"
	"github.com/ltxstore/ltxstore/s3"
)

// realServer is a way to start one.
type realServer struct {
	name  string
	start func(tb testing.TB, tls bool) *servers.Server
	tls   bool
}

var realServers = []realServer{
	{"versitygw", servers.Versitygw, false},
	{"versitygw TLS", servers.Versitygw, true},
	{"minio", servers.MinIO, false},
	{"minio TLS", servers.MinIO, true},
}

// eachServer runs test on every server, with a bucket of its own, all at once.
func eachServer(t *testing.T, test func(t *testing.T, s *space)) {
	for _, real := range realServers {
		t.Run(real.name, func(t *testing.T) {
			t.Parallel()
			server := real.start(t, real.tls)
			test(t, &space{server: server, bucket: server.NewBucket(t), layout: ltxstore.LayoutLitestreamS3})
		})
	}
}

func (s *space) client(t testing.TB, path string) *s3.ReplicaClient {
	t.Helper()
	c := s3.NewReplicaClient(s.config(path))
	t.Cleanup(func() { require.NoError(t, c.Close()) })
	return c
}

func txid(i int) ltx.TXID { return ltx.TXID(i) }

// writeMany writes the files 1 to n of level 0, several at once.
func writeMany(t testing.TB, client ltxstore.ReplicaClient, n int) {
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
		cfg.HTTP.RoundTripper, cfg.HTTP.CABundle = wire, ""
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

// TestS3OddNames: keys that must be encoded in a request, and that one server
// encodes in its listings and another does not, whatever it is asked for.
func TestS3OddNames(t *testing.T) {
	eachServer(t, func(t *testing.T, s *space) {
		const path = "a b+c%2Fd/ü&=?#'\"<>/db"
		client, sibling := s.client(t, path), s.client(t, "a b+c/d/ü&=?#'\"<>/db")
		writeMany(t, client, 3)
		writeMany(t, sibling, 2)
		keys, err := backend.NewKeys(s.layout, path)
		require.NoError(t, err)
		require.NoError(t, s.bucket.Put(t.Context(), keys.LevelPrefix(0)+"stranger +%2B.ltx", []byte("x")))

		for seek := range 5 {
			require.Equal(t, from(max(seek, 1), 3), listed(t, client, txid(seek)), "from %d", seek)
		}
		require.NoError(t, client.DeleteLTXFiles(t.Context(), []*ltx.FileInfo{{MinTXID: 2, MaxTXID: 2}}))
		require.Equal(t, []ltx.TXID{1, 3}, listed(t, client, 0))
		require.NoError(t, client.DeleteAll(t.Context()))
		require.Empty(t, listed(t, client, 0))
		require.Equal(t, from(1, 2), listed(t, sibling, 0))
		found, err := s.bucket.Keys(t.Context(), path)
		require.NoError(t, err)
		require.Equal(t, []string{keys.LevelPrefix(0) + "stranger +%2B.ltx"}, found)
	})
}
