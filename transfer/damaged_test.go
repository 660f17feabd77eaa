package transfer_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/file"
	"github.com/ltxstore/ltxstore/mock"
	"github.com/ltxstore/ltxstore/transfer"
)

const key5, key6 = "ltx/0000/0000000000000005-0000000000000005.ltx", "ltx/0000/0000000000000006-0000000000000006.ltx"

// A damaged file is left out and named, and all others are copied.
func TestDamagedFiles(t *testing.T) {
	h, _ := source(t)
	whole := h.File(5, 5)
	for name, body := range map[string][]byte{
		"a flipped byte in the header": flip(whole, 50),
		"a flipped byte in a page":     flip(whole, ltx.HeaderSize+20),
		"a flipped byte in the index":  flip(whole, len(whole)-ltx.TrailerSize-9),
		"a flipped byte at the end":    flip(whole, len(whole)-1),
		"the header alone":             whole[:ltx.HeaderSize],
		"part of the header":           whole[:40],
		"part of the mark":             whole[:3],
		"a byte of the mark":           whole[:1],
		"the last byte missing":        whole[:len(whole)-1],
		"a byte too many":              append(bytes.Clone(whole), 0),
		"another file's content":       h.File(4, 4),
	} {
		t.Run(name, func(t *testing.T) {
			h, src := source(t)
			src.Store().Put(key5, mock.Object{Body: body})
			dst := file.NewReplicaClient(file.Config{Path: t.TempDir()})
			dst.SetLogger(nil)
			defer dst.Close()
			var wrong []transfer.Outcome
			report, err := transfer.Run(t.Context(), dst, src, transfer.Config{Each: func(o transfer.Outcome) {
				if o.Action != transfer.Copied {
					wrong = append(wrong, o)
				}
			}})
			require.ErrorIs(t, err, ltxstore.ErrChecksum)
			require.ErrorContains(t, err, "mock: copy level 0 0000000000000005-0000000000000005.ltx")
			require.ErrorContains(t, err, "the source's file is damaged")
			require.Len(t, wrong, 1)
			assert.Equal(t, transfer.Damaged, wrong[0].Action)
			assert.Equal(t, map[transfer.Action]int{transfer.Copied: len(all) - 1, transfer.Damaged: 1}, report.Files)
			require.Len(t, report.Failures, 1)
			assert.EqualValues(t, 5, report.Failures[0].MinTXID)
			requireSame(t, h, dst, without(at{0, 5, 5})...)
		})
	}
}

func flip(body []byte, at int) []byte {
	body = bytes.Clone(body)
	body[at] ^= 1
	return body
}

func without(gone at) (rest []at) {
	for _, f := range all {
		if f != gone {
			rest = append(rest, f)
		}
	}
	return rest
}

// With CopyDamaged a file is copied as it is.
func TestCopyDamaged(t *testing.T) {
	h, src := source(t)
	body := flip(h.File(5, 5), ltx.HeaderSize+20)
	src.Store().Put(key5, mock.Object{Body: body})
	dst := client(mock.Config{})
	report, err := transfer.Run(t.Context(), dst, src, transfer.Config{CopyDamaged: true})
	require.NoError(t, err)
	assert.Equal(t, map[transfer.Action]int{transfer.Copied: len(all)}, report.Files)
	object, ok := dst.Store().Get(key5)
	require.True(t, ok)
	assert.True(t, bytes.Equal(body, object.Body))
}

// What is no LTX file, such as a wrapper's, is copied as it is.
func TestOtherBodiesAreCopied(t *testing.T) {
	_, src := source(t)
	src.Store().Put(key5, mock.Object{Body: []byte("xy")})
	src.Store().Put(key6, mock.Object{Body: bytes.Repeat([]byte("age-encryption.org"), 5000)})
	dst := client(mock.Config{})
	report, err := transfer.Run(t.Context(), dst, src, transfer.Config{})
	require.NoError(t, err)
	assert.Equal(t, map[transfer.Action]int{transfer.Copied: len(all)}, report.Files)
}

// A whole file at the destination is not replaced by a damaged one.
func TestDamagedReplacesNothing(t *testing.T) {
	h, src := source(t)
	src.Store().Put(key5, mock.Object{Body: h.File(5, 5)[:200]})
	dst := client(mock.Config{})
	put(t, dst, h, all...)
	report, err := transfer.Run(t.Context(), dst, src, transfer.Config{Replace: true})
	require.ErrorIs(t, err, ltxstore.ErrChecksum)
	assert.Equal(t, map[transfer.Action]int{transfer.Skipped: len(all) - 1, transfer.Damaged: 1}, report.Files)
	requireSame(t, h, dst, all...)
}

// A transfer that fails is no damage.
func TestFailureIsNotDamage(t *testing.T) {
	_, src := source(t)
	src.Script(t, mock.Fault{Op: mock.OpRead, Levels: []int{2}, Err: errInjected})
	report, err := transfer.Run(t.Context(), client(mock.Config{}), src, transfer.Config{})
	require.ErrorIs(t, err, errInjected)
	assert.Equal(t, map[transfer.Action]int{transfer.Copied: len(all) - 1, transfer.Failed: 1}, report.Files)
}

// A file without bytes, which no listing has, is reported like a damaged one.
func TestTornFiles(t *testing.T) {
	h, src := source(t)
	src.Store().Put("ltx/0000/0000000000000007-0000000000000007.ltx", mock.Object{})
	src.Store().Put("snapshots/0000000000000001-0000000000000004.ltx", mock.Object{})
	dst := client(mock.Config{})
	for _, cfg := range []transfer.Config{{}, {DryRun: true}, {CopyDamaged: true}} {
		report, err := transfer.Run(t.Context(), dst, src, cfg)
		require.ErrorIs(t, err, ltxstore.ErrChecksum)
		require.ErrorContains(t, err, "the source's file has no bytes")
		assert.Equal(t, 2, report.Files[transfer.Damaged])
		require.Len(t, report.Failures, 2)
		assert.Equal(t, 0, report.Failures[0].Level)
		assert.EqualValues(t, 7, report.Failures[0].MinTXID)
		assert.Equal(t, ltxstore.SnapshotLevel, report.Failures[1].Level)
		requireSame(t, h, dst, all...)
	}

	// One that can be opened, from another replica of a mirror, is not lost.
	src.OpenLTXFileFunc = func(ctx context.Context, level int, minTXID, maxTXID ltx.TXID, offset, size int64) (io.ReadCloser, error) {
		if minTXID == 7 {
			return io.NopCloser(bytes.NewReader(h.File(7, 7))), nil
		}
		return src.Default().OpenLTXFile(ctx, level, minTXID, maxTXID, offset, size)
	}
	report, err := transfer.Run(t.Context(), dst, src, transfer.Config{})
	require.ErrorIs(t, err, ltxstore.ErrChecksum)
	assert.Equal(t, 1, report.Files[transfer.Damaged])
}

// Levels above SnapshotLevel are copied, and those of the destination counted.
func TestEveryLevel(t *testing.T) {
	h, src := source(t)
	high := []at{{10, 1, 4}, {16, 1, 5}, {ltxstore.MaxLevel, 1, 6}}
	put(t, src, h, high...)
	dst := client(mock.Config{})
	put(t, dst, h, at{300, 1, 2})
	report, err := transfer.Run(t.Context(), dst, src, transfer.Config{})
	require.NoError(t, err)
	assert.Equal(t, len(all)+len(high), report.Files[transfer.Copied])
	assert.Equal(t, 1, report.Extra)
	for _, f := range high {
		rc, err := dst.OpenLTXFile(t.Context(), f.level, f.min, f.max, 0, 0)
		require.NoError(t, err)
		require.NoError(t, rc.Close())
	}
}

type noLevels struct{ ltxstore.ReplicaClient }

func (noLevels) LTXLevels(context.Context) ([]int, error) { return nil, errInjected }

func TestLevelsCannotBeFound(t *testing.T) {
	h, src := source(t)
	dst := client(mock.Config{})
	for _, run := range []func(transfer.Config) (*transfer.Report, error){
		func(cfg transfer.Config) (*transfer.Report, error) {
			return transfer.Run(t.Context(), dst, noLevels{src}, cfg)
		},
		func(cfg transfer.Config) (*transfer.Report, error) {
			return transfer.Run(t.Context(), noLevels{dst}, src, cfg)
		},
	} {
		report, err := run(transfer.Config{})
		require.ErrorIs(t, err, errInjected)
		assert.Empty(t, report.Files, "a part of the levels is not taken for all")
		require.Len(t, report.Failures, 1)
		assert.Equal(t, -1, report.Failures[0].Level)
	}
	report, err := transfer.Run(t.Context(), dst, noLevels{src}, transfer.Config{Levels: []int{2}})
	require.NoError(t, err, "levels that are named are not looked for")
	assert.Equal(t, 1, report.Files[transfer.Copied])
	requireSame(t, h, dst, at{2, 1, 4})
}

func TestBrokenOffBeforeLevels(t *testing.T) {
	_, src := source(t)
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errInjected)
	report, err := transfer.Run(ctx, client(mock.Config{}), src, transfer.Config{})
	require.ErrorIs(t, err, errInjected)
	require.True(t, errors.Is(err, context.Canceled))
	assert.Empty(t, report.Failures)
}
