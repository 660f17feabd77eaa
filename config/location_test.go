package config_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ltxstore/ltxstore/config"
)

// One place has many spellings.
func TestLocations(t *testing.T) {
	dir, err := filepath.EvalSymlinks(t.TempDir())
	require.NoError(t, err)
	t.Chdir(dir)
	t.Setenv("HOME", dir)
	require.NoError(t, os.Mkdir("real", 0o700))
	require.NoError(t, os.Symlink("real", "link"))
	const sftp, dav = "insecure-ignore-host-key: true, password: p, ", "type: webdav, webdav-username: u, webdav-password: p, "
	same := map[string][]string{
		"file": {"path: real/r", "path: $DIR/real/r", "path: $DIR//real/./r/", "path: real/x/../r", "path: ~/real/r", "path: link/r", "path: $DIR/link/r",
			"url: 'file://$DIR/real/r'", "url: 'file:real/r'", "url: 'file://$DIR/link/r/'", "path: real/r, layout: auto", "path: real/r, compress: true",
			"path: other, mirror: ['file://$DIR/real/r']", "path: other, mirror: {replicas: [{path: link/r}]}"},
		"s3": {"url: 's3://b/x', region: eu-west-1", "type: s3, bucket: b, path: x, region: eu-west-1", "type: s3, bucket: b, path: x, endpoint: 'https://s3.eu-west-1.amazonaws.com'",
			"type: s3, bucket: b, path: x, endpoint: 'https://S3.eu-west-1.amazonaws.com:443/'", "url: 's3://b.s3.eu-west-3.amazonaws.com/x'"},
		"s3 elsewhere": {"type: s3, bucket: b, path: x, endpoint: 'https://minio.example'", "type: s3, bucket: b, path: x, endpoint: 'https://MinIO.Example:443/'",
			"type: s3, bucket: b, path: x, endpoint: 'minio.example:443'", "type: s3, bucket: b, path: x, endpoint: 'http://minio.example.:80'",
			"url: 's3://b/x?endpoint=https://minio.example'", "type: s3, bucket: b, path: x, region: us-east-1, endpoint: 'https://minio.example'"},
		"s3 here": {"type: s3, bucket: b, path: x, endpoint: 'http://localhost:9000'", "type: s3, bucket: b, path: x, endpoint: 'http://127.0.0.1:9000'",
			"type: s3, bucket: b, path: x, endpoint: 'http://[::1]:9000'", "url: 's3://b.localhost:9000/x'"},
		"gs":  {"url: 'gs://bucket/x'", "type: gs, bucket: bucket, path: x", "type: gcs, bucket: bucket, path: x/", "url: 'gs://bucket//x/'", "type: gs, bucket: bucket, path: x, endpoint: 'https://storage.googleapis.com'"},
		"abs": {"url: 'abs://acc@cont/x'", "type: abs, account-name: acc, bucket: cont, path: x", "type: abs, account-name: acc, bucket: cont, path: x, endpoint: 'https://ACC.blob.core.windows.net/'"},
		"oss": {"url: 'oss://buck/x', region: cn-hangzhou", "type: oss, bucket: buck, path: x, region: cn-hangzhou", "url: 'oss://buck.oss-cn-hangzhou.aliyuncs.com/x'",
			"url: 'oss://buck.oss-cn-hangzhou-internal.aliyuncs.com/x'", "type: oss, bucket: buck, path: x, region: cn-hangzhou, endpoint: oss-cn-hangzhou.aliyuncs.com"},
		"sftp":            {sftp + "url: 'sftp://me@h/x'", sftp + "type: sftp, host: h, user: me, path: /x", sftp + "type: sftp, host: 'H:22', user: me, path: /x/", sftp + "url: 'sftp://me@h:22//x/.'"},
		"sftp of another": {sftp + "url: 'sftp://you@h/x'"},
		"webdav": {dav + "webdav-url: 'https://h/dav/', path: x", dav + "webdav-url: 'https://H:443/dav', path: /x/", dav + "webdav-url: 'https://h', path: dav/x",
			"url: 'webdavs://u:p@h/dav/x'"},
		"nats":           {"url: 'nats://h/b'", "url: 'nats://H:4222/b'", "type: nats, bucket: b, servers: 'nats://h:4222'", "type: nats, bucket: b, url: 'nats://h'", "type: nats, bucket: b, servers: 'nats://g, nats://h'"},
		"nats elsewhere": {"url: 'nats://k/b'"},
	}
	all := make(map[string]string)
	for name, sections := range same {
		one := ""
		for _, section := range sections {
			section = strings.ReplaceAll(section, "$DIR", dir)
			_, err := config.Parse([]byte("dbs: [{path: a, replica: {"+section+"}}, {path: b, replica: {"+strings.ReplaceAll(sections[0], "$DIR", dir)+"}}]"), config.Options{})
			assert.ErrorContains(t, err, "two databases in one replica", section)
			found, err := config.ParseReplicas([]byte("{"+section+"}"), config.Options{Litestream: true})
			require.NoError(t, err, section)
			require.NotEmpty(t, found[0].Locations(), section)
			for _, location := range found[0].Locations() {
				if !strings.Contains(location, "other") && !strings.Contains(location, `"g"`) {
					assert.Contains(t, []string{"", location}, one, section)
					one = location
				}
			}
		}
		assert.NotContains(t, all, one, name)
		all[one] = name
	}
	found, err := config.ParseReplicas([]byte("{type: mem}"), config.Options{})
	require.NoError(t, err)
	assert.Empty(t, found[0].Locations())
}

// Two databases that replicate into one replica overwrite each other's files. Those of a
// directory have replicas below its own.
func TestTwoDatabasesInOneReplica(t *testing.T) {
	for dbs, want := range map[string]string{
		"- {path: /a, replica: {path: /r}}\n- {path: /b, replica: {path: /r/}}":                                        "line 3, column 3: the replica of /a is file:///r too: two databases in one replica damage each other",
		"- {path: /a, replica: {path: /r}}\n- {path: /b, replica: {url: 'file:///r'}}":                                 "the replica of /a is file:///r too",
		"- {path: /a, replicas: [{path: /r}, {path: /r}]}":                                                             "file:///r is configured twice",
		"- {path: /a, replica: {path: /r}}\n- {path: /b, replica: {path: /s}}":                                         "",
		"- {path: /a, replica: {type: s3, bucket: b, path: x}}\n- {path: /b, replica: {type: s3, bucket: c, path: x}}": "",
		"- {dir: /a, pattern: x, replica: {path: /r}}\n- {dir: /b, pattern: x, replica: {path: /r}}":                   "",
		"- {dir: /a, pattern: x, replica: {path: /r}}\n- {path: /b, replica: {path: /r}}":                              "",
	} {
		_, err := config.Parse([]byte("dbs:\n"+dbs), options())
		if want == "" {
			assert.NoError(t, err, dbs)
		} else {
			assert.ErrorContains(t, err, want, dbs)
		}
	}
}

// In Litestream, the directory of a file URL has the escapes of the URL in its name. That
// is refused, as is such a name of a database in it.
func TestEscapesInAFileURL(t *testing.T) {
	for _, url := range []string{"file:///a%20b", "file:///a b/ü", "file:a%2Fb", "file:///x%20y/?must-exist=true"} {
		_, err := config.Parse([]byte("dbs: [{path: /db, replica: {url: '"+url+"'}}]"), options())
		assert.ErrorContains(t, err, "want path in place of url", url)
		assert.Equal(t, "file", one(t, "replica: {url: '"+url+"'}").Type())
	}
	base := one(t, "dbs: [{dir: /d, pattern: x, replica: {url: 'file:///base'}}]")
	sub, err := base.Sub("a.db")
	require.NoError(t, err)
	assert.Equal(t, "/base/a.db", sub.Place().Path)
	_, err = base.Sub("a b.db")
	assert.ErrorContains(t, err, "want path in place of url")
	for _, text := range []string{"replica: {url: 'file:///base'}", "dbs: [{dir: /d, pattern: x, replica: {path: /base}}]"} {
		sub, err = one(t, text).Sub("a b.db")
		require.NoError(t, err)
		assert.Equal(t, "/base/a b.db", sub.Place().Path)
	}
}
