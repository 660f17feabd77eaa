package litestream_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"testing"
	"time"

	engine "github.com/benbjohnson/litestream"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/superfly/ltx"
)

// What Litestream expects of a client, on all stores.

var start = time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)

// body returns what begins as the LTX file of these transactions and goes on
// with payload.
func body(t testing.TB, minTXID, maxTXID ltx.TXID, at time.Time, payload string) []byte {
	t.Helper()
	header := ltx.Header{Version: ltx.Version, PageSize: 4096, Commit: 1, MinTXID: minTXID, MaxTXID: maxTXID, Timestamp: at.UnixMilli()}
	if minTXID > 1 {
		header.PreApplyChecksum = ltx.ChecksumFlag
	}
	b, err := header.MarshalBinary()
	require.NoError(t, err)
	return append(b, payload...)
}

func put(t testing.TB, c engine.ReplicaClient, level int, minTXID, maxTXID ltx.TXID, at time.Time, payload string) *ltx.FileInfo {
	t.Helper()
	info, err := c.WriteLTXFile(t.Context(), level, minTXID, maxTXID, bytes.NewReader(body(t, minTXID, maxTXID, at, payload)))
	require.NoError(t, err)
	return info
}

func list(t testing.TB, c engine.ReplicaClient, level int, seek ltx.TXID, useMetadata bool) []*ltx.FileInfo {
	t.Helper()
	iterator, err := c.LTXFiles(t.Context(), level, seek, useMetadata)
	require.NoError(t, err)
	found, err := ltx.SliceFileIterator(iterator)
	require.NoError(t, errors.Join(err, iterator.Close()))
	return found
}

func names(infos []*ltx.FileInfo) (found []string) {
	for _, info := range infos {
		found = append(found, ltx.FormatFilename(info.MinTXID, info.MaxTXID))
	}
	return found
}

func TestListsInOrder(t *testing.T) {
	onAll(t, func(t *testing.T, c engine.ReplicaClient) {
		require.Empty(t, list(t, c, 0, 0, false), "an empty replica")
		for _, of := range [][2]ltx.TXID{{4, 8}, {1, 1}, {9, 9}, {2, 3}} {
			put(t, c, 0, of[0], of[1], start, "x")
		}
		want := []string{ltx.FormatFilename(1, 1), ltx.FormatFilename(2, 3), ltx.FormatFilename(4, 8), ltx.FormatFilename(9, 9)}
		require.Equal(t, want, names(list(t, c, 0, 0, false)))
		require.Equal(t, want[2:], names(list(t, c, 0, 4, false)), "from a transaction on")
		require.Equal(t, want[3:], names(list(t, c, 0, 5, true)), "or from the next file")
		require.Empty(t, list(t, c, 1, 0, false), "of one level")
	})
}

func TestReadsWhatWasWritten(t *testing.T) {
	onAll(t, func(t *testing.T, c engine.ReplicaClient) {
		want := body(t, 1, 2, start, "some pages")
		info := put(t, c, 0, 1, 2, start, "some pages")
		assert.Equal(t, int64(len(want)), info.Size)
		for _, part := range [][2]int64{{0, 0}, {3, 0}, {3, 7}, {0, int64(len(want)) + 9}} {
			r, err := c.OpenLTXFile(t.Context(), 0, 1, 2, part[0], part[1])
			require.NoError(t, err)
			got, err := io.ReadAll(r)
			require.NoError(t, errors.Join(err, r.Close()))
			end := len(want)
			if part[1] > 0 {
				end = min(end, int(part[0]+part[1]))
			}
			require.Equal(t, want[part[0]:end], got, part)
		}
	})
}

func TestMissingAndDeletedFiles(t *testing.T) {
	onAll(t, func(t *testing.T, c engine.ReplicaClient) {
		missing := func(minTXID, maxTXID ltx.TXID) {
			t.Helper()
			_, err := c.OpenLTXFile(t.Context(), 0, minTXID, maxTXID, 0, 0)
			require.ErrorIs(t, err, fs.ErrNotExist)
			found := new(engine.LTXError)
			require.ErrorAs(t, err, &found)
			assert.NotEmpty(t, found.Hint)
			assert.Contains(t, found.Path, ltx.FormatFilename(minTXID, maxTXID))
		}
		missing(1, 1)
		put(t, c, 0, 1, 2, start, "a")
		put(t, c, 0, 3, 4, start, "b")
		put(t, c, 0, 5, 5, start, "c")
		require.NoError(t, c.DeleteLTXFiles(t.Context(), []*ltx.FileInfo{{MinTXID: 1, MaxTXID: 2}, {MinTXID: 3, MaxTXID: 4}, {MinTXID: 7, MaxTXID: 7}}))
		missing(1, 2)
		missing(3, 4)
		require.Equal(t, []string{ltx.FormatFilename(5, 5)}, names(list(t, c, 0, 0, false)))
		require.NoError(t, c.DeleteAll(t.Context()))
		missing(5, 5)
	})
}

func TestKeepsTimestamps(t *testing.T) {
	onAll(t, func(t *testing.T, c engine.ReplicaClient) {
		at := start.Add(123 * time.Millisecond)
		assert.Equal(t, at, put(t, c, 0, 1, 1, at, "x").CreatedAt)
		require.Equal(t, at, list(t, c, 0, 0, true)[0].CreatedAt)
		require.False(t, list(t, c, 0, 0, false)[0].CreatedAt.IsZero())
	})
}

// A file under way is not listed.
func TestWritesAreAtomic(t *testing.T) {
	onAll(t, func(t *testing.T, c engine.ReplicaClient) {
		r, w := io.Pipe()
		done := make(chan error, 1)
		go func() {
			_, err := c.WriteLTXFile(t.Context(), 0, 1, 1, r)
			done <- err
		}()
		content := body(t, 1, 1, start, "the rest")
		_, err := w.Write(content[:ltx.HeaderSize])
		require.NoError(t, err)
		require.Empty(t, list(t, c, 0, 0, false))
		_, err = w.Write(content[ltx.HeaderSize:])
		require.NoError(t, errors.Join(err, w.Close(), <-done))
		require.Len(t, list(t, c, 0, 0, false), 1)

		cause := errors.New("the source broke")
		_, err = c.WriteLTXFile(t.Context(), 0, 2, 2, io.MultiReader(bytes.NewReader(body(t, 2, 2, start, "")), broken{cause}))
		require.ErrorIs(t, err, cause)
		require.Len(t, list(t, c, 0, 0, false), 1)
	})
}

type broken struct{ err error }

func (b broken) Read([]byte) (int, error) { return 0, b.err }

// Files around the size at which a store gets them in parts.
func TestLargeFiles(t *testing.T) {
	onAll(t, func(t *testing.T, c engine.ReplicaClient) {
		for i, size := range []int{5<<20 - ltx.HeaderSize, 5 << 20, 12 << 20} {
			txid := ltx.TXID(i + 1)
			content := body(t, txid, txid, start, string(bytes.Repeat([]byte{byte(i), 1, 2, 3}, size/4)))
			_, err := c.WriteLTXFile(t.Context(), 0, txid, txid, bytes.NewReader(content))
			require.NoError(t, err)
			r, err := c.OpenLTXFile(t.Context(), 0, txid, txid, 0, 0)
			require.NoError(t, err)
			got, err := io.ReadAll(r)
			require.NoError(t, errors.Join(err, r.Close()))
			require.True(t, bytes.Equal(content, got), "%d bytes", len(content))
		}
	})
}

// The engine plans restores to a transaction and to a moment.
func TestPlansOfTheEngine(t *testing.T) {
	const n = 60
	onAll(t, func(t *testing.T, c engine.ReplicaClient) {
		put(t, c, engine.SnapshotLevel, 1, 1, start, "snapshot")
		for txid := ltx.TXID(2); txid <= n; txid++ {
			put(t, c, 0, txid, txid, start.Add(time.Duration(txid)*time.Minute), fmt.Sprint(txid))
		}
		for _, target := range []ltx.TXID{2, 30, n} {
			plan, err := engine.CalcRestorePlan(t.Context(), c, target, time.Time{}, silent())
			require.NoError(t, err)
			require.Len(t, plan, int(target))
			require.Equal(t, target, plan[len(plan)-1].MaxTXID)
		}
		plan, err := engine.CalcRestorePlan(t.Context(), c, 0, start.Add(30*time.Minute), silent())
		require.NoError(t, err)
		require.Equal(t, ltx.TXID(29), plan[len(plan)-1].MaxTXID, "strictly before the moment")
		_, err = engine.CalcRestorePlan(t.Context(), c, n+1, time.Time{}, silent())
		require.ErrorIs(t, err, engine.ErrTxNotAvailable)

		before, err := engine.FindLTXFiles(t.Context(), c, 0, true, func(info *ltx.FileInfo) (bool, error) {
			return info.CreatedAt.Before(start.Add(10 * time.Minute)), nil
		})
		require.NoError(t, err)
		require.Len(t, before, 8)
		require.True(t, slices.IsSortedFunc(before, func(a, b *ltx.FileInfo) int { return int(a.MinTXID) - int(b.MinTXID) }))
	})
}

// A file too short for a page index is an error, not a panic.
func TestPageIndexOfShortFile(t *testing.T) {
	onAll(t, func(t *testing.T, c engine.ReplicaClient) {
		info := put(t, c, 0, 1, 1, start, "")
		info.Size = 5
		_, err := engine.FetchPageIndex(t.Context(), c, info)
		require.Error(t, err)
	})
}
