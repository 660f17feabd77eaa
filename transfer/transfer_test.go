package transfer_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/file"
	"github.com/ltxstore/ltxstore/internal/testkit/ltxmodel"
	"github.com/ltxstore/ltxstore/mock"
	"github.com/ltxstore/ltxstore/transfer"
)

type at struct {
	level    int
	min, max ltx.TXID
}

var all = []at{{0, 4, 4}, {0, 5, 5}, {0, 6, 6}, {1, 1, 2}, {1, 3, 4}, {2, 1, 4}, {9, 1, 3}, {9, 1, 5}}

var errInjected = errors.New("injected")

func client(cfg mock.Config) *mock.ReplicaClient {
	cfg.PageSize = 2
	c := mock.NewReplicaClient(cfg)
	c.SetLogger(nil)
	return c
}

func source(t testing.TB) (*ltxmodel.History, *mock.ReplicaClient) {
	t.Helper()
	h := ltxmodel.New(1, 8)
	c := client(mock.Config{})
	put(t, c, h, all...)
	c.ResetCalls()
	return h, c
}

func put(t testing.TB, c ltxstore.ReplicaClient, h *ltxmodel.History, files ...at) {
	t.Helper()
	for _, f := range files {
		_, err := c.WriteLTXFile(t.Context(), f.level, f.min, f.max, bytes.NewReader(h.File(f.min, f.max)))
		require.NoError(t, err)
	}
}

// requireSame requires that dst holds exactly those files.
func requireSame(t testing.TB, h *ltxmodel.History, dst ltxstore.ReplicaClient, files ...at) {
	t.Helper()
	count := 0
	for level := range ltxstore.SnapshotLevel + 1 {
		infos, err := ltxstore.FindLTXFiles(t.Context(), dst, level, true, func(*ltx.FileInfo) (bool, error) { return true, nil })
		require.NoError(t, err)
		for _, info := range infos {
			count++
			require.Contains(t, files, at{level, info.MinTXID, info.MaxTXID})
			require.True(t, h.Time(info.MaxTXID).Equal(info.CreatedAt), "the time is kept")
			rc, err := dst.OpenLTXFile(t.Context(), level, info.MinTXID, info.MaxTXID, 0, 0)
			require.NoError(t, err)
			body, err := io.ReadAll(rc)
			require.NoError(t, errors.Join(err, rc.Close()))
			require.True(t, bytes.Equal(h.File(info.MinTXID, info.MaxTXID), body))
		}
	}
	require.Equal(t, len(files), count)
}

func TestCopy(t *testing.T) {
	h, src := source(t)
	dst := file.NewReplicaClient(file.Config{Path: t.TempDir(), Layout: ltxstore.LayoutLitestream})
	dst.SetLogger(nil)
	defer dst.Close()
	var outcomes []at
	report, err := transfer.Run(t.Context(), dst, src, transfer.Config{Each: func(o transfer.Outcome) {
		require.Equal(t, transfer.Copied, o.Action)
		outcomes = append(outcomes, at{o.File.Level, o.File.MinTXID, o.File.MaxTXID})
	}})
	require.NoError(t, err)
	requireSame(t, h, dst, all...)
	assert.Equal(t, all, outcomes, "from level 0 up, in order")
	assert.Equal(t, map[transfer.Action]int{transfer.Copied: len(all)}, report.Files)
	var size int64
	for _, f := range all {
		size += int64(len(h.File(f.min, f.max)))
	}
	assert.Equal(t, size, report.Bytes[transfer.Copied])

	// Once more: nothing is read or written.
	src.ResetCalls()
	report, err = transfer.Run(t.Context(), dst, src, transfer.Config{})
	require.NoError(t, err)
	assert.Equal(t, map[transfer.Action]int{transfer.Skipped: len(all)}, report.Files)
	assert.Empty(t, src.Calls(mock.OpOpen))
}

// A copy that is broken off goes on where it stopped.
func TestCopyGoesOn(t *testing.T) {
	for stop := 1; stop < len(all); stop++ {
		h, src := source(t)
		dst := client(mock.Config{WriteOnce: true})
		ctx, cancel := context.WithCancelCause(t.Context())
		done := 0
		report, err := transfer.Run(ctx, dst, src, transfer.Config{Concurrency: 2, Each: func(transfer.Outcome) {
			if done++; done == stop {
				cancel(errInjected)
			}
		}})
		require.ErrorIs(t, err, context.Canceled)
		require.ErrorIs(t, err, errInjected)
		require.Equal(t, len(dst.Store().Keys()), report.Files[transfer.Copied], "what was done is reported")
		require.GreaterOrEqual(t, report.Files[transfer.Copied], stop)
		require.Empty(t, report.Failures, "what was broken off has not failed")

		before := report.Files[transfer.Copied]
		report, err = transfer.Run(t.Context(), dst, src, transfer.Config{})
		require.NoError(t, err)
		assert.Equal(t, before, report.Files[transfer.Skipped])
		requireSame(t, h, dst, all...)
	}
	_, src := source(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	dst := client(mock.Config{})
	_, err := transfer.Run(ctx, dst, src, transfer.Config{})
	require.ErrorIs(t, err, context.Canceled)
	require.Empty(t, src.Calls(), "nothing is started")
}

// What is there already, and what differs.
func TestDestinationHasFiles(t *testing.T) {
	h, src := source(t)
	fill := func() *mock.ReplicaClient {
		dst := client(mock.Config{})
		put(t, dst, h, at{0, 3, 3}, at{0, 4, 4}, at{0, 7, 7}, at{3, 1, 4})
		longer := append(h.File(5, 5), 0)
		dst.Store().Put("ltx/0000/0000000000000005-0000000000000005.ltx", mock.Object{Body: longer})
		other := bytes.Clone(h.File(6, 6))
		other[len(other)-1] ^= 1
		dst.Store().Put("ltx/0000/0000000000000006-0000000000000006.ltx", mock.Object{Body: other})
		return dst
	}

	report, err := transfer.Run(t.Context(), fill(), src, transfer.Config{})
	require.ErrorIs(t, err, fs.ErrExist)
	require.ErrorContains(t, err, "copy: 1 of 8 failed; mock: copy level 0 0000000000000005-0000000000000005.ltx: the destination has ")
	var partial *ltxstore.PartialError
	require.ErrorAs(t, err, &partial)
	assert.Equal(t, map[transfer.Action]int{transfer.Copied: 5, transfer.Skipped: 2, transfer.Failed: 1}, report.Files)
	assert.Equal(t, 3, report.Extra)
	require.Len(t, report.Failures, 1)
	assert.Equal(t, ltx.TXID(5), report.Failures[0].MinTXID)

	report, err = transfer.Run(t.Context(), fill(), src, transfer.Config{Content: true})
	require.ErrorIs(t, err, fs.ErrExist)
	require.ErrorContains(t, err, "0000000000000006.ltx: the destination has other content: file already exists")
	assert.Equal(t, 2, report.Files[transfer.Failed])

	dst := fill()
	report, err = transfer.Run(t.Context(), dst, src, transfer.Config{Content: true, Replace: true})
	require.NoError(t, err)
	assert.Equal(t, map[transfer.Action]int{transfer.Copied: 5, transfer.Skipped: 1, transfer.Replaced: 2}, report.Files)
	requireSame(t, h, dst, append([]at{{0, 3, 3}, {0, 7, 7}, {3, 1, 4}}, all...)...)

	b, err := json.Marshal(report)
	require.NoError(t, err)
	assert.Contains(t, string(b), `{"files":{"copied":5,"replaced":2,"skipped":1},"bytes":{"copied":`)
	assert.Contains(t, string(b), `"extra":3,"failures":[]}`)
}

// With WriteOnce a file that appears meanwhile is kept, if it is another.
func TestDestinationWriteOnce(t *testing.T) {
	h, src := source(t)
	dst := client(mock.Config{WriteOnce: true})
	src.OpenLTXFileFunc = func(ctx context.Context, level int, minTXID, maxTXID ltx.TXID, offset, size int64) (io.ReadCloser, error) {
		if level == 1 {
			body := h.File(minTXID, maxTXID)
			if minTXID == 3 {
				body = append(body, 0)
			}
			dst.Store().Put("ltx/0001/"+ltx.FormatFilename(minTXID, maxTXID), mock.Object{Body: body})
		}
		return src.Default().OpenLTXFile(ctx, level, minTXID, maxTXID, offset, size)
	}
	report, err := transfer.Run(t.Context(), dst, src, transfer.Config{})
	require.ErrorIs(t, err, fs.ErrExist)
	assert.Equal(t, map[transfer.Action]int{transfer.Copied: 7, transfer.Failed: 1}, report.Files)
}

// Whatever fails: it is named, the others are copied, and nothing half-done is
// at the destination.
func TestCopyFails(t *testing.T) {
	for name, tt := range map[string]struct {
		src, dst []mock.Fault
		copied   int
		says     string
		kind     error
	}{
		"open":            {src: []mock.Fault{{Op: mock.OpOpen, Levels: []int{1}, MinTXID: 3, Err: errInjected}}, copied: 7, says: "level 1 0000000000000003-0000000000000004.ltx", kind: errInjected},
		"read":            {src: []mock.Fault{{Op: mock.OpRead, Levels: []int{1}, MinTXID: 3, After: 300, Err: errInjected}}, copied: 7, says: "level 1 0000000000000003-0000000000000004.ltx", kind: errInjected},
		"read ends early": {src: []mock.Fault{{Op: mock.OpRead, Levels: []int{1}, MinTXID: 3, After: 300, Truncate: true}}, copied: 7, says: "bytes fewer than listed", kind: ltxstore.ErrChecksum},
		"write":           {dst: []mock.Fault{{Op: mock.OpWrite, Levels: []int{9}, MaxTXID: 5, After: 200, Err: ltxstore.ErrThrottled}}, copied: 7, says: "level 9 0000000000000001-0000000000000005.ltx", kind: ltxstore.ErrThrottled},
		"several":         {dst: []mock.Fault{{Op: mock.OpWrite, Levels: []int{0}, Times: 3, Err: fs.ErrPermission}}, copied: 5, says: "copy: 3 of 8 failed", kind: fs.ErrPermission},
		"source level":    {src: []mock.Fault{{Op: mock.OpList, Levels: []int{0}, Err: errInjected}}, copied: 5, says: "list ltx/0000/", kind: errInjected},
		"source page":     {src: []mock.Fault{{Op: mock.OpNext, Levels: []int{0}, After: 2, Err: errInjected}}, copied: 7, says: "list ltx/0000/", kind: errInjected},
		"other level":     {dst: []mock.Fault{{Op: mock.OpList, Levels: []int{0}, Err: errInjected}}, copied: 5, says: "list ltx/0000/", kind: errInjected},
		"other page":      {dst: []mock.Fault{{Op: mock.OpNext, Levels: []int{0}, Err: errInjected}}, copied: 5, says: "list ltx/0000/", kind: errInjected},
	} {
		t.Run(name, func(t *testing.T) {
			h, src := source(t)
			dst := client(mock.Config{})
			var open ltxmodel.Open
			src.OpenLTXFileFunc = func(ctx context.Context, level int, minTXID, maxTXID ltx.TXID, offset, size int64) (io.ReadCloser, error) {
				return open.Count(src.Default().OpenLTXFile(ctx, level, minTXID, maxTXID, offset, size))
			}
			src.Script(t, tt.src...)
			dst.Script(t, tt.dst...)
			report, err := transfer.Run(t.Context(), dst, src, transfer.Config{})
			require.ErrorIs(t, err, tt.kind)
			require.ErrorContains(t, err, tt.says)
			require.NotEmpty(t, report.Failures)
			assert.Equal(t, tt.copied, report.Files[transfer.Copied])
			assert.Len(t, dst.Store().Keys(), tt.copied)
			assert.Empty(t, dst.Store().Leftovers())
			assert.Zero(t, open.Now(), "readers left open")

			report, err = transfer.Run(t.Context(), dst, src, transfer.Config{})
			require.NoError(t, err)
			assert.Equal(t, tt.copied, report.Files[transfer.Skipped])
			requireSame(t, h, dst, all...)
		})
	}
}

// What the source may have beyond a page that failed is not counted as Extra.
func TestExtraWithAFailedListing(t *testing.T) {
	h, src := source(t)
	dst := client(mock.Config{})
	put(t, dst, h, at{0, 7, 7})
	src.Script(t, mock.Fault{Op: mock.OpNext, Levels: []int{0}, After: 2, Err: errInjected})
	report, err := transfer.Run(t.Context(), dst, src, transfer.Config{})
	require.ErrorIs(t, err, errInjected)
	assert.Zero(t, report.Extra)
}

// notClosed is a listing that fails only when it is closed.
type notClosed struct{ ltx.FileIterator }

func (n notClosed) Close() error { return errors.Join(n.FileIterator.Close(), errInjected) }

func TestListingFailsToClose(t *testing.T) {
	for name, fail := range map[string]func(src, dst *mock.ReplicaClient) *mock.ReplicaClient{
		"source":      func(src, _ *mock.ReplicaClient) *mock.ReplicaClient { return src },
		"destination": func(_, dst *mock.ReplicaClient) *mock.ReplicaClient { return dst },
	} {
		h, src := source(t)
		dst := client(mock.Config{})
		c := fail(src, dst)
		c.LTXFilesFunc = func(ctx context.Context, level int, seek ltx.TXID, useMetadata bool) (ltx.FileIterator, error) {
			files, err := c.Default().LTXFiles(ctx, level, seek, useMetadata)
			return notClosed{files}, err
		}
		report, err := transfer.Run(t.Context(), dst, src, transfer.Config{Levels: []int{1}})
		require.ErrorIs(t, err, errInjected, name)
		require.Len(t, report.Failures, 1, name)
		assert.Equal(t, 1, report.Failures[0].Level, name)
		c.LTXFilesFunc = nil
		requireSame(t, h, dst, at{1, 1, 2}, at{1, 3, 4})
	}
}

// Contents are compared to their ends, however many blocks that takes.
func TestContentOfSeveralBlocks(t *testing.T) {
	const block = 32 << 10
	for _, size := range []int{block - 1, block, block + 1, 2 * block, 2*block + 1} {
		for _, other := range []bool{true, false} {
			body := bytes.Repeat([]byte{7}, size)
			src, dst := client(mock.Config{}), client(mock.Config{})
			src.Store().Put("ltx/0000/"+ltx.FormatFilename(1, 1), mock.Object{Body: bytes.Clone(body)})
			if other {
				body[size-1]++
			}
			dst.Store().Put("ltx/0000/"+ltx.FormatFilename(1, 1), mock.Object{Body: body})
			report, err := transfer.Run(t.Context(), dst, src, transfer.Config{Content: true})
			if other {
				require.ErrorIs(t, err, fs.ErrExist, size)
				assert.Equal(t, 1, report.Files[transfer.Failed], size)
			} else {
				require.NoError(t, err, size)
				assert.Equal(t, 1, report.Files[transfer.Skipped], size)
			}
		}
	}
}

// A file that is not compared is neither skipped nor replaced.
func TestContentCannotBeCompared(t *testing.T) {
	for name, tt := range map[string]struct {
		src, dst []mock.Fault
		action   transfer.Action
		says     string
	}{
		"source opens":      {src: []mock.Fault{{Op: mock.OpOpen, Err: errInjected}}, action: transfer.Failed, says: "injected"},
		"source is gone":    {src: []mock.Fault{{Op: mock.OpOpen, Err: fs.ErrNotExist}}, action: transfer.Deleted},
		"source reads":      {src: []mock.Fault{{Op: mock.OpRead, After: 9, Err: errInjected}}, action: transfer.Failed, says: "injected"},
		"destination opens": {dst: []mock.Fault{{Op: mock.OpOpen, Err: errInjected}}, action: transfer.Failed, says: "injected"},
		"destination is gone": {dst: []mock.Fault{{Op: mock.OpOpen, Err: fs.ErrNotExist}}, action: transfer.Failed,
			says: "deleted from the destination in the meantime"},
		"destination reads": {dst: []mock.Fault{{Op: mock.OpRead, After: 9, Err: errInjected}}, action: transfer.Failed, says: "injected"},
	} {
		t.Run(name, func(t *testing.T) {
			h, src := source(t)
			dst := client(mock.Config{})
			put(t, dst, h, at{2, 1, 4})
			src.Script(t, tt.src...)
			dst.Script(t, tt.dst...)
			report, err := transfer.Run(t.Context(), dst, src, transfer.Config{Content: true, Replace: true, Levels: []int{2}})
			assert.Equal(t, map[transfer.Action]int{tt.action: 1}, report.Files)
			if tt.action != transfer.Failed {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, tt.says)
			requireSame(t, h, dst, at{2, 1, 4})
		})
	}
}

// The report's memory is bounded: failures after the first 1000 are counted only.
func TestManyFailures(t *testing.T) {
	src, dst := client(mock.Config{}), client(mock.Config{})
	for id := range ltx.TXID(1002) {
		src.Store().Put("ltx/0000/"+ltx.FormatFilename(id+1, id+1), mock.Object{Body: []byte("body")})
	}
	dst.Script(t, mock.Fault{Op: mock.OpWrite, Times: -1, Err: fs.ErrPermission})
	report, err := transfer.Run(t.Context(), dst, src, transfer.Config{CopyDamaged: true})
	require.ErrorIs(t, err, fs.ErrPermission)
	assert.Len(t, report.Failures, 1000)
	assert.Equal(t, 1002, report.Files[transfer.Failed])
}

// A body that grew since it was listed is not taken for the listed one.
func TestSourceChanges(t *testing.T) {
	h, src := source(t)
	src.OpenLTXFileFunc = func(ctx context.Context, level int, minTXID, maxTXID ltx.TXID, offset, size int64) (io.ReadCloser, error) {
		if minTXID == 5 {
			return io.NopCloser(io.MultiReader(bytes.NewReader(h.File(5, 5)), strings.NewReader("more"))), nil
		}
		return src.Default().OpenLTXFile(ctx, level, minTXID, maxTXID, offset, size)
	}
	dst := client(mock.Config{})
	_, err := transfer.Run(t.Context(), dst, src, transfer.Config{})
	require.ErrorIs(t, err, ltxstore.ErrChecksum)
	require.ErrorContains(t, err, "bytes more than listed")
	require.Len(t, dst.Store().Keys(), len(all)-1)
}

// A file that compaction takes away during the copy is met where it went.
func TestCopyWhileFilesMove(t *testing.T) {
	h, src := source(t)
	moved := false
	src.OpenLTXFileFunc = func(ctx context.Context, level int, minTXID, maxTXID ltx.TXID, offset, size int64) (io.ReadCloser, error) {
		if !moved {
			moved = true
			put(t, src, h, at{1, 5, 6})
			require.NoError(t, src.DeleteLTXFiles(ctx, []*ltx.FileInfo{{MinTXID: 5, MaxTXID: 5}, {MinTXID: 6, MaxTXID: 6}}))
		}
		return src.Default().OpenLTXFile(ctx, level, minTXID, maxTXID, offset, size)
	}
	dst := client(mock.Config{})
	report, err := transfer.Run(t.Context(), dst, src, transfer.Config{Concurrency: 1})
	require.NoError(t, err)
	require.Subset(t, dst.Store().Keys(), []string{"ltx/0001/0000000000000005-0000000000000006.ltx"})
	assert.Positive(t, report.Files[transfer.Deleted])
}

func TestDryRun(t *testing.T) {
	h, src := source(t)
	dst := client(mock.Config{})
	put(t, dst, h, all[0])
	dst.ResetCalls()
	report, err := transfer.Run(t.Context(), dst, src, transfer.Config{DryRun: true})
	require.NoError(t, err)
	assert.Equal(t, map[transfer.Action]int{transfer.Copied: len(all) - 1, transfer.Skipped: 1}, report.Files)
	assert.Empty(t, dst.Calls(mock.OpWrite))
	assert.Empty(t, src.Calls(mock.OpOpen))
}

func TestLevels(t *testing.T) {
	h, src := source(t)
	dst := client(mock.Config{})
	_, err := transfer.Run(t.Context(), dst, src, transfer.Config{Levels: []int{9, 1}})
	require.NoError(t, err)
	requireSame(t, h, dst, at{1, 1, 2}, at{1, 3, 4}, at{9, 1, 3}, at{9, 1, 5})
}

// No more files are copied at once than allowed, and that many are.
func TestConcurrency(t *testing.T) {
	for _, limit := range []int{1, 3} {
		synctest.Test(t, func(t *testing.T) {
			_, src := source(t)
			dst := client(mock.Config{})
			var running, most atomic.Int64
			dst.WriteLTXFileFunc = func(ctx context.Context, level int, minTXID, maxTXID ltx.TXID, r io.Reader) (*ltx.FileInfo, error) {
				most.Store(max(most.Load(), running.Add(1)))
				defer running.Add(-1)
				time.Sleep(time.Second)
				return dst.Default().WriteLTXFile(ctx, level, minTXID, maxTXID, r)
			}
			_, err := transfer.Run(t.Context(), dst, src, transfer.Config{Concurrency: limit})
			require.NoError(t, err)
			assert.Equal(t, int64(limit), most.Load())
		})
	}
}

func TestRefuses(t *testing.T) {
	c := &mock.ReplicaClient{}
	for says, err := range map[string]error{
		"copy: Config.Concurrency is -1: want 0 (8) or more": refused(c, c, transfer.Config{Concurrency: -1}),
		"copy: Config.Levels: level is -1":                   refused(c, c, transfer.Config{Levels: []int{-1}}),
		"copy: dst is nil":                                   refused(nil, c, transfer.Config{}),
		"copy: src is nil":                                   refused(c, nil, transfer.Config{}),
	} {
		require.ErrorIs(t, err, fs.ErrInvalid)
		require.ErrorContains(t, err, says)
	}
	require.Empty(t, c.Calls())
}

func refused(dst, src ltxstore.ReplicaClient, cfg transfer.Config) error {
	_, err := transfer.Run(context.Background(), dst, src, cfg)
	return err
}
