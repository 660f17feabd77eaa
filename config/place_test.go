package config_test

import (
	"io/fs"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/config"
)

// A litestream.yml names the place that Litestream has: interop asks its code.
func TestLitestreamPlace(t *testing.T) {
	env := map[string]string{"HOME": "/home/me", "SET": "set", "LITESTREAM_S3_ENDPOINT": "https://elsewhere", "GONE": ""}
	options := config.Options{Getenv: func(key string) (string, bool) { value, ok := env[key]; return value, ok }}
	for text, want := range map[string]struct{ url, path, layout string }{
		"{url: s3://b}":                    {"s3://b/.", "", ""},
		"{url: s3://b/}":                   {"s3://b/", "", ""},
		"{url: s3://b//a//./b/}":           {"s3://b/a/b", "", ""},
		"{url: 's3://b/a%20b/?region=eu'}": {"s3://b/a%20b?region=eu", "", ""},
		"{url: 's3://arn:aws:s3:eu-west-1:123456789012:accesspoint/n/p'}": {"s3://arn:aws:s3:eu-west-1:123456789012:accesspoint/n/p", "", ""},
		"{type: s3, bucket: b, path: /data/}":                             {"", "/data/", ""},
		"{type: s3, bucket: b, path: 'p/${SET}'}":                         {"", "p/set", ""},
		"{url: gs://bucket//a/}":                                          {"gs://bucket/a", "", ""},
		"{url: 'file:///a//b/?must-exist=true'}":                          {"file:///a//b/?must-exist=true", "", ""},
		"{url: 'file:rel/./x'}":                                           {"file:rel/./x", "", ""},
		"{path: '/a b'}":                                                  {"", "/a b", ""},
	} {
		file, err := config.Parse([]byte("dbs: [{path: /db, replica: "+text+"}]"), options)
		require.NoError(t, err, text)
		src := file.DBs[0].Replicas[0].Source()
		assert.Equal(t, want.url, src.URL, text)
		assert.Equal(t, want.path, src.Settings["path"], text)
		_, err = ltxstore.OpenSource(t.Context(), src)
		assert.NoError(t, err, text)

		// Our own sections have what they always had.
		file, err = config.Parse([]byte("replica: "+text), options)
		require.NoError(t, err, text)
		if want.url != "" {
			assert.Contains(t, text, file.Replicas[0].Source().URL)
		}
	}
	for _, text := range []string{"{type: s3, bucket: b, endpoint: 'localhost:9000'}", "{url: s3://b, endpoint: 'localhost:9000'}"} {
		file, err := config.Parse([]byte("dbs: [{path: /db, replica: "+text+"}]"), options)
		require.NoError(t, err)
		assert.Equal(t, "https://localhost:9000", file.DBs[0].Replicas[0].Source().Settings["endpoint"])
	}
	file, err := config.Parse([]byte("endpoint: localhost:9000\ndbs: [{path: /db, replica: {url: s3://b}}]"), options)
	require.NoError(t, err)
	src := file.DBs[0].Replicas[0].Source()
	assert.Equal(t, "https://localhost:9000", src.Defaults["endpoint"])
	_, set := src.Getenv("LITESTREAM_S3_ENDPOINT")
	assert.False(t, set, "Litestream's daemon does not read it")
	_, set = src.Getenv("SET")
	assert.True(t, set)
}

// Litestream keeps a nats replica at the bucket's root, whatever its path says.
func TestLitestreamNATS(t *testing.T) {
	parse := func(text string) (*config.File, error) { return config.Parse([]byte(text), options()) }
	for _, text := range []string{
		"{url: 'nats://host:4222/b', path: db}",
		"{type: nats, bucket: b, path: db}",
		"{url: 'nats://host:4222', bucket: b, path: db}",
	} {
		_, err := parse("dbs: [{path: /db, replica: " + text + "}]")
		require.ErrorIs(t, err, fs.ErrInvalid, text)
		assert.ErrorContains(t, err, ": path is ignored by Litestream", text)
		assert.ErrorContains(t, err, "remove it", text)
	}
	for text, servers := range map[string]string{
		"{url: 'nats://host:4222/b'}":                            "",
		"{url: 'nats://host:4222/b/', username: u, password: p}": "",
		"{type: nats, bucket: b}":                                "",
		"{url: 'nats://host:4222', bucket: b}":                   "nats://host:4222",
		"{url: 'nats://host:4222/', bucket: b, path: }":          "nats://host:4222",
	} {
		file, err := parse("dbs: [{path: /db, replica: " + text + "}]")
		require.NoError(t, err, text)
		assert.Equal(t, servers, file.DBs[0].Replicas[0].Source().Settings["servers"], text)
	}
	// A section of our own has its path.
	file, err := parse("replica: {type: nats, bucket: b, path: db}")
	require.NoError(t, err)
	assert.Equal(t, "db", file.Replicas[0].Source().Settings["path"])
	_, err = parse("dbs: [{path: /db, replica: {url: 'nats://host:4222/b', bucket: b}}]")
	assert.ErrorContains(t, err, "are the same setting")
}

// Keys that begin with "x-" only hold an anchor.
func TestAnchorKeys(t *testing.T) {
	file, err := config.Parse([]byte("x-common: &c {type: s3, bucket: b}\ndbs: [{path: /db, replica: {<<: *c, path: p}}]"), options())
	require.NoError(t, err)
	assert.Equal(t, "b", file.DBs[0].Replicas[0].Source().Settings["bucket"])
}

func TestCommentsAlone(t *testing.T) {
	file, err := config.Parse([]byte("# dbs:\n#  - path: /db\n"), options())
	require.NoError(t, err)
	assert.Empty(t, file.DBs)
}

// All that is wrong in a file is told in one run.
func TestEveryProblem(t *testing.T) {
	_, err := config.Parse([]byte("regoin: eu\n"+
		"dbs:\n"+
		"- {pathh: /a, replicas: [{type: s3, bucket: b, part-sise: 1}, {url: 's3://'}]}\n"+
		"- {path: /b, replica: {type: file, url: 'ftp://host'}}\n"+
		"- {path: /c, replica: {path: /r}}\n"+
		"replica: {url: 'gs://bucket?chunk-size=1'}\n"), options())
	require.ErrorIs(t, err, fs.ErrInvalid)
	lines := strings.Split(err.Error(), "\n")
	require.Len(t, lines, 6, err)
	for i, says := range []string{"did you mean region?", "chunk-size in the URL", "did you mean path?", "did you mean part-size?", "has no bucket", `"ftp"`} {
		assert.Contains(t, lines[i], says)
	}
	for _, line := range lines {
		assert.Contains(t, line, "line ")
	}
}

// A type that no backend has makes its own replica unusable, and no other, also as a mirror.
func TestUnknownType(t *testing.T) {
	file, err := config.Parse([]byte("dbs:\n"+
		"- {path: /a, replica: {url: 'ftp://u:hush@host/x', sync-interval: 2s}}\n"+
		"- {path: /b, replica: {type: ftp, host: h}}\n"+
		"- {path: /c, replica: {type: mem, mirror: ['ftp://host/x']}}\n"+
		"- {path: /d, replica: {path: /r}}\n"+
		"replica: {url: 'FTP://host'}\n"), options())
	require.NoError(t, err)
	require.Len(t, file.DBs, 4)
	for _, r := range []config.Replica{file.DBs[0].Replicas[0], file.DBs[1].Replicas[0], file.DBs[2].Replicas[0], file.Replicas[0]} {
		require.ErrorIs(t, r.Unsupported(), fs.ErrInvalid)
		assert.Regexp(t, `line \d, column \d+: replicas of type "ftp" are not supported: known are abs, file`, r.Unsupported().Error())
		_, err := r.Open(t.Context())
		assert.Equal(t, r.Unsupported(), err)
		assert.Empty(t, r.Locations())
		assert.NotContains(t, r.String(), "hush")
	}
	assert.Equal(t, "ftp", file.DBs[0].Replicas[0].Type())
	assert.Equal(t, "2s", file.DBs[0].Replicas[0].Daemon()[0].Value)
	require.NoError(t, file.DBs[3].Replicas[0].Unsupported())
	_, err = file.DBs[3].Replicas[0].Open(t.Context())
	require.NoError(t, err)
}

// What is wrong does not hide the settings of the daemon beside it.
func TestInvalidHasDaemonSettings(t *testing.T) {
	file, err := config.Parse([]byte("dbs:\n"+
		"- {path: /a, monitor-interval: soon, replica: {path: /r, sync-interval: later, layout: flat}}\n"+
		"- {path: /b, replica: {path: /q}}\n"), options())
	require.ErrorContains(t, err, "layout")
	require.Len(t, file.DBs, 2)
	wrong := file.DBs[0]
	assert.True(t, wrong.Invalid)
	assert.Equal(t, "monitor-interval", wrong.Daemon[0].Key)
	require.Len(t, wrong.Replicas, 1)
	assert.Equal(t, "later", wrong.Replicas[0].Daemon()[0].Value)
	assert.Empty(t, wrong.Replicas[0].Type())
	assert.Empty(t, wrong.Replicas[0].Locations())
	assert.False(t, file.DBs[1].Invalid)

	found, err := config.ParseReplicas([]byte("[{path: /r}, {path: /q, layout: flat}]"), options())
	require.Error(t, err)
	assert.Nil(t, found)
}

// A file that is not YAML is told with the place where it is not.
func TestNotYAML(t *testing.T) {
	for text, says := range map[string]string{
		"dbs:\n  - a: b: c\n":                          "line 2, column 9: invalid YAML: mapping values",
		"dbs: [\n":                                     "line 2, column 1: invalid YAML: did not find",
		"a: &a 1\nb: *c\n":                             "unknown anchor",
		"a: 'x\n":                                      "line 1, column 4: invalid YAML: found unexpected end",
		"a: \"\xff\"\n":                                "init: invalid argument: invalid YAML: invalid leading UTF-8",
		"a: \x00\n":                                    "init: invalid argument: invalid YAML: control characters",
		"a: " + strings.Repeat("{b: ", 20_000):         "line 1, column 40001: invalid YAML: exceeded max depth",
		"dbs: []\n---\ndbs: []\n":                      "line 3, column 1: a second document starts here",
		"dbs: []\n---\n# nothing\n---\ndbs: []\n":      "line 5, column 1: a second document starts here",
		"dbs: [{path: !!binary L2Ri}]":                 "line 1, column 14: want a plain value",
		"dbs: [{path: /a, <<: {dir: /d}, <<: {b: c}}]": "line 1, column 33: << is set twice",
	} {
		_, err := config.Parse([]byte(text), options())
		require.ErrorIs(t, err, fs.ErrInvalid)
		assert.ErrorContains(t, err, says, text)
	}
}

// What names no place, or another one in Litestream, is refused.
func TestPlacesRefused(t *testing.T) {
	for replica, says := range map[string]string{
		"{url: 's3://b/a#b', region: eu-west-1}":    "the URL has a fragment",
		"{url: 'gs://bucket/#'}":                    "the URL has a fragment",
		"{url: 's3://b/a?region=eu-west-1#b'}":      "the URL has a fragment",
		"{url: \"s3://b/a\\n\", region: eu-west-1}": "the URL has a line break",
		"{type: s3, bucket: b, path: '${'}":         "path has ${ without }",
		"{type: s3, bucket: b, path: '${A}x${A'}":   "path has ${ without }",
	} {
		for _, file := range []string{"dbs: [{path: /db, replica: " + replica + "}]", "replica: " + replica} {
			_, err := config.Parse([]byte(file), options())
			require.ErrorIs(t, err, fs.ErrInvalid, file)
			assert.ErrorContains(t, err, says, file)
		}
	}
	_, err := config.Parse([]byte("replica: {path: '/${'}"), config.Options{NoExpandEnv: true})
	require.NoError(t, err)
}

// What Litestream takes of YAML: an empty document at the end, aliases as names.
func TestYAMLForms(t *testing.T) {
	const yaml = "dbs:\n  - path: /db\n    replica: {path: /r}\n"
	for _, text := range []string{yaml, "---\n" + yaml + "...\n", yaml + "---\n", yaml + "---\n# nothing\n", "\ufeff" + yaml, strings.ReplaceAll(yaml, "\n", "\r\n"),
		"x-a: &a path\n" + strings.Replace(yaml, "path: /db", "*a : /db", 1)} {
		file, err := config.Parse([]byte(text), options())
		require.NoError(t, err, text)
		assert.Equal(t, "/db", file.DBs[0].Path, text)
	}
}

// A file may have as many databases as there is room for; aliases must not make more of a
// small one.
func TestManyDatabases(t *testing.T) {
	const db = "  - {path: /a, dir: /b, pattern: c, recursive: d, watch: e, meta-path: f}\n"
	file, err := config.Parse([]byte("x-a: ["+strings.Repeat("a,", 100_000)+"]\ndbs:\n"+strings.Repeat(db, 1500)), options())
	require.NoError(t, err)
	assert.Len(t, file.DBs, 1500)
	_, err = config.Parse([]byte("x-a: &a ["+strings.Repeat("a,", 1000)+"]\ndbs: ["+strings.Repeat("*a,", 1000)+"]"), options())
	require.ErrorContains(t, err, "more than 100000 values")
}

// Litestream's YAML library prefers "<<" to the keys before it, and combines maps of one
// key: interop asks it. Where that matters, a litestream.yml is rejected.
func TestMerge(t *testing.T) {
	const base = "x-a: &a {path: /theirs, replica: {path: /base, must-exist: true}}\nx-b: &b {path: /b, must-exist: true}\n"
	for db, want := range map[string][2]string{
		"{<<: *a, path: /mine}":                                           {"/mine", "/base"},
		"{path: /x, replica: {<<: [{path: /c}, *b]}}":                     {"/x", "/c"},
		"{path: /x, replica: {<<: *b, must-exist: false, path: /d}}":      {"/x", "/d"},
		"{path: /x, replica: {layout: litestream, <<: [{path: /c}, *b]}}": {"/x", "/c"},
	} {
		file, err := config.Parse([]byte(base+"dbs: ["+db+"]"), options())
		require.NoError(t, err, db)
		assert.Equal(t, want[0], file.DBs[0].Path, db)
		assert.Equal(t, want[1], file.DBs[0].Replicas[0].Source().Settings["path"], db)
	}
	for db, key := range map[string]string{
		"{path: /mine, <<: *a}":                                          "line 3, column 8: path",
		"{<<: *a, replica: {path: /own}}":                                "line 3, column 16: replica",
		"{path: /x, replica: {must-exist: false, <<: [{path: /c}, *b]}}": "line 3, column 28: must-exist",
	} {
		_, err := config.Parse([]byte(base+"dbs: ["+db+"]"), options())
		assert.ErrorContains(t, err, key+" is also in <<, which Litestream prefers to it or combines with it", db)
	}

	// In other files the keys of a map itself take precedence.
	file, err := config.Parse([]byte("x-b: &b {path: /b, must-exist: true}\nreplica: {path: /own, <<: *b}"), options())
	require.NoError(t, err)
	assert.Equal(t, map[string]string{"path": "/own", "must-exist": "true"}, file.Replicas[0].Source().Settings)
}

// Litestream expands variables before it reads the YAML: space around a value without
// quotes, as of a secret that ends in a line break, is none of it.
func TestSpaceAroundVariables(t *testing.T) {
	options := config.Options{Getenv: func(string) (string, bool) { return " /r \n", true }}
	for text, want := range map[string]string{"${R}": "/r", "'${R}'": " /r \n", "x${R}": "x /r"} {
		file, err := config.Parse([]byte("dbs:\n  - path: /db\n    replica:\n      path: "+text), options)
		require.NoError(t, err)
		assert.Equal(t, want, file.DBs[0].Replicas[0].Source().Settings["path"], text)
		file, err = config.Parse([]byte("replica:\n  path: "+text), options)
		require.NoError(t, err)
		assert.Contains(t, file.Replicas[0].Source().Settings["path"], " /r \n", text)
	}
}
