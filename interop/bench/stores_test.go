package bench_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	litestreamabs "github.com/benbjohnson/litestream/abs"
	litestreamnats "github.com/benbjohnson/litestream/nats"
	litestreamoss "github.com/benbjohnson/litestream/oss"
	litestreamsftp "github.com/benbjohnson/litestream/sftp"
	litestreamwebdav "github.com/benbjohnson/litestream/webdav"
	"github.com/stretchr/testify/require"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/abs"
	"github.com/ltxstore/ltxstore/backend"
	"github.com/ltxstore/ltxstore/interop/servers"
	"github.com/ltxstore/ltxstore/nats"
	"github.com/ltxstore/ltxstore/oss"
	"github.com/ltxstore/ltxstore/sftp"
	"github.com/ltxstore/ltxstore/webdav"
)

// The servers of SFTP, WebDAV and NATS run in a process of their own too: it is
// this test's binary, whose TestServe starts the one that serveVariable names.
const serveVariable = "LTXSTORE_BENCH_SERVE"

// where is what a client needs to know of a server.
type where struct{ URL, User, Password, HostKey, Dir string }

// benchBucket is NATS's.
const benchBucket = "bench"

// TestServe is the other process: it serves until its standard input ends.
func TestServe(t *testing.T) {
	var at where
	switch os.Getenv(serveVariable) {
	case "":
		t.Skip("started by the rows")
	case "sftp":
		s := servers.SFTP(t)
		at = where{s.Address, s.User, s.Password, s.HostKey, s.Dir}
	case "webdav":
		s := servers.WebDAV(t)
		at = where{s.URL, s.User, s.Password, "", s.Dir}
	case "nats":
		s := servers.NATS(t, benchBucket)
		at = where{s.URL, s.User, s.Password, "", ""}
	}
	require.NoError(t, json.NewEncoder(os.Stdout).Encode(at))
	_, err := io.Copy(io.Discard, os.Stdin)
	require.NoError(t, err)
}

// serve starts a process with the server of that name, which ends with the test.
func serve(tb testing.TB, name string) (at where) {
	tb.Helper()
	self, err := os.Executable()
	require.NoError(tb, err)
	cmd := exec.Command(self, "-test.run=^TestServe$")
	cmd.Env = append(os.Environ(), serveVariable+"="+name)
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe()
	require.NoError(tb, err)
	stdout, err := cmd.StdoutPipe()
	require.NoError(tb, err)
	require.NoError(tb, cmd.Start())
	output := json.NewDecoder(stdout)
	tb.Cleanup(func() {
		_ = stdin.Close()
		_, _ = io.Copy(io.Discard, stdout)
		_ = cmd.Wait()
	})
	require.NoError(tb, output.Decode(&at))
	return at
}

// through fills a replica by a client, where no plain calls do.
type through struct {
	client ltxstore.ReplicaClient
	keys   backend.Keys
}

func (c through) put(ctx context.Context, key string, body io.Reader, _ int64) error {
	level, minTXID, maxTXID, _ := c.keys.Parse(key)
	_, err := c.client.WriteLTXFile(ctx, level, minTXID, maxTXID, body)
	return err
}

func (through) list(context.Context, string, string) (int, error) { return 0, errNoCall }
func (through) head(context.Context, string) error                { return errNoCall }
func (c through) deleteAll(ctx context.Context, _ string) error   { return c.client.DeleteAll(ctx) }

// served makes a store of the two clients of a server. Its files are put past the
// clients, if they are below dir.
func served(tb testing.TB, name string, w *wire, layout ltxstore.Layout, path, dir string, ours, stock ltxstore.ReplicaClient) *store {
	tb.Cleanup(func() { require.NoError(tb, errors.Join(ltxstore.Close(ours), ltxstore.Close(stock))) })
	require.NoError(tb, errors.Join(ltxstore.Init(tb.Context(), ours), ltxstore.Init(tb.Context(), stock)))
	s := &store{name: name, wire: w, ours: ours, stock: stock}
	var err error
	s.keys, err = backend.NewKeys(layout, path)
	require.NoError(tb, err)
	s.fill = through{ours, s.keys}
	if dir != "" {
		s.fill = disk(dir)
	}
	return s
}

func newSFTP(tb testing.TB) maker {
	server := sync.OnceValue(func() where { return serve(tb, "sftp") })
	return func(tb testing.TB, path string) *store {
		at := server()
		stock := litestreamsftp.NewReplicaClient()
		stock.Host, stock.User, stock.Password, stock.HostKey, stock.Path = at.URL, at.User, at.Password, at.HostKey, filepath.Join(at.Dir, path)
		ours := sftp.NewReplicaClient(sftp.Config{Host: at.URL, User: at.User, Password: at.Password, HostKey: at.HostKey, Path: stock.Path,
			Layout: ltxstore.LayoutLitestream, Logger: silent()})
		return served(tb, "pkg/sftp", nil, ltxstore.LayoutLitestream, path, at.Dir, ours, stock)
	}
}

func newWebDAV(tb testing.TB) maker {
	server := sync.OnceValue(func() where { return serve(tb, "webdav") })
	proxy := sync.OnceValue(func() *wire { return startChild(tb, server().URL) })
	return func(tb testing.TB, path string) *store {
		at, wire := server(), proxy()
		stock := litestreamwebdav.NewReplicaClient()
		stock.URL, stock.Username, stock.Password, stock.Path = wire.url, at.User, at.Password, "/"+path
		ours := webdav.NewReplicaClient(webdav.Config{URL: wire.url, Username: at.User, Password: at.Password, Path: path,
			Layout: ltxstore.LayoutLitestream, Logger: silent()})
		return served(tb, "x/net/webdav", wire, ltxstore.LayoutLitestream, path, at.Dir, ours, stock)
	}
}

// newNATS returns a maker of replicas in the root of one bucket: Litestream knows
// no other place.
func newNATS(tb testing.TB) maker {
	server := sync.OnceValue(func() where { return serve(tb, "nats") })
	return func(tb testing.TB, _ string) *store {
		at := server()
		stock := litestreamnats.NewReplicaClient()
		stock.URL, stock.BucketName, stock.Username, stock.Password = at.URL, benchBucket, at.User, at.Password
		ours := nats.NewReplicaClient(nats.Config{URL: at.URL, Bucket: benchBucket, Username: at.User, Password: at.Password,
			Layout: ltxstore.LayoutLitestream, Logger: silent()})
		return served(tb, "nats-server", nil, ltxstore.LayoutLitestream, "", "", ours, stock)
	}
}

func newABS(tb testing.TB) maker {
	child := sync.OnceValue(func() *wire { return startChild(tb, "absfake") })
	return func(tb testing.TB, path string) *store {
		wire := child()
		stock := litestreamabs.NewReplicaClient()
		stock.Endpoint, stock.AccountName, stock.AccountKey, stock.Bucket, stock.Path = wire.url, fakeName, fakeKey, fakeName, path
		stock.SetLogger(silent())
		ours := abs.NewReplicaClient(abs.Config{Endpoint: wire.url, Account: fakeName, AccountKey: fakeKey, Bucket: fakeName, Path: path,
			Layout: ltxstore.LayoutLitestream, Logger: silent()})
		return served(tb, "absfake", wire, ltxstore.LayoutLitestream, path, "", ours, stock)
	}
}

func newOSS(tb testing.TB) maker {
	child := sync.OnceValue(func() *wire { return startChild(tb, "ossfake") })
	return func(tb testing.TB, path string) *store {
		wire := child()
		stock := litestreamoss.NewReplicaClient()
		stock.Endpoint, stock.Region, stock.AccessKeyID, stock.AccessKeySecret, stock.Bucket, stock.Path = wire.url, fakeName, fakeName, fakeKey, fakeName, path
		stock.SetLogger(silent())
		ours := oss.NewReplicaClient(oss.Config{Endpoint: wire.url, Region: fakeName, AccessKeyID: fakeName, SecretAccessKey: fakeKey, Bucket: fakeName, Path: path,
			Layout: ltxstore.LayoutLitestreamS3, Logger: silent()})
		return served(tb, "ossfake", wire, ltxstore.LayoutLitestreamS3, path, "", ours, stock)
	}
}
