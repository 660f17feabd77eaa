package layer_test

import (
	"context"
	"io/fs"
	"path/filepath"
	"testing"

	"cloud.google.com/go/storage"
	"filippo.io/age"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/api/option"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/backend"
	"github.com/ltxstore/ltxstore/file"
	"github.com/ltxstore/ltxstore/gcs"
	"github.com/ltxstore/ltxstore/mock"
	"github.com/ltxstore/ltxstore/s3"
	"github.com/ltxstore/ltxstore/wrap/cache"
	"github.com/ltxstore/ltxstore/wrap/checksum"
	"github.com/ltxstore/ltxstore/wrap/compress"
	"github.com/ltxstore/ltxstore/wrap/crypt"
	"github.com/ltxstore/ltxstore/wrap/metrics"
	"github.com/ltxstore/ltxstore/wrap/mirror"
	"github.com/ltxstore/ltxstore/wrap/readonly"
	"github.com/ltxstore/ltxstore/wrap/retry"
	"github.com/ltxstore/ltxstore/wrap/throttle"
	"github.com/ltxstore/ltxstore/wrap/trace"
)

func location(t *testing.T, client ltxstore.ReplicaClient) string {
	t.Helper()
	require.Implements(t, (*backend.Locator)(nil), client)
	found, err := client.(backend.Locator).Location(t.Context())
	require.NoError(t, err)
	return found
}

// Clients of one replica have one location, and no two replicas have the same.
func TestLocation(t *testing.T) {
	dir := t.TempDir()
	store := mock.NewStore()
	ofS3 := func(change func(*s3.Config)) ltxstore.ReplicaClient {
		cfg := s3.Config{Bucket: "bucket", Path: "db", Region: "us-east-1", Endpoint: "https://one.example", AccessKeyID: "id", SecretAccessKey: "correct-horse"}
		change(&cfg)
		return s3.NewReplicaClient(cfg)
	}
	ofGCS := func(change func(*gcs.Config)) ltxstore.ReplicaClient {
		cfg := gcs.Config{Bucket: "bucket", Path: "db", Endpoint: "https://one.example", Anonymous: true}
		change(&cfg)
		return gcs.NewReplicaClient(cfg)
	}
	replicas := map[string]func() ltxstore.ReplicaClient{
		"mock":      func() ltxstore.ReplicaClient { return mock.NewReplicaClient(mock.Config{Store: store}) },
		"mock path": func() ltxstore.ReplicaClient { return mock.NewReplicaClient(mock.Config{Store: store, Path: "db"}) },
		"file":      func() ltxstore.ReplicaClient { return file.NewReplicaClient(file.Config{Path: dir}) },
		"file path": func() ltxstore.ReplicaClient {
			return file.NewReplicaClient(file.Config{Path: filepath.Join(dir, "db")})
		},
		"file layout": func() ltxstore.ReplicaClient {
			return file.NewReplicaClient(file.Config{Path: dir, Layout: ltxstore.LayoutLitestream})
		},
		"s3": func() ltxstore.ReplicaClient { return ofS3(func(*s3.Config) {}) },
		"s3 endpoint": func() ltxstore.ReplicaClient {
			return ofS3(func(cfg *s3.Config) { cfg.Endpoint = "https://two.example" })
		},
		"s3 port": func() ltxstore.ReplicaClient { return ofS3(func(cfg *s3.Config) { cfg.Endpoint += ":9000" }) },
		"s3 region of AWS": func() ltxstore.ReplicaClient {
			return ofS3(func(cfg *s3.Config) { cfg.Endpoint, cfg.Region = "", "cn-north-1" })
		},
		"s3 AWS":    func() ltxstore.ReplicaClient { return ofS3(func(cfg *s3.Config) { cfg.Endpoint = "" }) },
		"s3 bucket": func() ltxstore.ReplicaClient { return ofS3(func(cfg *s3.Config) { cfg.Bucket = "other" }) },
		"s3 path":   func() ltxstore.ReplicaClient { return ofS3(func(cfg *s3.Config) { cfg.Path = "db2" }) },
		"s3 layout": func() ltxstore.ReplicaClient {
			return ofS3(func(cfg *s3.Config) { cfg.Layout = ltxstore.LayoutLitestreamS3 })
		},
		"gcs": func() ltxstore.ReplicaClient { return ofGCS(func(*gcs.Config) {}) },
		"gcs endpoint": func() ltxstore.ReplicaClient {
			return ofGCS(func(cfg *gcs.Config) { cfg.Endpoint = "http://one.example" })
		},
		"gcs of Google": func() ltxstore.ReplicaClient { return ofGCS(func(cfg *gcs.Config) { cfg.Endpoint = "" }) },
		"gcs bucket":    func() ltxstore.ReplicaClient { return ofGCS(func(cfg *gcs.Config) { cfg.Bucket = "other" }) },
		"gcs path":      func() ltxstore.ReplicaClient { return ofGCS(func(cfg *gcs.Config) { cfg.Path = "db/db" }) },
		"gcs layout": func() ltxstore.ReplicaClient {
			return ofGCS(func(cfg *gcs.Config) { cfg.Layout = ltxstore.LayoutLitestream })
		},
	}
	found := make(map[string]string)
	for name, open := range replicas {
		of := location(t, open())
		assert.NotEmpty(t, of, name)
		assert.Equal(t, of, location(t, open()), "%s, by another client", name)
		assert.Empty(t, found[of], "%s has the location of another replica", name)
		assert.NotContains(t, of, "correct-horse")
		found[of] = name
	}
	assert.NotEqual(t, location(t, mock.NewReplicaClient(mock.Config{})), location(t, mock.NewReplicaClient(mock.Config{})))

	// What leads to the same place.
	assert.Equal(t, location(t, replicas["s3"]()), location(t, ofS3(func(cfg *s3.Config) { cfg.Path, cfg.Transfer.PartSize = "/db/", 8<<20 })))
	t.Chdir(dir)
	assert.Equal(t, location(t, replicas["file path"]()), location(t, file.NewReplicaClient(file.Config{Path: "./db/"})))
	t.Setenv("STORAGE_EMULATOR_HOST", "https://one.example")
	assert.Equal(t, location(t, replicas["gcs"]()), location(t, replicas["gcs of Google"]()))
	t.Setenv("AWS_ENDPOINT_URL", "https://one.example")
	assert.Equal(t, location(t, replicas["s3"]()), location(t, replicas["s3 AWS"]()))

	// What nobody can know.
	foreign, err := storage.NewClient(context.Background(), option.WithoutAuthentication())
	require.NoError(t, err)
	assert.Empty(t, location(t, gcs.NewReplicaClient(gcs.Config{Bucket: "bucket", Client: foreign})))
	_, err = file.NewReplicaClient(file.Config{}).Location(t.Context())
	assert.ErrorIs(t, err, fs.ErrInvalid)
}

// stranger does not tell where its replica is.
type stranger struct{ ltxstore.ReplicaClient }

// A wrapper that changes no content is at its replica's location, and one that does is
// nowhere else.
func TestLocationOfWrappers(t *testing.T) {
	store := mock.NewReplicaClient(mock.Config{})
	identity, err := age.GenerateX25519Identity()
	require.NoError(t, err)
	wrappers := map[string]func(ltxstore.ReplicaClient) ltxstore.ReplicaClient{
		"cache": func(next ltxstore.ReplicaClient) ltxstore.ReplicaClient { return cache.New(next, cache.Config{}) },
		"metrics": func(next ltxstore.ReplicaClient) ltxstore.ReplicaClient {
			return metrics.New(next, metrics.Config{Registerer: prometheus.NewRegistry()})
		},
		"readonly": func(next ltxstore.ReplicaClient) ltxstore.ReplicaClient { return readonly.New(next, readonly.Config{}) },
		"retry":    func(next ltxstore.ReplicaClient) ltxstore.ReplicaClient { return retry.New(next, retry.Config{}) },
		"throttle": func(next ltxstore.ReplicaClient) ltxstore.ReplicaClient { return throttle.New(next, throttle.Config{}) },
		"trace":    func(next ltxstore.ReplicaClient) ltxstore.ReplicaClient { return trace.New(next, trace.Config{}) },
		"checksum": func(next ltxstore.ReplicaClient) ltxstore.ReplicaClient { return checksum.New(next, checksum.Config{}) },
	}
	of := location(t, store)
	for name, wrap := range wrappers {
		assert.Equal(t, of, location(t, wrap(store)), name)
	}
	another := mock.NewReplicaClient(mock.Config{})
	wrappers["compress"] = func(next ltxstore.ReplicaClient) ltxstore.ReplicaClient { return compress.New(next, compress.Config{}) }
	wrappers["crypt"] = func(next ltxstore.ReplicaClient) ltxstore.ReplicaClient {
		return crypt.New(next, crypt.Config{Recipients: []string{identity.Recipient().String()}})
	}
	wrappers["mirror"] = func(next ltxstore.ReplicaClient) ltxstore.ReplicaClient {
		return mirror.New(next, mirror.Config{Others: []ltxstore.ReplicaClient{another}})
	}
	found := map[string]string{of: "none", location(t, another): "the other"}
	for _, name := range []string{"compress", "crypt", "mirror"} {
		at := location(t, wrappers[name](store))
		assert.Empty(t, found[at], name)
		found[at] = name
	}
	assert.NotEqual(t, location(t, wrappers["compress"](wrappers["crypt"](store))), location(t, wrappers["crypt"](wrappers["compress"](store))))
	assert.Empty(t, location(t, mirror.New(store, mirror.Config{Others: []ltxstore.ReplicaClient{stranger{another}}})))
	for name, wrap := range wrappers {
		assert.Empty(t, location(t, wrap(stranger{store})), name)
	}
}
