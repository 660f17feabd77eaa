package gcsfake_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"cloud.google.com/go/storage"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/api/option"

	"github.com/ltxstore/ltxstore/internal/testkit/gcsfake"
)

func TestWriteReadDelete(t *testing.T) {
	both(t, func(t *testing.T, options ...option.ClientOption) {
		now := time.Date(2026, 1, 2, 3, 4, 5, 6e6, time.UTC)
		s := serve(t, gcsfake.Options{Clock: func() time.Time { return now }}, options...)
		o := s.Object("a b/ü%2F+?#.ltx")
		require.NoError(t, write(t, o, "content", func(w *storage.Writer) {
			w.Metadata = map[string]string{"key": "value"}
			w.StorageClass, w.ContentType, w.CacheControl = "NEARLINE", "application/x-ltx", "no-store"
			w.KMSKeyName = "projects/p/locations/l/keyRings/r/cryptoKeys/k"
		}))
		assert.Equal(t, map[string]int{"WriteObject": 1}, s.layer.Counts())
		assert.Equal(t, []string{"a b/ü%2F+?#.ltx"}, s.Keys(name))

		attrs, err := o.Attrs(t.Context())
		require.NoError(t, err)
		assert.Equal(t, now, attrs.Created)
		assert.Equal(t, now, attrs.Updated)
		assert.EqualValues(t, 7, attrs.Size)
		assert.EqualValues(t, 1, attrs.Metageneration)
		assert.Equal(t, map[string]string{"key": "value"}, attrs.Metadata)
		assert.Equal(t, "NEARLINE application/x-ltx no-store", attrs.StorageClass+" "+attrs.ContentType+" "+attrs.CacheControl)
		assert.Equal(t, "projects/p/locations/l/keyRings/r/cryptoKeys/k/cryptoKeyVersions/1", attrs.KMSKeyName)
		assert.Len(t, attrs.MD5, 16)
		assert.NotZero(t, attrs.CRC32C)

		got, r, err := read(t.Context(), o, 0, -1)
		require.NoError(t, err)
		assert.Equal(t, "content", got)
		assert.Equal(t, attrs.Generation, r.Attrs.Generation)
		assert.Equal(t, attrs.CRC32C, r.Attrs.CRC32C)
		assert.Equal(t, map[string]string{"Key": "value"}, r.Metadata(), "in headers, names lose their case")

		require.NoError(t, o.Delete(t.Context()))
		assert.ErrorIs(t, o.Delete(t.Context()), storage.ErrObjectNotExist)
		_, err = o.Attrs(t.Context())
		assert.ErrorIs(t, err, storage.ErrObjectNotExist)
		assert.Contains(t, err.Error(), "No such object: bucket/a b/")
		_, _, err = read(t.Context(), o, 0, -1)
		assert.ErrorIs(t, err, storage.ErrObjectNotExist)
	})
}

// All the ways to name the server reach it.
func TestEmulatorHost(t *testing.T) {
	s := serve(t, gcsfake.Options{})
	t.Setenv("STORAGE_EMULATOR_HOST", strings.TrimPrefix(s.url, "http://"))
	client, err := storage.NewClient(context.Background())
	require.NoError(t, err)
	defer func() { require.NoError(t, client.Close()) }()
	o := client.Bucket(name).Object("a/b")
	require.NoError(t, write(t, o, strings.Repeat("x", 300<<10), chunked))
	got, _, err := read(t.Context(), o, 300<<10-3, 2)
	require.NoError(t, err)
	assert.Equal(t, "xx", got)
	_, err = client.Bucket(name).Attrs(t.Context())
	require.NoError(t, err)
	require.NoError(t, o.Delete(t.Context()))
}
