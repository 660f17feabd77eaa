package config_test

import (
	"strings"
	"testing"

	"filippo.io/age"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ltxstore/ltxstore/config"
)

func warningsOf(t *testing.T, text string, env map[string]string) string {
	t.Helper()
	file, err := config.Parse([]byte(text), config.Options{Getenv: func(key string) (string, bool) { value, ok := env[key]; return value, ok }})
	require.NoError(t, err, text)
	var lines []string
	for _, w := range file.Warnings {
		lines = append(lines, w.String())
	}
	return strings.Join(lines, "\n")
}

// What is opened exactly where Litestream has it, and is hardly what was meant.
func TestPlaceWarnings(t *testing.T) {
	const aws = "region: eu-west-1, "
	env := map[string]string{"SET": "set"}
	for section, want := range map[string]string{
		"{type: s3, bucket: b, " + aws + "path: /data/app.db}":         `line 1, column 28: keys start with "/data/app.db/", as in Litestream: with the path "data/app.db", they would start with "data/app.db/"`,
		"{type: s3, bucket: b, " + aws + "path: backups/}":             `keys start with "backups//"`,
		"{type: s3, bucket: b, " + aws + "path: a//b}":                 `keys start with "a//b/"`,
		"{type: s3, bucket: b, " + aws + "path: .}":                    `keys start with "./", as in Litestream: with a path`,
		"{type: s3, bucket: b, " + aws + "path: ./db}":                 `with the path "db", they would`,
		"{type: s3, bucket: b, " + aws + "}":                           `keys start with "/"`,
		"{url: 's3://b', " + aws + "}":                                 `keys start with "./"`,
		"{url: 's3://b/', " + aws + "}":                                `keys start with "/"`,
		"{url: 's3://b/db', " + aws + "}":                              "",
		"{url: 's3://b//db/', " + aws + "}":                            "", // Litestream cleans a URL's path
		"{type: s3, bucket: b, " + aws + "path: db}":                   "",
		"{type: s3, bucket: b, " + aws + "path: db/, layout: default}": "",
		"{type: gs, bucket: bucket, path: /db}":                        `keys start with "/db/"`,
		"{type: gs, bucket: bucket, path: db/}":                        "", // and joins that of gs
		"{type: gs, bucket: bucket}":                                   "",
		"{path: '/r/${SET:-x}'}":                                       "line 1, column 35: ${SET:-x} is empty, as in Litestream, which does not support defaults",
		"{path: '/r/${NONE:-x}'}":                                      "${NONE:-x} is empty",
		"{path: '/r/${NONE:-}'}":                                       "",
		"{path: '/r/$$x'}":                                             "$$ is empty, as in Litestream, and not a dollar sign",
		"{url: 'file:///a%20b'}":                                       "the directory's name contains the escapes of the URL",
		"{url: 'file:///a b'}":                                         "the directory's name contains the escapes",
		"{url: 'file:///ü'}":                                           "the directory's name contains the escapes",
		"{url: 'file:///a/./b/'}":                                      "",
		"{url: 'file:rel'}":                                            "",
		"{type: s3, bucket: b, path: db, endpoint: 'localhost:1'}":     "endpoint (line 1, column 60) has no scheme: Litestream uses https",
	} {
		got := warningsOf(t, "dbs: [{path: /db, replica: "+section+"}]", env)
		if want == "" {
			assert.Empty(t, got, section)
		}
		assert.Contains(t, got, want, section)
		assert.Empty(t, warningsOf(t, "replica: "+section, env), "sections of our own are where they say: %s", section)
	}
	env["LITESTREAM_S3_ENDPOINT"] = "http://localhost:9000"
	assert.Contains(t, warningsOf(t, "dbs: [{path: /db, replica: {type: s3, bucket: b, path: db, region: eu-west-1}}]", env), "LITESTREAM_S3_ENDPOINT is set, but Litestream's daemon ignores it")
	assert.Empty(t, warningsOf(t, "dbs: [{path: /db, replica: {type: s3, bucket: b, path: db, endpoint: 'http://localhost:9000'}}]", env))
	assert.Empty(t, warningsOf(t, "dbs: [{path: /db, replica: {path: /r}}]", env))
}

// What Litestream's daemon would refuse, or replicate into each other.
func TestFileWarnings(t *testing.T) {
	for text, want := range map[string]string{
		"- {path: /a, replica: {path: /r}}\n- {path: /b, replica: {path: /r/}}":                                            `line 3, column 3: the replica of /a is file "/r" too: two databases in one replica damage each other`,
		"- {path: /a, replica: {path: /r}}\n- {path: /b, replica: {url: 'file:///r'}}":                                     "the replica of /a is file:///r too",
		"- {path: /a, replica: {url: 's3://b/x?region=eu-west-1'}}\n- {path: /b, replica: {type: s3, bucket: b, path: x}}": "the replica of /a is",
		"- {path: /a, replica: {path: /r}}\n- {path: //a/, replica: {path: /s}}":                                           "line 3, column 3: //a/ is configured twice",
		"- {path: /a, replica: {path: /r}}\n- {path: /b, replica: {path: /s}}":                                             "",
		"- {path: /a, replica: {type: s3, bucket: b, path: x}}\n- {path: /b, replica: {type: s3, bucket: c, path: x}}":     "",
		"- {dir: /a, pattern: x, replica: {path: /r}}\n- {dir: /b, pattern: x, replica: {path: /r}}":                       `the replica of /a is file "/r" too`,
		"- {dir: /a, pattern: x, replica: {path: /r}}\n- {path: /b, replica: {path: /r}}":                                  "",
		"- {dir: /a, replica: {path: /r}}":                                                                                 "line 2, column 3: dir without pattern: Litestream requires one, such as *.db",
		"- {dir: /a, pattern: '', replica: {path: /r}}":                                                                    "dir without pattern",
		"- {dir: /a, pattern: '*.db', replica: {path: /r}}":                                                                "",
		"- {path: /a}":               "line 2, column 3: no replica: Litestream requires one",
		"- {path: /a, replicas: []}": "no replica",
		"- {replica: {path: /r}}":    "neither path nor dir is set",
		"- {path: /a, dir: /b, pattern: x, replica: {path: /r}}": "both path and dir are set",
		"- {path: /a, replicas: [{path: /r}, {path: /s}]}":       "2 replicas: Litestream v0.5 supports only one",
		"- {path: /a, replicas: [{path: /r}, {path: /r}]}":       `file "/r" is configured twice`,
	} {
		got := warningsOf(t, "dbs:\n"+text, nil)
		if want == "" {
			assert.Empty(t, got, text)
		}
		assert.Contains(t, got, want, text)
	}
}

// A URL names the replica of a section to the command and to other programs.
func TestURL(t *testing.T) {
	identity, err := age.GenerateX25519Identity()
	require.NoError(t, err)
	for section, want := range map[string]string{
		"{path: /r/a b}": "file:///r/a%20b?layout=litestream",
		"{path: rel}":    "file:rel?layout=litestream",
		"{path: /r, must-exist: true, compress: {level: best}}":                                                       "file:///r?compress.enabled=true&compress.level=best&layout=litestream&must-exist=true",
		"{path: /r, crypt: {identities: '" + identity.String() + "', recipients: " + recipient + "}, compress: true}": "file:///r?compress.enabled=true&layout=litestream",
		"{path: /r, mirror: ['mem://']}":                                                                              "file:///r?layout=litestream",
		"{url: 's3://id:hush@b/x?part-size=8MiB', region: eu-west-1, layout: default}":                                "s3://b/x?layout=default&part-size=8MiB&region=eu-west-1",
		"{type: s3, bucket: b, path: /a, endpoint: 'h:9000', access-key-id: id, secret-access-key: hush}":             "s3://b//a?endpoint=https%3A%2F%2Fh%3A9000&layout=litestream-s3",
		"{url: 's3://b.s3.eu-west-3.amazonaws.com/x'}":                                                                "s3://b/x?layout=litestream-s3&region=eu-west-3",
		"{url: 's3://b.localhost:9000/x'}":                                                                            "s3://b/x?endpoint=http%3A%2F%2Flocalhost%3A9000&layout=litestream-s3",
		"{url: 'gs://bucket/x', layout: auto}":                                                                        "gs://bucket/x?layout=auto",
		"{url: 'sftp://me:hush@h:22/x', insecure-ignore-host-key: true}":                                              "sftp://h:22/x?insecure-ignore-host-key=true&layout=litestream&user=me",
		"{type: sftp, host: h, user: me, password: hush, path: rel, insecure-ignore-host-key: true}":                  "sftp://h?insecure-ignore-host-key=true&layout=litestream&path=rel&user=me",
		"{url: 'webdavs://me:hush@h/x'}":                                                                              "webdavs://h/x?layout=litestream&webdav-username=me",
		"{type: webdav, webdav-url: 'http://h/dav/', path: /x}":                                                       "webdav://h/dav/x?layout=litestream",
		"{url: 'nats://me:hush@h:4222/b', root-cas: [/a, /b]}":                                                        "nats://h:4222/b?layout=litestream&root-cas=%2Fa&root-cas=%2Fb&username=me",
		"{type: nats, bucket: b}":                                                                                     "nats:///b?layout=litestream",
		"{type: mem}":                                                                                                 "mock://?layout=litestream",
	} {
		r := one(t, "dbs: [{path: /db, replica: "+section+"}]")
		assert.Equal(t, want, r.URL(), section)
		credentials := ""
		if r.Type() == "sftp" || strings.Contains(r.URL(), "&username") {
			credentials = ", password: hush"
		}
		again := one(t, "replica: {url: '"+r.URL()+"'"+credentials+"}")
		if place := r.Place(); place.Type != "webdav" {
			assert.Equal(t, place, again.Place(), section)
		}
	}
}

// A database in a directory is where Litestream has it: the names in a file URL are
// escaped there, and so is the database's.
func TestSubOfAFileURL(t *testing.T) {
	for section, want := range map[string]string{
		"{url: 'file:///base'}":   "/base/a%20b.db",
		"{url: 'file:///x%20y/'}": "/x%20y/a%20b.db",
		"{path: /base}":           "/base/a b.db",
	} {
		sub, err := one(t, "dbs: [{dir: /d, pattern: x, replica: "+section+"}]").Sub("a b.db")
		require.NoError(t, err)
		assert.Equal(t, want, sub.Place().Path, section)
	}
	sub, err := one(t, "replica: {url: 'file:///base'}").Sub("a b.db")
	require.NoError(t, err)
	assert.Equal(t, "/base/a b.db", sub.Place().Path, "our own sections are no Litestream's")
}

// The warnings of a file are also those of its replicas at the top level.
func TestWarningsOfTheTopLevel(t *testing.T) {
	opts := options()
	opts.Litestream = true
	for _, text := range []string{"replica: {type: s3, bucket: b, path: p, endpoint: minio}", "replicas: [{type: s3, bucket: b, path: p, endpoint: minio}]\ndbs: []"} {
		file, err := config.Parse([]byte(text), opts)
		require.NoError(t, err)
		require.Len(t, file.Replicas, 1)
		assert.Equal(t, file.Replicas[0].Warnings(), file.Warnings, text)
		assert.NotEmpty(t, file.Warnings, text)
	}
}
