package config_test

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ltxstore/ltxstore"
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
	for text, want := range map[string][]ltxstore.Source{
		"[{path: ~/r}]":                                    {{Type: "file", Settings: map[string]string{"path": "/home/me/r"}, Layout: "litestream"}},
		"[{type: s3, bucket: b}]":                          {{Type: "s3", Settings: map[string]string{"bucket": "b"}, Layout: "litestream-s3"}},
		"['mem://', 's3://b/x']":                           {{Type: "mock", URL: "mem://", Layout: "litestream"}, {Type: "s3", URL: "s3://b/x", Layout: "litestream-s3"}},
		"[{url: 's3://b/x'}]":                              {{Type: "s3", URL: "s3://b/x", Layout: "litestream-s3"}},
		"'s3://b/x'":                                       {{Type: "s3", URL: "s3://b/x", Layout: "litestream-s3"}},
		"['s3://b/x?layout=default']":                      {{Type: "s3", URL: "s3://b/x?layout=default", Layout: "litestream-s3"}}, // the URL's wins
		"{replicas: [{path: /r}, 's3://b/']}":              {{Type: "file", Settings: map[string]string{"path": "/r"}, Layout: "litestream"}, {Type: "s3", URL: "s3://b/", Layout: "litestream-s3"}},
		"{policy: quorum, replicas: 'mem://'}":             {{Type: "mock", URL: "mem://", Layout: "litestream"}},
		"[{type: mem, layout: default, write-once: true}]": {{Type: "mock", Settings: map[string]string{"layout": "default", "write-once": "true"}, Layout: "litestream"}},
	} {
		for _, whole := range []string{
			"dbs: [{path: /db, replica: {type: mem, mirror: " + text + "}}]",
			"mirror: " + text + "\ndbs: [{path: /db, replica: {type: mem}}]", // inherited
			"mirror: " + text + "\ndbs: [{path: /db, replica: {type: mem, mirror: {policy: all}}}]",
			"replica: {type: mem, mirror: " + text + "}",
		} {
			src := one(t, whole).Source()
			require.Len(t, src.Mirrors, len(want), whole)
			for i, got := range src.Mirrors {
				want := want[i]
				if strings.HasPrefix(whole, "replica") {
					want.Layout = "" // the library's
				}
				got.Where, got.Getenv, got.Defaults = nil, nil, nil
				if want.Settings == nil {
					want.Settings = make(map[string]string)
				}
				assert.Equal(t, want, got, whole)
			}
			assert.NoError(t, src.Check(), whole)
		}
	}
	for _, text := range []string{
		"mirror: ['mem://']\ndbs: [{path: /db, replica: {type: mem, mirror: false}}]",
		"mirror: ['mem://']\ndbs: [{path: /db, replica: {type: mem, mirror: {enabled: false}}}]",
		"dbs: [{path: /db, replica: {type: mem, mirror: false}}]",
	} {
		if strings.Contains(text, "{enabled") {
			continue // a map turns it on
		}
		assert.Empty(t, one(t, text).Source().Mirrors, text)
	}
	own := one(t, "mirror: ['mem://']\nreplica: {type: mem, mirror: ['s3://b']}").Source().Mirrors
	require.Len(t, own, 1, "its own replace what is inherited")
	assert.Equal(t, "s3://b", own[0].URL)

	for text, says := range map[string]string{
		"replica: {url: 'mem://?mirror=mem://'}":                                         "mirror in the URL is not shown: want true or false",
		"replica: {url: 'mem://?mirror.replicas=s3%3A%2F%2Fb%3Fsecret-access-key=hush'}": "mirror.replicas in the URL is not shown: want a list of replicas in a file",
		"replica: {type: mem, mirror: [{path: ~/r}]}":                                    "",
		"replica: {type: mem, mirror: [{type: mem, page-size: x}]}":                      `mirror.0: mock: init: invalid argument: page-size (line 1, column 43) is "x"`,
	} {
		_, err := config.Parse([]byte(text), options())
		if says == "" {
			require.NoError(t, err)
			_, err = config.Parse([]byte(text), config.Options{Getenv: func(string) (string, bool) { return "", false }})
			says = `path is "~/r", and HOME is not set`
		}
		assert.ErrorContains(t, err, says, text)
		assert.NotContains(t, err.Error(), "hush")
	}
}

// A directory's databases have places of their own in the replicas of a mirror.
func TestSubOfAMirror(t *testing.T) {
	for text, want := range map[string][]string{
		"[{path: /r}, {type: s3, bucket: b}]":      {"/r/a db", "a db"},
		"['s3://b/x?part-size=5MiB', 'file:///r']": {"s3://b/x/a%20db?part-size=5MiB", "file:///r/a%20db"},
		"[{url: 's3://b/x/'}]":                     {"s3://b/x/a%20db"},
		"'s3://b/x'":                               {"s3://b/x/a%20db"},
		"{replicas: [{path: /r}], policy: all}":    {"/r/a db"},
		"[{path: /r, mirror: ['file:///q']}]":      {"/r/a db"},
	} {
		for _, whole := range []string{"replica: {type: s3, bucket: b, path: p, mirror: " + text + "}", "mirror: " + text + "\nreplica: {url: 's3://b/p?region=eu'}"} {
			replica := one(t, whole)
			before := replica.Source()
			before.Settings, before.Mirrors = maps.Clone(before.Settings), slices.Clone(before.Mirrors)
			sub, err := replica.Sub("a db")
			require.NoError(t, err, whole)
			src := sub.Source()
			if src.URL != "" {
				assert.Equal(t, "s3://b/p/a%20db?region=eu", src.URL)
			} else {
				assert.Equal(t, "p/a db", src.Settings["path"])
			}
			require.Len(t, src.Mirrors, len(want))
			for i, mirror := range src.Mirrors {
				assert.Equal(t, want[i], mirror.URL+mirror.Settings["path"], whole)
				for _, nested := range mirror.Mirrors {
					assert.Equal(t, "file:///q/a%20db", nested.URL)
				}
			}
			after := replica.Source()
			assert.Equal(t, before.URL, after.URL, "the whole is as it was")
			assert.Equal(t, before.Settings, after.Settings)
			for i, mirror := range after.Mirrors {
				assert.Equal(t, before.Mirrors[i].URL, mirror.URL)
			}
		}
	}
	off, err := one(t, "replica: {type: mem, mirror: false}").Sub("db")
	require.NoError(t, err)
	assert.Equal(t, map[string]string{"mirror": "false", "path": "db"}, off.Source().Settings)
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
