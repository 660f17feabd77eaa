package v03_test

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/mock"
	"github.com/ltxstore/ltxstore/v03"
)

// counted counts the raw files that are open, and those that were opened.
type counted struct {
	*mock.ReplicaClient
	open, all atomic.Int64
}

func (c *counted) OpenRaw(ctx context.Context, name string, offset, size int64) (io.ReadCloser, error) {
	rc, err := c.ReplicaClient.OpenRaw(ctx, name, offset, size)
	if err != nil {
		return nil, err
	}
	c.open.Add(1)
	c.all.Add(1)
	return &countedReader{rc, &c.open}, nil
}

type countedReader struct {
	io.ReadCloser
	open *atomic.Int64
}

func (r *countedReader) Close() error {
	r.open.Add(-1)
	return r.ReadCloser.Close()
}

// operations are the functions that read a whole replica.
func operations(t *testing.T) map[string]func(src, dst ltxstore.ReplicaClient) error {
	return map[string]func(src, dst ltxstore.ReplicaClient) error{
		"restore": func(src, _ ltxstore.ReplicaClient) error {
			_, err := v03.Restore(t.Context(), src, filepath.Join(t.TempDir(), "db"), v03.RestoreConfig{SkipDamaged: true, Concurrency: 1})
			return err
		},
		"verify": func(src, _ ltxstore.ReplicaClient) error {
			_, err := v03.Verify(t.Context(), src, v03.VerifyConfig{Concurrency: 1})
			return err
		},
		"convert": func(src, dst ltxstore.ReplicaClient) error {
			_, err := v03.Convert(t.Context(), dst, src, v03.ConvertConfig{SkipDamaged: true, Concurrency: 1, TempDir: t.TempDir()})
			return err
		},
	}
}

// A request that fails is no damage, whichever it is, and everything is closed.
func TestRequestFails(t *testing.T) {
	r := newReplica(t, 6, 512)
	r.dense = true
	r.history(3)
	hit := make(map[string]int)
	for what, do := range operations(t) {
		for _, op := range []mock.Op{mock.OpOpen, mock.OpRead} {
			for nth := 1; ; nth++ {
				src := &counted{ReplicaClient: r.client()}
				require.NoError(t, src.Inject(mock.Fault{Op: op, Nth: nth, Err: assert.AnError}))
				err := do(src, empty())
				assert.Zero(t, src.open.Load(), what)
				if len(src.UnusedFaults()) > 0 {
					require.NoError(t, err)
					assert.GreaterOrEqual(t, src.all.Load(), int64(4))
					break // fewer files than that were read
				}
				require.ErrorIs(t, err, assert.AnError, what)
				assert.NotErrorIs(t, err, ltxstore.ErrChecksum)
				hit[what]++
			}
		}
		for _, op := range []mock.Op{mock.OpList, mock.OpNext, mock.OpWrite, mock.OpOpen, mock.OpRead} {
			if what != "convert" {
				break
			}
			for nth := 1; ; nth++ {
				dst := empty()
				require.NoError(t, do(r.client(), dst))
				if op == mock.OpWrite {
					require.NoError(t, dst.DeleteAll(t.Context()))
				}
				require.NoError(t, dst.Inject(mock.Fault{Op: op, Nth: nth, Err: assert.AnError}))
				err := do(r.client(), dst)
				if len(dst.UnusedFaults()) > 0 {
					require.NoError(t, err)
					break
				}
				require.ErrorIs(t, err, assert.AnError, "%s %s", what, op)
				hit[string(op)]++
			}
		}
	}
	for _, what := range []string{"restore", "verify", "convert", "list", "next", "write", "open", "read"} {
		assert.Positive(t, hit[what], what)
	}
}

// What is damaged, and what comes after it, is closed too.
func TestDamageIsClosed(t *testing.T) {
	r := newReplica(t, 4, 512)
	r.snapshot()
	for range 4 {
		r.random()
		r.sync()
	}
	key := r.key("wal/00000000_" + hex8(r.state[2].offset) + ".wal.lz4")
	o, ok := r.store.Get(key)
	require.True(t, ok)
	o.Body[len(o.Body)/2] ^= 1
	r.store.Put(key, o)
	r.checkpoint()
	r.random()
	r.sync()
	for what, do := range operations(t) {
		src := &counted{ReplicaClient: r.client()}
		require.NoError(t, do(src, empty()), what)
		assert.Positive(t, src.all.Load())
		assert.Zero(t, src.open.Load(), what)
	}
}

// strict fails listings with metadata, which may cost a request for each file, and calls
// before at each listing.
type strict struct {
	*mock.ReplicaClient
	before func()
}

func (s *strict) LTXFiles(ctx context.Context, level int, seek ltx.TXID, metadata bool) (ltx.FileIterator, error) {
	if s.before(); metadata {
		return nil, assert.AnError
	}
	return s.ReplicaClient.LTXFiles(ctx, level, seek, metadata)
}

// A temporary directory that cannot be used is an error.
func TestConvertWithoutTempDir(t *testing.T) {
	r := newReplica(t, 1, 512)
	r.history(1)
	_, err := v03.Convert(t.Context(), empty(), r.client(), v03.ConvertConfig{TempDir: filepath.Join(t.TempDir(), "none")})
	require.ErrorIs(t, err, os.ErrNotExist)
	dir := t.TempDir()
	dst := &strict{empty(), func() {
		found, err := filepath.Glob(filepath.Join(dir, "ltxstore-v03-*"))
		require.NoError(t, err)
		require.Len(t, found, 1)
		require.NoError(t, os.WriteFile(filepath.Join(found[0], "db"), nil, 0o600))
	}}
	_, err = v03.Convert(t.Context(), dst, r.client(), v03.ConvertConfig{TempDir: dir})
	require.ErrorIs(t, err, os.ErrExist, "what is there is another's")
	dst.before = func() {}
	_, err = v03.Convert(t.Context(), dst, r.client(), v03.ConvertConfig{TempDir: dir})
	require.NoError(t, err)
}

// Progress ends with all files and bytes.
func TestProgress(t *testing.T) {
	r := newReplica(t, 1, 512)
	r.snapshot()
	for range 3 {
		r.random()
		r.sync()
	}
	var last v03.Progress
	_, _, err := restored(t, r, v03.RestoreConfig{Progress: func(p v03.Progress) { last = p }})
	require.NoError(t, err)
	assert.Equal(t, 4, last.Files)
	assert.Equal(t, last.TotalFiles, last.Files)
	assert.Equal(t, last.TotalBytes, last.Bytes)
}
