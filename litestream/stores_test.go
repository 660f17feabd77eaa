package litestream_test

import (
	"log/slog"
	"net/http/httptest"
	"os"
	"testing"
	"time"

	engine "github.com/benbjohnson/litestream"
	"github.com/stretchr/testify/assert"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/file"
	"github.com/ltxstore/ltxstore/gcs"
	"github.com/ltxstore/ltxstore/internal/testkit/gcsfake"
	"github.com/ltxstore/ltxstore/internal/testkit/s3fake"
	"github.com/ltxstore/ltxstore/litestream"
	"github.com/ltxstore/ltxstore/mock"
	"github.com/ltxstore/ltxstore/s3"
)

func TestMain(m *testing.M) {
	s3fake.Isolate()
	os.Exit(m.Run())
}

// stores are empty replicas of each kind, in this process.
var stores = map[string]func(t testing.TB) ltxstore.ReplicaClient{
	"mock": func(testing.TB) ltxstore.ReplicaClient { return mock.NewReplicaClient(mock.Config{}) },
	"file": func(t testing.TB) ltxstore.ReplicaClient {
		return file.NewReplicaClient(file.Config{Path: t.TempDir(), Layout: ltxstore.LayoutLitestream, Logger: silent()})
	},
	"s3": func(t testing.TB) ltxstore.ReplicaClient {
		server := httptest.NewServer(s3fake.New(s3fake.Options{}, "bucket"))
		t.Cleanup(server.Close)
		return s3.NewReplicaClient(s3.Config{Bucket: "bucket", Path: "db", Layout: ltxstore.LayoutLitestreamS3, Region: "us-east-1",
			Endpoint: server.URL, AccessKeyID: "id", SecretAccessKey: "secret", Retry: quick, Logger: silent()})
	},
	"gcs": func(t testing.TB) ltxstore.ReplicaClient {
		server := httptest.NewServer(gcsfake.New(gcsfake.Options{}, "bucket"))
		t.Cleanup(server.Close)
		return gcs.NewReplicaClient(gcs.Config{Bucket: "bucket", Path: "db", Layout: ltxstore.LayoutLitestream,
			Endpoint: server.URL, Retry: quick, Logger: silent()})
	},
}

var quick = ltxstore.Retry{MaxAttempts: 2, BaseDelay: time.Microsecond, MaxDelay: time.Microsecond}

func silent() *slog.Logger { return slog.New(slog.DiscardHandler) }

// onAll runs a test on an empty replica of each kind.
func onAll(t *testing.T, test func(t *testing.T, c engine.ReplicaClient)) {
	t.Helper()
	for name, open := range stores {
		t.Run(name, func(t *testing.T) {
			store := open(t)
			t.Cleanup(func() { assert.NoError(t, ltxstore.Close(store)) })
			c := litestream.Client(store)
			c.SetLogger(silent())
			test(t, c)
		})
	}
}
