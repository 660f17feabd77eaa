package config_test

import (
	"io/fs"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/abs"
	"github.com/ltxstore/ltxstore/config"
	"github.com/ltxstore/ltxstore/file"
	"github.com/ltxstore/ltxstore/gcs"
	"github.com/ltxstore/ltxstore/mock"
	"github.com/ltxstore/ltxstore/nats"
	"github.com/ltxstore/ltxstore/oss"
	"github.com/ltxstore/ltxstore/s3"
	"github.com/ltxstore/ltxstore/sftp"
	"github.com/ltxstore/ltxstore/webdav"
)

// Whatever the backend: what is wrong with a Config is told by its field, in an
// error that has the client's Type and no key.
func TestErrorsOfAConfigHaveOneShape(t *testing.T) {
	unknown := ltxstore.Layout(99)
	for name, test := range map[string]struct {
		client ltxstore.ReplicaClient
		field  string
	}{
		"file: missing":   {file.NewReplicaClient(file.Config{}), "Path"},
		"file: refused":   {file.NewReplicaClient(file.Config{Path: "/x", SweepAge: -1}), "SweepAge"},
		"file: layout":    {file.NewReplicaClient(file.Config{Path: "/x", Layout: unknown}), "Layout"},
		"s3: missing":     {s3.NewReplicaClient(s3.Config{}), "Bucket"},
		"s3: path":        {s3.NewReplicaClient(s3.Config{Bucket: "bucket", Path: "../x"}), "Path"},
		"s3: layout":      {s3.NewReplicaClient(s3.Config{Bucket: "bucket", Layout: unknown}), "Layout"},
		"s3: retry":       {s3.NewReplicaClient(s3.Config{Bucket: "bucket", Retry: ltxstore.Retry{MaxAttempts: -1}}), "Retry.MaxAttempts"},
		"gcs: missing":    {gcs.NewReplicaClient(gcs.Config{}), "Bucket"},
		"gcs: path":       {gcs.NewReplicaClient(gcs.Config{Bucket: "bucket", Path: "../x"}), "Path"},
		"gcs: layout":     {gcs.NewReplicaClient(gcs.Config{Bucket: "bucket", Layout: unknown}), "Layout"},
		"gcs: retry":      {gcs.NewReplicaClient(gcs.Config{Bucket: "bucket", Retry: ltxstore.Retry{BaseDelay: -1}}), "Retry.BaseDelay"},
		"abs: missing":    {abs.NewReplicaClient(abs.Config{}), "Bucket"},
		"abs: path":       {abs.NewReplicaClient(abs.Config{Bucket: "bucket", Account: "a", Path: "../x"}), "Path"},
		"abs: layout":     {abs.NewReplicaClient(abs.Config{Bucket: "bucket", Account: "a", Layout: unknown}), "Layout"},
		"abs: retry":      {abs.NewReplicaClient(abs.Config{Bucket: "bucket", Account: "a", Retry: ltxstore.Retry{BaseDelay: -1}}), "Retry.BaseDelay"},
		"oss: missing":    {oss.NewReplicaClient(oss.Config{}), "Bucket"},
		"oss: path":       {oss.NewReplicaClient(oss.Config{Bucket: "bucket", Path: "../x"}), "Path"},
		"oss: layout":     {oss.NewReplicaClient(oss.Config{Bucket: "bucket", Layout: unknown}), "Layout"},
		"oss: retry":      {oss.NewReplicaClient(oss.Config{Bucket: "bucket", Retry: ltxstore.Retry{BaseDelay: -1}}), "Retry.BaseDelay"},
		"nats: missing":   {nats.NewReplicaClient(nats.Config{}), "Bucket"},
		"nats: layout":    {nats.NewReplicaClient(nats.Config{URL: "nats://127.0.0.1:1", Bucket: "bucket", Layout: unknown}), "Layout"},
		"nats: retry":     {nats.NewReplicaClient(nats.Config{URL: "nats://127.0.0.1:1", Bucket: "bucket", Retry: ltxstore.Retry{BaseDelay: -1}}), "Retry.BaseDelay"},
		"sftp: missing":   {sftp.NewReplicaClient(sftp.Config{}), "Host"},
		"sftp: layout":    {sftp.NewReplicaClient(sftp.Config{Host: "127.0.0.1:1", User: "u", Password: "p", Path: "/x", InsecureIgnoreHostKey: true, Layout: unknown}), "Layout"},
		"sftp: retry":     {sftp.NewReplicaClient(sftp.Config{Host: "127.0.0.1:1", User: "u", Path: "/x", Retry: ltxstore.Retry{MaxAttempts: -1}}), "Retry.MaxAttempts"},
		"webdav: missing": {webdav.NewReplicaClient(webdav.Config{}), "URL"},
		"webdav: layout":  {webdav.NewReplicaClient(webdav.Config{URL: "http://127.0.0.1:1/x", Layout: unknown}), "Layout"},
		"webdav: retry":   {webdav.NewReplicaClient(webdav.Config{URL: "http://127.0.0.1:1/x", Retry: ltxstore.Retry{BaseDelay: -1}}), "Retry.BaseDelay"},
		"mock: path":      {mock.NewReplicaClient(mock.Config{Path: "../x"}), "Path"},
		"mock: layout":    {mock.NewReplicaClient(mock.Config{Layout: unknown}), "Layout"},
		"mock: refused":   {mock.NewReplicaClient(mock.Config{PageSize: -1}), "PageSize"},
	} {
		t.Run(name, func(t *testing.T) {
			err := ltxstore.Init(t.Context(), test.client)
			require.ErrorIs(t, err, fs.ErrInvalid)
			own, ok := err.(*ltxstore.Error)
			require.True(t, ok, "%T", err)
			assert.Equal(t, ltxstore.Error{Op: "init", Backend: test.client.Type(), Field: test.field, Kind: own.Kind, Err: own.Err}, *own)
			assert.Contains(t, err.Error(), test.field)
		})
	}
}

// So is what is wrong in a URL, whichever of its schemes is used.
func TestErrorsOfAURLHaveOneShape(t *testing.T) {
	for url, backend := range map[string]string{
		"file:///x?sweep-age=soon":       "file",
		"s3://bucket?concurrency=many":   "s3",
		"gs://bucket?page-size=many":     "gcs",
		"gcs://bucket?page-size=many":    "gcs",
		"abs://a@bucket?page-size=many":  "abs",
		"mem://?page-size=many":          "mock",
		"mock://?page-size=many":         "mock",
		"mem://?checksum.read-back=many": "mock",
	} {
		_, err := ltxstore.Open(t.Context(), url)
		require.ErrorIs(t, err, fs.ErrInvalid, url)
		own, ok := err.(*ltxstore.Error)
		require.True(t, ok, "%T", err)
		assert.Equal(t, [3]string{"init", backend, ""}, [3]string{own.Op, own.Backend, own.Key}, url)
		setting, _, _ := strings.Cut(url[strings.Index(url, "?")+1:], "=")
		assert.ErrorContains(t, err, setting)
	}
}

// Each error has the position of the key of the setting that it is about, whatever its text says, or
// of the replica if there is no such setting.
func TestErrorsHavePositions(t *testing.T) {
	for text, want := range map[string][2]int{
		"replica: {url: 's3://b', regoin: x}":                                 {1, 26},
		"replica:\n  url: 's3://b'\n  part-size: '(line 7, column 9)'":        {3, 3},
		"replica:\n  url: 's3://b'\n  storage-class: '(line 7, column 9)'":    {3, 3},
		"replica: {url: 's3://b?part-size=(line%207)'}":                       {1, 1},
		"replica: {url: 's3://b', part-size: 1}":                              {1, 26},
		"replica: {type: s3}":                                                 {1, 1},
		"replica: {url: 's3://b', account-key: x}":                            {1, 26},
		"replica: {url: 's3://b', sync-intervall: 1s}":                        {1, 26},
		"replica: {url: 's3://b', bucket: x}":                                 {1, 26},
		"replica: {path: 's3://b'}":                                           {1, 11},
		"replica: {type: mem, compress.levle: 1}":                             {1, 22},
		"replica: {type: mem, crypt: {recipients: [age1x]}}":                  {1, 43},
		"replica: {type: mem, mirror: [{type: s3, bucket: b, part-size: 1}]}": {1, 53},
		"part-size: 1\nreplica: {url: 's3://b'}":                              {1, 1},
		"dbs:\n  - path: /db\n    replica: {url: 'nats://h/b', path: x}":      {3, 34},
		"replica: {url: 's3://b', region: $UNSET}":                            {1, 26},
		"dbs: [{paht: /db}]":                                                  {1, 8},
		"replica: [":                                                          {2, 1},
	} {
		_, err := config.Parse([]byte(text), options())
		require.Error(t, err, text)
		at := new(config.Error)
		if assert.ErrorAs(t, err, &at, text) {
			assert.Equal(t, want, [2]int{at.Line, at.Column}, "%s: %v", text, err)
		}
	}
	_, err := config.Parse([]byte("regoin: x\nreplica: {type: mem, page-sise: 1}"), options())
	require.Error(t, err)
	var lines []int
	for _, err := range err.(interface{ Unwrap() []error }).Unwrap() {
		at := new(config.Error)
		require.ErrorAs(t, err, &at)
		lines = append(lines, at.Line)
	}
	assert.Equal(t, []int{1, 2}, lines, "one for each problem")

	setting := config.Setting{Key: "levels", Line: 3, Column: 5}
	assert.EqualError(t, setting.Errorf("%s is %w", setting.Key, fs.ErrInvalid), "line 3, column 5: levels is invalid argument")
	assert.ErrorIs(t, setting.Errorf("%w", fs.ErrInvalid), fs.ErrInvalid)
	assert.EqualError(t, config.Setting{}.Errorf("no"), "no")
}
