package gcs

import (
	"bytes"
	"compress/gzip"
	"context"
	"io"
	"io/fs"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/internal/testkit/gcsfake"
	"github.com/ltxstore/ltxstore/internal/testkit/httpfault"
)

func TestOpenCostsOneRequest(t *testing.T) {
	b := newBench(t, gcsfake.Options{}, nil)
	body := ltxBody(t, 10_000)
	b.server.Put("bucket", testKey, body)
	for _, r := range []struct{ offset, size int64 }{{0, 0}, {0, 10}, {100, 50}, {9_999, 0}, {9_999, 10}, {10_000, 0}, {20_000, 5}} {
		b.faults.Reset()
		got, err := b.read(t, r.offset, r.size)
		require.NoError(t, err)
		start := min(r.offset, 10_000)
		end := int64(10_000)
		if r.size > 0 {
			end = min(start+r.size, end)
		}
		assert.True(t, bytes.Equal(body[start:end], got), "%d from %d", r.size, r.offset)
		b.counts(t, map[string]int{"ReadObject": 1})
	}
}

// A broken body is resumed at its generation, in one layer, and a file that is
// read whole is held to its checksum over all of it.
func TestOpenResumes(t *testing.T) {
	body := ltxBody(t, 10_000)
	for _, break_ := range []httpfault.Effect{httpfault.ResetAfter(3000), httpfault.Truncate(3000)} {
		b := newBench(t, gcsfake.Options{}, nil)
		b.server.Put("bucket", testKey, body)
		b.fail("ReadObject", 2, break_)
		b.faults.Record()
		got, err := b.read(t, 0, 0)
		require.NoError(t, err)
		assert.True(t, bytes.Equal(body, got))
		b.counts(t, map[string]int{"ReadObject": 3})
		log := b.faults.Log()
		o, _ := b.server.Get("bucket", testKey)
		assert.Empty(t, log[0].Header.Get("Range"))
		assert.Equal(t, "bytes=3000-9999", log[1].Header.Get("Range"))
		assert.Equal(t, "bytes=6000-9999", log[2].Header.Get("Range"))
		for _, again := range log[1:] {
			assert.Contains(t, again.Query, "ifGenerationMatch="+itoa(o.Generation))
		}
	}
}

func TestOpenGivesUpWithoutProgress(t *testing.T) {
	b := newBench(t, gcsfake.Options{}, nil)
	b.server.Put("bucket", testKey, ltxBody(t, 10_000))
	b.faults.Add(&httpfault.Rule{Match: httpfault.Match{Operation: "ReadObject"}, Do: httpfault.Truncate(3000)},
		&httpfault.Rule{Match: httpfault.Match{Operation: "ReadObject"}, Skip: 1, Times: -1, Do: httpfault.Status(503, nil, "")})
	got, err := b.read(t, 0, 0)
	require.ErrorIs(t, err, ltxstore.ErrThrottled)
	assert.Len(t, got, 3000)
	// The failure of the body is the first of three.
	assert.Equal(t, map[string]int{"ReadObject": 3}, b.faults.Counts())
}

func TestOpenReplacedMeanwhile(t *testing.T) {
	for name, tt := range map[string]struct {
		meanwhile func(*bench)
		missing   bool
	}{
		"replaced": {func(b *bench) { b.server.Put("bucket", testKey, plainBody(10_000)) }, false},
		"shorter":  {func(b *bench) { b.server.Put("bucket", testKey, plainBody(100)) }, false},
		"deleted": {func(b *bench) {
			assert.NoError(t, b.client(t, nil).DeleteAll(context.Background()))
		}, true},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, gcsfake.Options{}, nil)
			b.server.Put("bucket", testKey, ltxBody(t, 10_000))
			b.fail("ReadObject", 1, httpfault.Truncate(3000))
			r, err := b.OpenLTXFile(t.Context(), 0, 1, 1, 0, 0)
			require.NoError(t, err)
			defer r.Close()
			_, err = io.ReadFull(r, make([]byte, 3000))
			require.NoError(t, err)
			tt.meanwhile(b)
			_, err = io.ReadAll(r)
			require.Error(t, err)
			assert.Equal(t, tt.missing, isNotExist(err), "%v", err)
			assert.False(t, ltxstore.IsRetryable(err))
		})
	}
}

func isNotExist(err error) bool { return ltxstore.KindOf(err) == fs.ErrNotExist }

func TestOpenWrongBytes(t *testing.T) {
	for _, concurrency := range []int{1, 3} {
		b := newBench(t, gcsfake.Options{}, func(cfg *Config) {
			cfg.Transfer.ReadConcurrency, cfg.Transfer.ReadMemory = concurrency, int64(concurrency)*testChunk
		})
		b.server.Put("bucket", testKey, ltxBody(t, 6*testChunk))
		b.fail("ReadObject", 1, httpfault.Corrupt(5000))
		_, err := b.read(t, 0, 0)
		require.ErrorIs(t, err, ltxstore.ErrChecksum)
		assert.False(t, ltxstore.IsRetryable(err))
	}

	// Also where the damage is in what came after a break.
	b := newBench(t, gcsfake.Options{}, nil)
	b.server.Put("bucket", testKey, ltxBody(t, 10_000))
	b.faults.Add(&httpfault.Rule{Match: httpfault.Match{Operation: "ReadObject"}, Do: httpfault.Truncate(3000)},
		&httpfault.Rule{Match: httpfault.Match{Operation: "ReadObject"}, Skip: 1, Do: httpfault.Corrupt(10)})
	_, err := b.read(t, 0, 0)
	require.ErrorIs(t, err, ltxstore.ErrChecksum)
}

func TestOpenIgnoredRange(t *testing.T) {
	b := newBench(t, gcsfake.Options{}, nil)
	body := ltxBody(t, 10_000)
	b.server.Put("bucket", testKey, body)
	b.fail("ReadObject", -1, httpfault.IgnoreRange())
	got, err := b.read(t, 0, 100)
	require.NoError(t, err)
	assert.Equal(t, body[:100], got)
	_, err = b.read(t, 100, 100)
	require.Error(t, err)
	assert.False(t, ltxstore.IsRetryable(err))
}

// A range past the end is told from one that is refused for no reason.
func TestOpenRefusedRange(t *testing.T) {
	b := newBench(t, gcsfake.Options{}, nil)
	b.server.Put("bucket", testKey, ltxBody(t, 10_000))
	b.fail("ReadObject", -1, httpfault.Status(416, nil, ""))
	_, err := b.read(t, 100, 0)
	require.ErrorContains(t, err, "rejects the range from 100 of 10000 bytes")
	got, err := b.read(t, 10_000, 0)
	require.NoError(t, err)
	assert.Empty(t, got)
	assert.Equal(t, 2, b.faults.Counts()["GetObject"], "the answer does not tell the size")
}

func TestOpenStored(t *testing.T) {
	var zipped bytes.Buffer
	z := gzip.NewWriter(&zipped)
	_, err := z.Write(ltxBody(t, 10_000))
	require.NoError(t, err)
	require.NoError(t, z.Close())

	b := newBench(t, gcsfake.Options{}, nil)
	b.server.PutEncoded("bucket", testKey, "gzip", zipped.Bytes())
	got, err := b.read(t, 0, 0)
	require.NoError(t, err)
	assert.True(t, bytes.Equal(zipped.Bytes(), got), "not decompressed on the way")
	got, err = b.read(t, 20, 30)
	require.NoError(t, err)
	assert.Equal(t, zipped.Bytes()[20:50], got)
}

// Parallel ranges are of one generation, and cost what the comment says.
func TestOpenParallel(t *testing.T) {
	body := ltxBody(t, 6*testChunk+17)
	b := newBench(t, gcsfake.Options{}, func(cfg *Config) { cfg.Transfer.ReadConcurrency, cfg.Transfer.ReadMemory = 3, 3*testChunk })
	b.server.Put("bucket", testKey, body)
	b.fail("ReadObject", 1, httpfault.ResetAfter(10_000))
	b.faults.Record()
	got, err := b.read(t, 0, 0)
	require.NoError(t, err)
	assert.True(t, bytes.Equal(body, got))
	b.counts(t, map[string]int{"ReadObject": 1 + 7 + 1}) // a chunk, seven that grow from a half, the break
	for _, part := range b.faults.Log()[1:] {
		assert.Contains(t, part.Query, "ifGenerationMatch=")
	}

	b.faults.Reset()
	_, err = b.read(t, 0, 2*testChunk)
	require.NoError(t, err)
	b.counts(t, map[string]int{"ReadObject": 1})
}

// A body that stalls ends, and is asked for again.
func TestOpenStalls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newMemoryBench(t, func(cfg *Config) { cfg.HTTP.IdleTimeout = 10 * time.Second })
		body := ltxBody(t, 10_000)
		b.server.Put("bucket", testKey, body)
		b.fail("ReadObject", 1, httpfault.StallAfter(3000))
		begun := time.Now()
		got, err := b.read(t, 0, 0)
		require.NoError(t, err)
		assert.True(t, bytes.Equal(body, got))
		assert.Equal(t, 10*time.Second, time.Since(begun).Round(time.Second))
		b.counts(t, map[string]int{"ReadObject": 2})
	})
}

func itoa(n int64) string { return strconv.FormatInt(n, 10) }
