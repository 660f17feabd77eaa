package config_test

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"log/slog"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v4"

	_ "github.com/ltxstore/ltxstore/abs"
	"github.com/ltxstore/ltxstore/config"
	_ "github.com/ltxstore/ltxstore/file"
	_ "github.com/ltxstore/ltxstore/gcs"
	_ "github.com/ltxstore/ltxstore/mock"
	_ "github.com/ltxstore/ltxstore/nats"
	"github.com/ltxstore/ltxstore/s3"
	_ "github.com/ltxstore/ltxstore/sftp"
	_ "github.com/ltxstore/ltxstore/webdav"
)

// env is the environment of the tests, and nothing of the developer's.
func env(key string) (string, bool) {
	value, ok := map[string]string{"HOME": "/home/me", "BUCKET": "b", "KEY": "AKIA", "SECRET": "hu#sh:$x", "EMPTY": ""}[key]
	return value, ok
}

func options() config.Options { return config.Options{Getenv: env} }

// opened returns the settings of a client, without its secrets.
func opened(t *testing.T, r config.Replica) string {
	t.Helper()
	client, err := r.Open(t.Context())
	require.NoError(t, err)
	if c, ok := client.(*s3.ReplicaClient); ok {
		return c.String()
	}
	return client.Type()
}

const litestreamYML = `
# AWS credentials
access-key-id: ${KEY}
secret-access-key: $SECRET
sync-interval: 5s
addr: ":9090"          # $UNSET in a comment
levels:
  - interval: 30s
snapshot:
  interval: 24h
logging: {level: debug}
exec: "sh -c 'echo $NOTSET'"
storage-class: STANDARD_IA

dbs:
  - path: /var/lib/one.db
    monitor-interval: 1s
    replica: &defaults
      type: s3
      bucket: $BUCKET
      path: one/
      region: eu-west-3
      part-size: 8MiB
      concurrency: 3
      sign-payload: true
      require-content-md5: false
      sync-interval: 10s
  - path: /var/lib/two.db
    replica:
      <<: *defaults
      path: two
  - dir: /var/lib/all
    pattern: "*.db"
    recursive: true
    replicas:
      - name: disk
        path: ~/replicas
      - url: s3://my.bucket.com/db?storage-class=GLACIER_IR
        secret-access-key:
`

// A litestream.yml opens unchanged.
func TestParseLitestream(t *testing.T) {
	file, err := config.Parse([]byte(litestreamYML), options())
	require.NoError(t, err)
	require.Len(t, file.DBs, 3)
	assert.Empty(t, file.Replicas)
	assert.Equal(t, []config.Setting{
		{Key: "sync-interval", Value: "5s", Line: 5, Column: 1},
		{Key: "addr", Value: ":9090", Line: 6, Column: 1},
		{Key: "levels.0.interval", Value: "30s", Line: 8, Column: 5},
		{Key: "snapshot.interval", Value: "24h", Line: 10, Column: 3},
		{Key: "logging.level", Value: "debug", Line: 11, Column: 11},
		{Key: "exec", Value: "sh -c 'echo '", Line: 12, Column: 1},
	}, file.Daemon)

	one := file.DBs[0]
	assert.Equal(t, "/var/lib/one.db", one.Path)
	assert.Equal(t, []config.Setting{{Key: "monitor-interval", Value: "1s", Line: 17, Column: 5}}, one.Daemon)
	require.Len(t, one.Replicas, 1)
	assert.Equal(t, []config.Setting{{Key: "sync-interval", Value: "10s", Line: 27, Column: 7}}, one.Replicas[0].Daemon())
	assert.Equal(t, "s3", one.Replicas[0].Type())
	assert.Equal(t, "s3://b/one", one.Replicas[0].String())
	assert.Equal(t, `s3.Config{Bucket:"b" Path:"one/" Layout:litestream-s3 Region:"eu-west-3" AccessKeyID:"AKIA" SecretAccessKey:[redacted] Transfer.PartSize:8388608 Transfer.Concurrency:3 StorageClass:"STANDARD_IA" SignPayload:true ContentMD5:"never"}`,
		opened(t, one.Replicas[0]))
	source := one.Replicas[0].Source()
	assert.Equal(t, "hu#sh:$x", source.Defaults["secret-access-key"], "a value is not YAML again")
	assert.Equal(t, "8MiB", source.Settings["part-size"])

	two := file.DBs[1].Replicas[0]
	assert.Contains(t, opened(t, two), `Bucket:"b" Path:"two" Layout:litestream-s3`)

	all := file.DBs[2]
	assert.Equal(t, "/var/lib/all", all.Dir)
	require.Len(t, all.Replicas, 2)
	disk := all.Replicas[0]
	assert.Equal(t, "disk", disk.Name())
	assert.Equal(t, "/home/me/replicas", disk.Source().Settings["path"])
	assert.Equal(t, "litestream", disk.Source().Layout)
	assert.Equal(t, []config.Setting{{Key: "sync-interval", Value: "5s", Line: 5, Column: 1}}, disk.Daemon(), "inherited")
	assert.Equal(t, "file", opened(t, disk))
	url := all.Replicas[1]
	assert.Contains(t, opened(t, url), `Bucket:"my.bucket.com" Path:"db" Layout:litestream-s3`)
	assert.Contains(t, opened(t, url), `AccessKeyID:"AKIA" SecretAccessKey:[redacted]`)
}

// Litestream's gs replicas have the layout of all but S3.
func TestParseGS(t *testing.T) {
	file, err := config.Parse([]byte("dbs:\n- path: /db\n  replica: {type: gs, bucket: bucket, path: db}\n- path: /db2\n  replica: {url: 'gs://bucket/db2'}\n"), options())
	require.NoError(t, err)
	for i, path := range []string{"db", "db2"} {
		client, err := file.DBs[i].Replicas[0].Open(t.Context())
		require.NoError(t, err)
		assert.Contains(t, fmt.Sprint(client), `Bucket:"bucket" Path:"`+path+`" Layout:litestream}`)
	}
}

// A section, and a list of them.
func TestParseReplicas(t *testing.T) {
	one, err := config.ParseReplicas([]byte("url: mem://?page-size=7\nlayout: litestream"), options())
	require.NoError(t, err)
	require.Len(t, one, 1)
	assert.Equal(t, "mock", one[0].Type())
	assert.Equal(t, "mock", opened(t, one[0]))

	several, err := config.ParseReplicas([]byte("- {type: s3, bucket: b}\n- path: /r\n"), options())
	require.NoError(t, err)
	require.Len(t, several, 2)
	assert.Contains(t, opened(t, several[0]), "Layout:default")
	assert.Equal(t, "file", several[1].Type())

	opts := options()
	opts.Litestream = true
	several, err = config.ParseReplicas([]byte("- {type: s3, bucket: b}\n- {type: s3, bucket: b, layout: default}\n"), opts)
	require.NoError(t, err)
	assert.Contains(t, opened(t, several[0]), "Layout:litestream-s3")
	assert.Contains(t, opened(t, several[1]), "Layout:default")
}

func TestTopLevelReplicas(t *testing.T) {
	file, err := config.Parse([]byte("region: eu-west-3\nreplicas:\n- {type: s3, bucket: b}\n- url: file:///r?write-once=true\n"), options())
	require.NoError(t, err)
	require.Len(t, file.Replicas, 2)
	assert.Contains(t, opened(t, file.Replicas[0]), `Layout:default Region:"eu-west-3"`)
	file, err = config.Parse([]byte("replica: {path: /r}\nretention: {enabled: true}\n"), options())
	require.NoError(t, err)
	require.Len(t, file.Replicas, 1)
	assert.Equal(t, []config.Setting{{Key: "retention.enabled", Value: "true", Line: 2, Column: 13}}, file.Daemon)
	file, err = config.Parse([]byte("dbs:\nreplicas:\n"), options())
	require.NoError(t, err)
	assert.Empty(t, file.Replicas)
}

func TestRefusals(t *testing.T) {
	for text, says := range map[string]string{
		"":                   "the configuration is empty",
		"a: [":               "did not find expected node content",
		"- a":                "line 1, column 1: want a map, with dbs, replica or replicas",
		"dbs: {}":            "dbs: want a list of databases",
		"dbs: [x]":           "line 1, column 7: want a map with a database's path",
		"dbss: []":           `line 1, column 1: unknown setting "dbss": did you mean dbs?`,
		"sync-intervall: 1s": "did you mean sync-interval?",
		"path: /r":           "path is a setting of a single replica: put it below replica or dbs",
		"dbs:\n- pathh: x":   `line 2, column 3: unknown setting "pathh": did you mean path?`,
		"dbs:\n- {replica: {path: /r}, replicas: []}":            "both replica and replicas are set",
		"replica: [{path: /r}]":                                  "replica is a list: rename it to replicas",
		"replicas: {path: /r}":                                   "replicas is not a list",
		"replicas: [x]":                                          "line 1, column 12: want a map with the settings of a replica",
		"replica: {}":                                            "want the replica's root directory",
		"replica: {path: /r, path: /s}":                          "line 1, column 21: path is set twice",
		"replica: {? [a] : b}":                                   "want a name before the colon",
		"replica: {<<: x}":                                       "want a map to merge",
		"replica: {path: [/r]}":                                  `unknown setting "path.0" (line 1, column 18): did you mean path?`,
		"replica: {type: s3, bucket: b, regoin: x}":              `unknown setting "regoin" (line 1, column 32): did you mean region?`,
		"replica: {type: s3, bucket: b, regoin: }":               `unknown setting "regoin": did you mean region?`,
		"replica:\n  type: s3\n  bucket: b\n  skip-verify: ture": `replica at line 1, column 1: s3: init: invalid argument: skip-verify (line 4, column 3) is "ture": want true or false`,
		"replica: {type: s3, bucket: b, part-size: 5XB}":         "want a size in bytes",
		"replica: {type: s3, bucket: b, part-size: 1MiB}":        `part-size (line 1, column 32) is "1MiB": want 0 (default), or 5 MiB to 5 GiB`,
		"replica: {type: s3, bucket: b, tags: prod}":             "tags (line 1, column 32) has no name of its own",
		"replica: {bucket: b}":                                   "line 1, column 11: bucket is a setting of type abs or gcs or nats or oss or s3, and this replica's type is file",
		"replica: {path: /r, account-name: x}":                   "line 1, column 21: account-name is a setting of type abs",
		"replica: {path: 's3://b'}":                              "line 1, column 11: path is a URL: use url instead",
		"replica: {url: 's3://b', path: p}":                      "line 1, column 26: url and path are the same setting",
		"replica: {url: 's3://b', bucket: b}":                    "url and bucket",
		"replica: {url: 's3://b?region=x', region: y}":           `region in the URL is "x" and region (line 1, column 35) is "y"`,
		"replica: {url: 's3://b', type: file}":                   `type is "file" and the URL's scheme "s3"`,
		"replica: {url: /r}":                                     "the URL has no scheme",
		"snapshot: {intervall: 1h}":                              `line 1, column 12: unknown setting "snapshot.intervall": did you mean snapshot.interval?`,
		"levels: [{interval: 1h}, {intervl: 2h}]":                `line 1, column 27: unknown setting "levels.1.intervl": did you mean levels.interval?`,
		"dbs: [{path: /a, snapshot: {keep: 1h}}]":                `line 1, column 29: unknown setting "snapshot.keep" (known: busy-timeout`,
		"addr: {host: x}":                                        `line 1, column 8: unknown setting "addr.host"`,
		"replica: {path: /r, sync-intervall: 1s}":                `line 1, column 21: unknown setting "sync-intervall": did you mean sync-interval?`,
		"replica: {type: abs, bucket: b}":                        `bucket (line 1, column 22) is "b": want a container's name: 3 to 63 lower-case letters`,
		"replica: {path: /r/$HOSTNAME}":                          "line 1, column 11: path has the variable $HOSTNAME, which is not set",
		"replica: {path: /r, layout: flat}":                      "is \"flat\": want auto, default, litestream or litestream-s3",
		"replica: {path: /r, dir-mode: 750}":                     "in octal with a leading 0",
		"a: &a [*a]":                                             "an alias that contains itself",
	} {
		_, err := config.Parse([]byte(text), options())
		if assert.ErrorIs(t, err, fs.ErrInvalid, text) {
			assert.ErrorContains(t, err, says, text)
			assert.NotContains(t, err.Error(), "\n", text)
		}
	}
}

// What is nearly a secret is not shown.
func TestSecretsAreNotShown(t *testing.T) {
	for _, text := range []string{
		"{type: s3, bucket: b, secret-access-key: hush}",
		"{type: s3, bucket: b, secret-acces-key: hush}",
		"{type: s3, bucket: b, access-key-id: x, secret-access-key: hu sh}",
		"{url: 's3://id:hush@b', secret-access-key: hush2}",
		"{type: s3, bucket: b, sse-customer-key: hush!}",
		"{type: s3, bucket: b, secret-access-key: *hush}",
		"{url: 's3://id:hu/sh@b'}",
		"{url: 's3://b?endpoint=https://id:hush@x'}",
		"{type: s3, bucket: b, endpoint: 'https://id:hush@x'}",
	} {
		_, err := config.ParseReplicas([]byte(text), options())
		require.Error(t, err, text)
		assert.NotContains(t, err.Error(), "hu", text)
	}
	found, err := config.ParseReplicas([]byte("{url: 's3://id:hush@b/p', session-token: hush}"), options())
	require.NoError(t, err)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s"} {
		assert.NotContains(t, fmt.Sprintf(verb, found), "hush")
		assert.Contains(t, fmt.Sprintf(verb, found), "s3://[redacted]@b/p")
		var log strings.Builder
		slog.New(slog.NewTextHandler(&log, nil)).Info(verb, "replica", found[0])
		assert.NotContains(t, log.String(), "hush")
		assert.Contains(t, log.String(), "s3://[redacted]@b/p")
	}
}

func TestExpand(t *testing.T) {
	path := func(text string, opts config.Options) string {
		t.Helper()
		found, err := config.ParseReplicas([]byte("path: "+text), opts)
		require.NoError(t, err, text)
		return found[0].Source().Settings["path"]
	}
	for text, want := range map[string]string{
		"/r/$BUCKET/x": "/r/b/x", "/r/${BUCKET}x": "/r/bx", "/r/${NONE:-other}": "/r/other", "/r/${EMPTY:-other}": "/r/other", "/r/${NONE:-}x": "/r/x",
		"/r/$EMPTY": "/r/", "/r/$$x": "/r/$x", "'/r/$ x'": "/r/$ x", "'$SECRET'": "hu#sh:$x", `"~"`: "/home/me", "~/r": "/home/me/r", "~r": "~r",
	} {
		assert.Equal(t, want, path(text, options()), text)
	}
	assert.Regexp(t, `^/r/\d+$`, path("/r/$PID", options()))
	opts := options()
	opts.NoExpandEnv = true
	assert.Equal(t, "/r/$BUCKET$$${NONE}", path("/r/$BUCKET$$${NONE}", opts))

	none := config.Options{Getenv: func(string) (string, bool) { return "", false }}
	_, err := config.ParseReplicas([]byte("path: ~/r"), none)
	assert.ErrorContains(t, err, "HOME is not set")
}

func TestSub(t *testing.T) {
	for text, want := range map[string]string{
		"{url: 's3://b'}":                    `Bucket:"b" Path:"a b/c?.db"`,
		"{url: 's3://b/base/?region=x-y-1'}": `Bucket:"b" Path:"base/a b/c?.db"`,
		"{type: s3, bucket: b}":              `Bucket:"b" Path:"a b/c?.db"`,
		"{type: s3, bucket: b, path: base}":  `Bucket:"b" Path:"base/a b/c?.db"`,
	} {
		found, err := config.ParseReplicas([]byte(text), options())
		require.NoError(t, err)
		sub, err := found[0].Sub("a b/c?.db")
		require.NoError(t, err)
		assert.Contains(t, opened(t, sub), want, text)
		again, err := found[0].Sub("other")
		require.NoError(t, err)
		assert.NotContains(t, opened(t, again), "a b", "a copy")
		for _, bad := range []string{"", "/", "..", "a/../..", "."} {
			_, err := found[0].Sub(bad)
			assert.ErrorIs(t, err, fs.ErrInvalid, bad)
		}
	}
}

// daemon is the configuration of a program of somebody else's.
type daemon struct {
	Addr    string
	Replica config.Section
	Other   config.Section
}

// Whatever parser the daemon has, its section is read.
func TestSection(t *testing.T) {
	const text = "addr: x\nreplica:\n- type: s3\n  bucket: $BUCKET\n  part-size: 8MiB\n  tags: {env: prod}\n  region:\n- {path: /r, dir-mode: 0750}\n"
	const object = `{"Addr": "x", "Replica": [{"type": "s3", "bucket": "$BUCKET", "part-size": 8388608, "tags": {"env": "prod"}, "region": null}, {"path": "/r", "dir-mode": "0750"}]}`
	var fromYAML, fromJSON daemon
	require.NoError(t, yaml.Load([]byte(text), &fromYAML))
	require.NoError(t, json.Unmarshal([]byte(object), &fromJSON))
	for _, d := range []daemon{fromYAML, fromJSON} {
		assert.Equal(t, "x", d.Addr)
		found, err := d.Replica.ParseConfig(options())
		require.NoError(t, err)
		require.Len(t, found, 2)
		assert.Contains(t, opened(t, found[0]), `Bucket:"b"`)
		assert.Equal(t, "prod", found[0].Source().Settings["tags.env"])
		assert.Equal(t, "0750", found[1].Source().Settings["dir-mode"])
		none, err := d.Other.ParseConfig(options())
		require.NoError(t, err)
		assert.Empty(t, none)
		assert.Equal(t, "[redacted]", fmt.Sprintf("%#v", d.Replica))
	}

	var broken daemon
	require.NoError(t, yaml.Load([]byte("replica: {path: /r, wirte-once: true}"), &broken))
	_, err := broken.Replica.ParseConfig(options())
	assert.ErrorContains(t, err, `config: replica at line 1, column 10: file: init: invalid argument: unknown setting "wirte-once" (line 1, column 21): did you mean write-once?`)
	assert.Error(t, json.Unmarshal([]byte(`{"Replica": {"a": 1, "a": 2}}`), &broken))
}

// A Section can be filled from a node, too.
func TestSectionOfANode(t *testing.T) {
	parse := func(n *yaml.Node) ([]config.Replica, error) {
		var s config.Section
		if err := s.UnmarshalYAML(n); err != nil {
			return nil, err
		}
		return s.ParseConfig(options())
	}
	var d struct{ Replica yaml.Node }
	require.NoError(t, yaml.Load([]byte("replica:\n  path: /r\n  wirte-once: true\n"), &d))
	_, err := parse(&d.Replica)
	assert.ErrorContains(t, err, `unknown setting "wirte-once" (line 3, column 3): did you mean write-once?`)
	found, err := parse(&yaml.Node{})
	require.NoError(t, err)
	assert.Empty(t, found)
	loop := &yaml.Node{Kind: yaml.SequenceNode}
	loop.Content = []*yaml.Node{{Kind: yaml.AliasNode, Alias: loop}}
	_, err = parse(loop)
	assert.ErrorContains(t, err, "an alias that contains itself")
}

// FuzzParse: no file makes the parser panic, and no error shows a secret.
func FuzzParse(f *testing.F) {
	f.Add([]byte("dbs: [{path: $X, replica: &a {path: /r}}, {replica: {<<: *a, url: 's3://b?x=1', age: }}]"), "region", "a b")
	f.Add([]byte("- &a {path: /r}\n- {<<: *a, sync-interval: 1s}"), "secret-acces-key", "")
	f.Add([]byte("replicas: [{type: s3, tags: {a: [b]}}]"), "url", "s3://b")
	f.Fuzz(func(t *testing.T, data []byte, key, value string) {
		config.Parse(data, options())
		config.ParseReplicas(data, options())
		var s config.Section
		yaml.Load(data, &s)
		s.ParseConfig(options())

		section, err := yaml.Dump(map[string]string{"type": "s3", "bucket": "b", key: value, "secret-access-key": "s3cr3t" + value})
		if err != nil || strings.Contains(key+value, "s3cr3t") {
			return
		}
		if _, err = config.ParseReplicas(section, options()); err != nil && strings.Contains(err.Error(), "s3cr3t") {
			t.Fatal(err)
		}
	})
}
