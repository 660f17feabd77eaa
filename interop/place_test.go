package interop_test

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/benbjohnson/litestream"
	"github.com/benbjohnson/litestream/file"
	"github.com/benbjohnson/litestream/gs"
	"github.com/benbjohnson/litestream/s3"
	"github.com/rclone/gofakes3"
	"github.com/rclone/gofakes3/s3mem"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/config"
	"github.com/ltxstore/ltxstore/testing/replicatest"
)

// prefixes is a store without a file that notes which prefixes are listed, as
// they are in the query.
type prefixes struct {
	mu    sync.Mutex
	asked []string
}

func (p *prefixes) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body)
	query := r.URL.Query()
	p.mu.Lock()
	if query.Has("prefix") {
		p.asked = append(p.asked, query.Get("prefix"))
	}
	p.mu.Unlock()
	if query.Get("alt") == "json" {
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"kind":"storage#objects"}`)
		return
	}
	w.Header().Set("Content-Type", "application/xml")
	_, _ = io.WriteString(w, `<?xml version="1.0"?><ListBucketResult><Name>bucket</Name><Prefix>`+query.Get("prefix")+
		`</Prefix><MaxKeys>1000</MaxKeys><IsTruncated>false</IsTruncated></ListBucketResult>`)
}

// listed returns the prefix that a listing asks for.
func (p *prefixes) listed(t *testing.T, client interface {
	LTXFiles(context.Context, int, ltx.TXID, bool) (ltx.FileIterator, error)
}) string {
	t.Helper()
	p.asked = nil
	files, err := client.LTXFiles(t.Context(), 3, 0, false)
	require.NoError(t, err)
	assert.False(t, files.Next())
	require.NoError(t, files.Close())
	require.NotEmpty(t, p.asked)
	return p.asked[0]
}

// The replica of a litestream.yml is where Litestream's own client looks for it.
func TestSamePlaceS3(t *testing.T) {
	t.Setenv("AWS_ACCESS_KEY_ID", "id")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "secret")
	store := &prefixes{}
	server := httptest.NewServer(store)
	defer server.Close()
	theirs := func(path string) litestream.ReplicaClient {
		client := s3.NewReplicaClient()
		client.Bucket, client.Path, client.Region, client.Endpoint, client.ForcePathStyle = "bucket", path, "us-east-1", server.URL, true
		return client
	}
	settings := ", region: us-east-1, endpoint: '" + server.URL + "'}"
	for _, path := range []string{"", "db", "/db", "db/", "/data//app.db", "./db", ".", "/", "a b/ü"} {
		want := store.listed(t, theirs(path))
		ours := oneReplica(t, "{type: s3, bucket: bucket, path: '"+path+"'"+settings)
		assert.Equal(t, want, store.listed(t, ours), "path %q", path)
	}
	for _, url := range []string{"s3://bucket", "s3://bucket/", "s3://bucket/db", "s3://bucket/db/", "s3://bucket//data//app.db", "s3://bucket/./db/.", "s3://bucket/a%20b"} {
		_, _, path, err := litestream.ParseReplicaURL(url)
		require.NoError(t, err)
		want := store.listed(t, theirs(path))
		ours := oneReplica(t, "{url: '"+url+"'"+settings)
		assert.Equal(t, want, store.listed(t, ours), url)
	}
}

// What Litestream's client has written, on a server that keeps keys as they are, is what
// the litestream.yml's replica reads, and the other way round.
func TestSamePlaceWritten(t *testing.T) {
	t.Setenv("AWS_ACCESS_KEY_ID", "id")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "secret")
	bodyOf := func(txid ltx.TXID) []byte { return replicatest.NewLTXFile(txid, txid, time.Unix(0, 0), 1) }
	for _, path := range []string{"", "db", "/data/app.db", "backups/", "a//b", "./db", ".", "/"} {
		backend := s3mem.New()
		require.NoError(t, backend.CreateBucket(t.Context(), "bucket"))
		server := httptest.NewServer(gofakes3.New(backend).Server())
		theirs := s3.NewReplicaClient()
		theirs.Bucket, theirs.Path, theirs.Region, theirs.Endpoint, theirs.ForcePathStyle = "bucket", path, "us-east-1", server.URL, true
		ours := oneReplica(t, "{type: s3, bucket: bucket, region: us-east-1, path: '"+path+"', endpoint: '"+server.URL+"'}")
		_, err := theirs.WriteLTXFile(t.Context(), 0, 1, 1, bytes.NewReader(bodyOf(1)))
		require.NoError(t, err, path)
		_, err = ours.WriteLTXFile(t.Context(), 0, 2, 2, bytes.NewReader(bodyOf(2)))
		require.NoError(t, err, path)
		all, err := backend.ListBucket(t.Context(), "bucket", nil, gofakes3.ListBucketPage{})
		require.NoError(t, err)
		require.Len(t, all.Contents, 2)
		assert.Equal(t, strings.ReplaceAll(all.Contents[0].Key, "1", "2"), all.Contents[1].Key, "one is Litestream's")
		for _, client := range []interface {
			OpenLTXFile(context.Context, int, ltx.TXID, ltx.TXID, int64, int64) (io.ReadCloser, error)
		}{theirs, ours} {
			for txid := ltx.TXID(1); txid <= 2; txid++ {
				r, err := client.OpenLTXFile(t.Context(), 0, txid, txid, 0, 0)
				require.NoError(t, err, path)
				read, err := io.ReadAll(r)
				require.NoError(t, err)
				require.NoError(t, r.Close())
				assert.Equal(t, bodyOf(txid), read)
			}
		}
		server.Close()
	}
}

func TestSamePlaceGS(t *testing.T) {
	store := &prefixes{}
	server := httptest.NewServer(store)
	defer server.Close()
	t.Setenv("STORAGE_EMULATOR_HOST", server.Listener.Addr().String())
	theirs := func(path string) litestream.ReplicaClient {
		client := gs.NewReplicaClient()
		client.Bucket, client.Path = "bucket", path
		return client
	}
	for _, path := range []string{"", "db", "/db", "db/", "/data//app.db", "./db", ".", "/", "a b/ü"} {
		want := store.listed(t, theirs(path))
		assert.Equal(t, want, store.listed(t, oneReplica(t, "{type: gs, bucket: bucket, path: '"+path+"'}")), "path %q", path)
	}
	for _, url := range []string{"gs://bucket", "gs://bucket/", "gs://bucket/db/", "gs://bucket//data//app.db"} {
		_, _, path, err := litestream.ParseReplicaURL(url)
		require.NoError(t, err)
		want := store.listed(t, theirs(path))
		assert.Equal(t, want, store.listed(t, oneReplica(t, "{url: '"+url+"'}")), url)
	}
}

func TestSamePlaceFile(t *testing.T) {
	root := filepath.ToSlash(t.TempDir())
	for _, url := range []string{"/x", "/x//y/./z/"} {
		_, _, path, err := litestream.ParseReplicaURL("file://" + root + url)
		require.NoError(t, err)
		want := file.NewReplicaClient(path).LTXFilePath(0, 1, 1)
		src := oneSource(t, "{url: 'file://"+root+url+"'}")
		client, err := ltxstore.OpenSource(t.Context(), src)
		require.NoError(t, err)
		_, err = client.WriteLTXFile(t.Context(), 0, 1, 1, bytes.NewReader(replicatest.NewLTXFile(1, 1, time.Unix(0, 0), 1)))
		require.NoError(t, err)
		assert.FileExists(t, want, url)
	}
}

func oneSource(t *testing.T, section string) ltxstore.Source {
	t.Helper()
	parsed, err := config.Parse([]byte("dbs: [{path: /db, replica: "+section+"}]"), config.Options{})
	require.NoError(t, err, section)
	return parsed.DBs[0].Replicas[0].Source()
}

func oneReplica(t *testing.T, section string) ltxstore.ReplicaClient {
	t.Helper()
	client, err := ltxstore.OpenSource(t.Context(), oneSource(t, section))
	require.NoError(t, err, section)
	t.Cleanup(func() { assert.NoError(t, ltxstore.Close(client)) })
	return client
}
