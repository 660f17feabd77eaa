package litestream_test

import (
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	engine "github.com/benbjohnson/litestream"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/file"
	"github.com/ltxstore/ltxstore/internal/testkit/s3fake"
	"github.com/ltxstore/ltxstore/litestream"
	"github.com/ltxstore/ltxstore/s3"
	"github.com/ltxstore/ltxstore/wrap/crypt"
)

func openURL(t *testing.T, url string) engine.ReplicaClient {
	t.Helper()
	c, err := engine.NewReplicaClientFromURL(url)
	require.NoError(t, err, url)
	c.SetLogger(silent())
	t.Cleanup(func() { assert.NoError(t, ltxstore.Close(c)) })
	return c
}

// Each type of URL that Litestream has is opened by this library.
func TestFactories(t *testing.T) {
	for url, want := range map[string]string{"file:///tmp/x": "file", "s3://bucket/db": "s3", "gs://bucket/db": "gcs",
		"sftp://user:secret@host/db": "sftp", "webdav://host/db": "webdav", "webdavs://host/db": "webdav", "nats://host/bucket": "nats"} {
		c := openURL(t, url)
		inner, ok := c.(interface{ Unwrap() ltxstore.ReplicaClient })
		require.True(t, ok, url)
		assert.Equal(t, want, c.Type())
		assert.NotNil(t, inner.Unwrap())
	}
}

// The directory of a file URL is called what the URL says, escapes and all, as
// in Litestream.
func TestFactoryOfFiles(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	for url, want := range map[string]string{
		"file://" + dir + "/plain":     dir + "/plain",
		"file://" + dir + "/a%20b":     dir + "/a%20b",
		"file://" + dir + "/c/../d//e": dir + "/d/e",
		"file:relative/f":              dir + "/relative/f",
	} {
		put(t, openURL(t, url), 0, 1, 1, start, "x")
		_, err := os.Stat(filepath.Join(want, "ltx", "0", "0000000000000001-0000000000000001.ltx"))
		assert.NoError(t, err, url)
	}
}

func TestFactoryOfS3(t *testing.T) {
	store := s3fake.New(s3fake.Options{AccessKeyID: "id", SecretAccessKey: "secret"}, "bucket")
	server := httptest.NewServer(store)
	t.Cleanup(server.Close)
	t.Setenv("AWS_ACCESS_KEY_ID", "id")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "secret")
	const name = "0000/0000000000000001-0000000000000001.ltx"
	for path, want := range map[string]string{
		"":             "./" + name,
		"/":            "/" + name,
		"/db":          "db/" + name,
		"/a/b":         "a/b/" + name,
		"/a//c/":       "a/c/" + name,
		"/with%20room": "with room/" + name,
	} {
		put(t, openURL(t, "s3://bucket"+path+"?region=us-east-1&endpoint="+server.URL), 0, 1, 1, start, "x")
		assert.Contains(t, store.Keys("bucket"), want, path)
	}
}

// Settings in the URL are those of this library, with the wrappers that are
// imported, and a mistake is an error.
func TestFactorySettings(t *testing.T) {
	c := openURL(t, "s3://bucket/db?part-size=16MiB&crypt.recipients=age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p&region=eu-central-1")
	_, encrypts := ltxstore.As[*crypt.Client](c)
	assert.True(t, encrypts)
	_, onS3 := ltxstore.As[*s3.ReplicaClient](c)
	assert.True(t, onS3)

	_, err := engine.NewReplicaClientFromURL("s3://bucket/db?part-sise=16MiB")
	require.ErrorContains(t, err, "part-size")
	_, err = engine.NewReplicaClientFromURL("s3://u:hunter2@bucket/x?bad=1")
	require.Error(t, err)
	require.NotContains(t, err.Error(), "hunter2")
}

// Register wins over what was registered meanwhile.
func TestRegisterAgain(t *testing.T) {
	engine.RegisterReplicaClientFactory("file", nil)
	litestream.Register()
	_, ours := ltxstore.As[*file.ReplicaClient](openURL(t, "file:///tmp/x"))
	assert.True(t, ours)
}
