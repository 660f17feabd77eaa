package config_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ltxstore/ltxstore/config"
)

// one parses a file and returns its only replica.
func one(t *testing.T, text string) config.Replica {
	t.Helper()
	file, err := config.Parse([]byte(text), options())
	require.NoError(t, err, text)
	if len(file.DBs) > 0 {
		return file.DBs[0].Replicas[0]
	}
	return file.Replicas[0]
}

// The replicas of a mirror have what any replica of a litestream.yml has: its
// layout, unless they name one, and a home directory.
func TestMirrorOfALitestreamFile(t *testing.T) {
	for text, want := range map[string]map[string]string{
		"[{path: ~/r}]":                            {"mirror.0.path": "/home/me/r", "mirror.0.layout": "litestream"},
		"[{type: s3, bucket: b}]":                  {"mirror.0.layout": "litestream-s3", "mirror.0.path": ""},
		"[{type: s3, bucket: b, layout: default}]": {"mirror.0.layout": "default"},
		"['mem://', 's3://b/x']":                   {"mirror.0.layout": "litestream", "mirror.1.layout": "litestream-s3", "mirror.1": "s3://b/x"},
		"[{url: 's3://b/x'}]":                      {"mirror.0.layout": "litestream-s3", "mirror.0.url": "s3://b/x"},
		"['s3://b/x?layout=default']":              {"mirror.0.layout": ""},
		"[{url: 's3://b/x?layout=default'}]":       {"mirror.0.layout": ""},
		"{replicas: [{path: /r}, 's3://b']}":       {"mirror.replicas.0.layout": "litestream", "mirror.replicas.1.layout": "litestream-s3"},
		"{policy: quorum, replicas: ['mem://']}":   {"mirror.policy": "quorum", "mirror.replicas.0.layout": "litestream", "mirror.layout": "", "mirror.policy.layout": ""},
	} {
		given := one(t, "dbs: [{path: /db, replica: {type: mem, mirror: "+text+"}}]").Source().Settings
		for key, value := range want {
			assert.Equal(t, value, given[key], "%s: %s", text, key)
		}
		// Inherited, all the same.
		given = one(t, "mirror: "+text+"\ndbs: [{path: /db, replica: {type: mem}}]").Source().Defaults
		for key, value := range want {
			assert.Equal(t, value, given[key], "%s: %s", text, key)
		}
		// Elsewhere the layout is the library's, and the home directory there too.
		given = one(t, "replica: {type: mem, mirror: "+text+"}").Source().Settings
		for _, key := range []string{"mirror.0.layout", "mirror.1.layout", "mirror.replicas.0.layout"} {
			if want[key] != "default" {
				assert.Empty(t, given[key], text)
			}
		}
		if want["mirror.0.path"] != "" {
			assert.Equal(t, want["mirror.0.path"], given["mirror.0.path"], text)
		}
	}

	for text, says := range map[string]string{
		"dbs: [{path: /db, replica: {type: mem, mirror: 'mem://'}}]":               "mirror (line 1, column 40) is a URL: want a list of one, so that it has the layout of Litestream",
		"dbs: [{path: /db, replica: {type: mem, mirror: {replicas: 'mem://'}}}]":   "mirror.replicas (line 1, column 49) is a URL: want a list of one",
		"dbs: [{path: /db, replica: {url: 'mem://?mirror=mem://'}}]":               "the URL has a mirror: want it beside the URL",
		"dbs: [{path: /db, replica: {url: 'mem://?page-size=3&mirror.0=mem://'}}]": "the URL has a mirror: want it beside the URL",
		"dbs: [{path: /db, replica: {type: mem, mirror: ['gone://x']}}]":           `mirror.0: ltxstore: init: invalid argument: no backend is registered for the scheme "gone"`,
	} {
		_, err := config.Parse([]byte(text), options())
		assert.ErrorContains(t, err, says, text)
	}
	for _, text := range []string{
		"dbs: [{path: /db, replica: {type: mem, mirror: 'mem://?layout=default'}}]",
		"dbs: [{path: /db, replica: {url: 'mem://?page-size=3'}}]",
		"dbs: [{path: /db, replica: {type: mem, mirror: false}}]",
		"replica: {type: mem, mirror: 'mem://'}",
		"replica: {url: 'mem://?mirror=mem://'}",
	} {
		one(t, text)
	}
	_, err := config.Parse([]byte("replica: {type: mem, mirror: [{path: ~/r}]}"), config.Options{Getenv: func(string) (string, bool) { return "", false }})
	assert.ErrorContains(t, err, `path is "~/r", and HOME is not set`)
}

// A directory's databases have places of their own in the replicas of a mirror.
func TestSubOfAMirror(t *testing.T) {
	for text, want := range map[string]map[string]string{
		"[{path: /r}, {type: s3, bucket: b}]":      {"mirror.0.path": "/r/a db", "mirror.1.path": "/a db"},
		"['s3://b/x?part-size=5MiB', 'file:///r']": {"mirror.0": "s3://b/x/a%20db?part-size=5MiB", "mirror.1": "file:///r/a%20db"},
		"[{url: 's3://b/x/'}]":                     {"mirror.0.url": "s3://b/x/a%20db", "mirror.0.path": ""},
		"'s3://b/x'":                               {"mirror": "s3://b/x/a%20db"},
		"{replicas: [{path: /r}], policy: all}":    {"mirror.replicas.0.path": "/r/a db", "mirror.policy": "all", "mirror.policy.path": "", "mirror.path": ""},
	} {
		for _, whole := range []string{"replica: {type: s3, bucket: b, path: p, mirror: " + text + "}", "mirror: " + text + "\nreplica: {url: 's3://b/p?region=eu'}"} {
			replica := one(t, whole)
			before := replica.String()
			sub, err := replica.Sub("a db")
			require.NoError(t, err, whole)
			given := sub.Source().Settings
			if sub.Source().URL != "" {
				assert.Equal(t, "s3://b/p/a%20db?region=eu", sub.Source().URL)
				given = sub.Source().Defaults
			} else {
				assert.Equal(t, "p/a db", given["path"])
			}
			for key, value := range want {
				assert.Equal(t, value, given[key], "%s: %s", whole, key)
			}
			assert.Equal(t, before, replica.String(), "the whole is as it was")
		}
	}
	for _, mirror := range []string{"['s3://b/x']", "[{url: 's3://b/x'}]"} { // whose layout is a setting beside the URL
		sub, err := one(t, "dbs: [{dir: /d, replica: {type: mem, mirror: "+mirror+"}}]").Sub("db")
		require.NoError(t, err)
		assert.NotContains(t, sub.Source().Settings, "mirror.0.path", mirror)
		assert.Equal(t, "litestream-s3", sub.Source().Settings["mirror.0.layout"])
	}
	off, err := one(t, "replica: {type: mem, mirror: false}").Sub("db")
	require.NoError(t, err)
	assert.Equal(t, map[string]string{"mirror": "false", "path": "/db"}, off.Source().Settings)
	for _, url := range []string{"mem://?mirror=mem://", "mem://?page-size=3&mirror.0=mem://"} {
		_, err = one(t, "replica: {url: '"+url+"'}").Sub("db")
		assert.ErrorContains(t, err, "want a mirror beside the URL")
	}
}

// A variable that is not set is an error in what says where a replica is.
func TestMissingVariables(t *testing.T) {
	for _, text := range []string{
		"replica: {url: 's3://${GONE}/x'}", "replica: {type: '${GONE}'}", "replica: {type: mem, name: '${GONE}'}", "replica: {type: mem, path: '${GONE}'}",
		"dbs: [{path: '${GONE}'}]", "dbs: [{dir: '${GONE}'}]", "path: x\ndbs: []", "replica: {type: mem, mirror: ['${GONE}']}", "replica: {type: mem, crypt: {identities: ['${GONE}']}}",
		"crypt: {identities: ['${GONE}']}\nreplica: {type: mem}", "page-size: ${GONE}\nreplica: {type: mem}",
	} {
		_, err := config.Parse([]byte(text), options())
		assert.Error(t, err, text)
	}
}
