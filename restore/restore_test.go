package restore_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/internal/testkit/ltxmodel"
	"github.com/ltxstore/ltxstore/mock"
	"github.com/ltxstore/ltxstore/restore"
)

// small is a replica of which every file is needed for the newest state.
func small(t testing.TB) (*ltxmodel.History, *mock.ReplicaClient) {
	h := ltxmodel.New(3, 9)
	return h, replica(t, h, at{9, 1, 3}, at{2, 4, 6}, at{1, 7, 7}, at{0, 8, 8}, at{0, 9, 9})
}

func TestRun(t *testing.T) {
	h, c := small(t)
	dir := t.TempDir()
	path := filepath.Join(dir, "db")
	var told []restore.Progress
	result, err := restore.Run(t.Context(), c, path, restore.Config{Progress: func(p restore.Progress) { told = append(told, p) }})
	require.NoError(t, err)
	requireDatabase(t, h, 9, path)
	nothingBut(t, dir, "db")

	var size int64
	for _, call := range c.Calls(mock.OpOpen) {
		assert.Zero(t, call.Offset+call.Size, "files are read whole, once")
		size += call.Bytes
	}
	assert.Equal(t, &restore.Result{TXID: 9, Time: h.Time(9), Files: 5, Bytes: size,
		PageSize: ltxmodel.PageSize, Pages: uint32(len(h.Database(9)) / ltxmodel.PageSize)}, result)
	require.Len(t, told, 6)
	assert.Equal(t, restore.Progress{TotalFiles: 5, TotalBytes: size}, told[0])
	assert.Equal(t, restore.Progress{Files: 5, TotalFiles: 5, Bytes: size, TotalBytes: size}, told[5])
	stat, err := os.Stat(path)
	require.NoError(t, err)
	if runtime.GOOS != "windows" {
		assert.Equal(t, fs.FileMode(0o644), stat.Mode())
	}
}

// Whatever fails, at whatever step, in whichever file: the error is returned,
// and nothing is left.
func TestRunFails(t *testing.T) {
	files := []at{{9, 1, 3}, {2, 4, 6}, {1, 7, 7}, {0, 8, 8}, {0, 9, 9}}
	var faults []mock.Fault
	for _, f := range files {
		one := mock.Fault{Levels: []int{f.level}, MinTXID: f.min, Err: errInjected}
		one.Op = mock.OpOpen
		faults = append(faults, one)
		for _, after := range []int64{0, 60, 110, 1 << 30} {
			one.Op, one.After = mock.OpRead, after
			faults = append(faults, one)
		}
		faults = append(faults, mock.Fault{Op: mock.OpList, Levels: []int{f.level}, Err: errInjected},
			mock.Fault{Op: mock.OpNext, Levels: []int{f.level}, Err: errInjected})
	}
	for _, fault := range faults {
		for _, concurrency := range []int{1, 3} {
			_, c := small(t)
			c.Script(t, fault)
			open := count(c)
			dir := t.TempDir()
			_, err := restore.Run(t.Context(), c, filepath.Join(dir, "db"), restore.Config{Concurrency: concurrency})
			require.ErrorIs(t, err, errInjected, "%v after %d", fault, fault.After)
			require.NotErrorIs(t, err, ltxstore.ErrChecksum, "a transfer that fails is no damaged file")
			nothingBut(t, dir)
			require.Zero(t, open.Now(), "readers left open")
		}
	}
}

// A file that is cut off or changed anywhere is ltxstore.ErrChecksum, with its
// name, and nothing is left.
func TestRunDamaged(t *testing.T) {
	for _, tracked := range []bool{false, true} {
		h := ltxmodel.New(3, 9)
		h.Tracked = tracked
		for _, f := range []at{{9, 1, 3}, {2, 4, 6}, {0, 9, 9}} {
			size := int64(len(h.File(f.min, f.max)))
			dir := t.TempDir()
			for offset := int64(0); offset < size; offset += 1 + size/8 {
				for _, fault := range []mock.Fault{
					{Op: mock.OpRead, Truncate: true, After: offset},
					{Op: mock.OpRead, Corrupt: []int64{offset}},
				} {
					fault.Levels, fault.MinTXID = []int{f.level}, f.min
					c := replica(t, h, at{9, 1, 3}, at{2, 4, 6}, at{1, 7, 8}, at{0, 9, 9})
					c.Script(t, fault)
					_, err := restore.Run(t.Context(), c, filepath.Join(dir, "db"), restore.Config{})
					require.ErrorIs(t, err, ltxstore.ErrChecksum, "%v: %+v", f, fault)
					require.ErrorContains(t, err, ltx.FormatFilename(f.min, f.max))
					require.False(t, ltxstore.IsRetryable(err), err)
					nothingBut(t, dir)
				}
			}
		}
	}
}

// Bytes that belong to another file's name, page size or history are found.
func TestRunFilesDoNotFit(t *testing.T) {
	h, other := ltxmodel.New(3, 9), ltxmodel.New(4, 9)
	h.Tracked, other.Tracked = true, true
	run := func(c *mock.ReplicaClient) error {
		dir := t.TempDir()
		_, err := restore.Run(t.Context(), c, filepath.Join(dir, "db"), restore.Config{})
		nothingBut(t, dir)
		return err
	}
	plant := func(c *mock.ReplicaClient, key string, body []byte) {
		c.Store().Put(key, mock.Object{Body: body})
	}

	c := replica(t, h, at{9, 1, 3})
	plant(c, "ltx/0000/0000000000000004-0000000000000004.ltx", h.File(5, 5))
	err := run(c)
	require.ErrorIs(t, err, ltxstore.ErrChecksum)
	require.ErrorContains(t, err, "restore level 0 0000000000000004-0000000000000004.ltx: header has transactions 0000000000000005 to 0000000000000005")

	c = replica(t, h, at{9, 1, 3})
	put(t, c, other, at{0, 4, 4})
	err = run(c)
	require.ErrorIs(t, err, ltxstore.ErrChecksum)
	require.ErrorContains(t, err, "restore level 9 0000000000000001-0000000000000003.ltx")
	require.ErrorContains(t, err, "they have different histories")

	// Overlapping files of two histories: only the whole tells.
	c = replica(t, h, at{9, 1, 8})
	put(t, c, other, at{0, 8, 9})
	err = run(c)
	require.ErrorIs(t, err, ltxstore.ErrChecksum)

	var buf bytes.Buffer
	enc, err := ltx.NewEncoder(&buf)
	require.NoError(t, err)
	require.NoError(t, enc.EncodeHeader(ltx.Header{Version: ltx.Version, Flags: ltx.HeaderFlagNoChecksum, PageSize: 1024, Commit: 1, MinTXID: 4, MaxTXID: 4}))
	require.NoError(t, enc.Close())
	c = replica(t, h, at{9, 1, 3})
	plant(c, "ltx/0000/0000000000000004-0000000000000004.ltx", buf.Bytes())
	err = run(c)
	require.ErrorIs(t, err, ltxstore.ErrChecksum)
	require.ErrorContains(t, err, "pages have 512 bytes, but 1024 in newer files")
}

// A page that no file has is no page of zeros.
func TestRunPageMissing(t *testing.T) {
	var buf bytes.Buffer
	enc, err := ltx.NewEncoder(&buf)
	require.NoError(t, err)
	require.NoError(t, enc.EncodeHeader(ltx.Header{Version: ltx.Version, Flags: ltx.HeaderFlagNoChecksum, PageSize: 512, Commit: 100, MinTXID: 2, MaxTXID: 2}))
	require.NoError(t, enc.EncodePage(ltx.PageHeader{Pgno: 100}, make([]byte, 512)))
	require.NoError(t, enc.Close())
	c := replica(t, ltxmodel.New(1, 1), at{0, 1, 1})
	_, err = c.WriteLTXFile(t.Context(), 0, 2, 2, &buf)
	require.NoError(t, err)
	dir := t.TempDir()
	_, err = restore.Run(t.Context(), c, filepath.Join(dir, "db"), restore.Config{})
	require.ErrorIs(t, err, ltxstore.ErrChecksum)
	require.ErrorContains(t, err, "of 100")
	nothingBut(t, dir)
}

func TestRunKeepsExistingFiles(t *testing.T) {
	h, c := small(t)
	for _, name := range []string{"db", "db-wal", "db-shm", "db-journal"} {
		dir := t.TempDir()
		path := filepath.Join(dir, "db")
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte("precious"), 0o600))
		c.ResetCalls()
		_, err := restore.Run(t.Context(), c, path, restore.Config{})
		require.ErrorIs(t, err, fs.ErrExist, name)
		require.ErrorContains(t, err, name+" exists")
		require.Empty(t, c.Calls(), "and nothing was asked of the store")
		nothingBut(t, dir, name)

		_, err = restore.Run(t.Context(), c, path, restore.Config{Overwrite: true})
		require.NoError(t, err, name)
		requireDatabase(t, h, 9, path)
		nothingBut(t, dir, "db")
	}

	// One that fails leaves the old database as it was, and its log.
	dir := t.TempDir()
	path := filepath.Join(dir, "db")
	for _, name := range []string{"db", "db-wal"} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte("precious"), 0o600))
	}
	c.Script(t, mock.Fault{Op: mock.OpRead, Levels: []int{9}, After: 500, Err: errInjected})
	_, err := restore.Run(t.Context(), c, path, restore.Config{Overwrite: true})
	require.ErrorIs(t, err, errInjected)
	nothingBut(t, dir, "db", "db-wal")
	b, err := os.ReadFile(path)
	require.NoError(t, err)
	assert.Equal(t, "precious", string(b))

	_, err = restore.Run(t.Context(), c, dir, restore.Config{Overwrite: true})
	require.ErrorIs(t, err, fs.ErrInvalid)
	require.ErrorContains(t, err, "is not a regular file")
}

// A database that appears while another is restored is not replaced.
func TestRunLosesRace(t *testing.T) {
	_, c := small(t)
	for _, name := range []string{"db", "db-wal"} {
		dir := t.TempDir()
		_, err := restore.Run(t.Context(), c, filepath.Join(dir, "db"), restore.Config{
			Check: func(context.Context, string) error {
				return os.WriteFile(filepath.Join(dir, name), []byte("precious"), 0o600)
			},
		})
		require.ErrorIs(t, err, fs.ErrExist)
		nothingBut(t, dir, name)
	}
}

func TestRunChecks(t *testing.T) {
	h, c := small(t)
	dir := t.TempDir()
	path := filepath.Join(dir, "db")
	check := func(fail error) func(context.Context, string) error {
		return func(_ context.Context, temp string) error {
			require.NoFileExists(t, path, "it has no name before it is checked")
			requireDatabase(t, h, 9, temp)
			for _, suffix := range []string{"-wal", "-shm"} {
				require.NoError(t, os.WriteFile(temp+suffix, nil, 0o600))
			}
			return fail
		}
	}
	_, err := restore.Run(t.Context(), c, path, restore.Config{Check: check(errInjected)})
	require.ErrorIs(t, err, errInjected)
	require.ErrorContains(t, err, "check: injected")
	nothingBut(t, dir)
	_, err = restore.Run(t.Context(), c, path, restore.Config{Check: check(nil), Mode: 0o640})
	require.NoError(t, err)
	nothingBut(t, dir, "db")
	if runtime.GOOS != "windows" {
		stat, err := os.Stat(path)
		require.NoError(t, err)
		assert.Equal(t, fs.FileMode(0o640), stat.Mode())
	}
}

// A context that ends, at any read, ends the restore and leaves nothing.
func TestRunCancelled(t *testing.T) {
	for stop := 1; ; stop++ {
		_, c := small(t)
		ctx, cancel := context.WithCancelCause(t.Context())
		reads := 0
		dir := t.TempDir()
		_, err := restore.Run(ctx, c, filepath.Join(dir, "db"), restore.Config{
			Progress: func(restore.Progress) {
				if reads++; reads == stop {
					cancel(errInjected)
				}
			},
		})
		if reads < stop {
			require.NoError(t, err)
			require.Greater(t, stop, 5)
			break
		}
		require.ErrorIs(t, err, context.Canceled)
		require.ErrorIs(t, err, errInjected)
		nothingBut(t, dir)
	}
	_, c := small(t)
	ctx, cancel := context.WithCancel(t.Context())
	dir := t.TempDir()
	_, err := restore.Run(ctx, c, filepath.Join(dir, "db"), restore.Config{Check: func(context.Context, string) error { cancel(); return nil }})
	require.ErrorIs(t, err, context.Canceled)
	nothingBut(t, dir)
}

// A file that is deleted between plan and reading is found elsewhere.
func TestRunPlansAnew(t *testing.T) {
	h, c := small(t)
	moved := false
	c.OpenLTXFileFunc = func(ctx context.Context, level int, minTXID, maxTXID ltx.TXID, offset, size int64) (io.ReadCloser, error) {
		if !moved && level == 0 {
			moved = true
			put(t, c, h, at{1, 8, 9})
			require.NoError(t, c.DeleteLTXFiles(ctx, []*ltx.FileInfo{{MinTXID: 8, MaxTXID: 8}, {MinTXID: 9, MaxTXID: 9}}))
		}
		return c.Default().OpenLTXFile(ctx, level, minTXID, maxTXID, offset, size)
	}
	dir := t.TempDir()
	result, err := restore.Run(t.Context(), c, filepath.Join(dir, "db"), restore.Config{Concurrency: 1})
	require.NoError(t, err)
	requireDatabase(t, h, 9, filepath.Join(dir, "db"))
	assert.Equal(t, 4, result.Files)

	// One that is listed again and again and never there is no missing
	// replica.
	_, c = small(t)
	c.FailOn(t, mock.OpOpen, 2, 0, 0, fs.ErrNotExist)
	_, err = restore.Run(t.Context(), c, filepath.Join(dir, "db2"), restore.Config{})
	require.ErrorIs(t, err, ltxstore.ErrUnavailable)
	require.NotErrorIs(t, err, fs.ErrNotExist)
	require.ErrorContains(t, err, "level 2 0000000000000004-0000000000000006.ltx")
	nothingBut(t, dir, "db")
}

func TestRunRefuses(t *testing.T) {
	h, c := small(t)
	dir := t.TempDir()
	for _, tt := range []struct {
		path string
		cfg  restore.Config
		says string
	}{
		{"", restore.Config{}, "path is empty"},
		{filepath.Join(dir, "no", "db"), restore.Config{}, "does not exist"},
		{filepath.Join(dir, "db"), restore.Config{Concurrency: -1}, "Config.Concurrency is -1: want 0 (16) or more"},
		{filepath.Join(dir, "db"), restore.Config{Mode: fs.ModeDir | 0o600}, "Config.Mode is d"},
		{filepath.Join(dir, "db"), restore.Config{Target: restore.Target{TXID: 1, Before: h.Time(1)}}, "target has both"},
	} {
		_, err := restore.Run(t.Context(), c, tt.path, tt.cfg)
		require.ErrorIs(t, err, fs.ErrInvalid, tt.says)
		require.ErrorContains(t, err, tt.says)
		require.NotErrorIs(t, err, fs.ErrNotExist)
	}
	require.Empty(t, c.Calls(), "the store is not asked for what cannot be")
	nothingBut(t, dir)
	_, err := restore.Run(t.Context(), c, filepath.Join(dir, "db"), restore.Config{Target: restore.Target{TXID: 10}})
	var unreachable *restore.UnreachableError
	require.True(t, errors.As(err, &unreachable))
	nothingBut(t, dir)
}

// Files are opened ahead of the one that is read, small ones more than others, but no more
// than allowed.
func TestRunOpensAhead(t *testing.T) {
	h := ltxmodel.New(1, 80)
	files := append([]at{{9, 1, 1}}, transactions(2, 80)...)
	for _, test := range []struct {
		limit int
		size  int64 // as it is listed
		most  int
	}{{1, 64 << 10, 1}, {1, 64<<10 + 1, 1}, {4, 64 << 10, 16}, {4, 64<<10 + 1, 4}} {
		synctest.Test(t, func(t *testing.T) {
			c := replica(t, h, files...)
			listed(c, test.size)
			var open ltxmodel.Open
			c.OpenLTXFileFunc = func(ctx context.Context, level int, minTXID, maxTXID ltx.TXID, offset, size int64) (io.ReadCloser, error) {
				rc, err := open.Count(c.Default().OpenLTXFile(ctx, level, minTXID, maxTXID, offset, size))
				time.Sleep(time.Second)
				return rc, err
			}
			path := filepath.Join(t.TempDir(), "db")
			_, err := restore.Run(t.Context(), c, path, restore.Config{Concurrency: test.limit})
			require.NoError(t, err)
			requireDatabase(t, h, 80, path)
			assert.Equal(t, test.most, open.Most(), "%+v", test)
			assert.Zero(t, open.Now())
		})
	}
}

// The first large file is opened at the same time as the small ones before it, if these are few.
func TestRunOpensTheFirstLargeFileEarly(t *testing.T) {
	const all = 80
	h := ltxmodel.New(1, all)
	files := append([]at{{9, 1, 1}}, transactions(2, all)...)
	for limit, latest := range map[int]int{1: all, 2: all, 3: 13, 4: 17} { // of so many opens
		synctest.Test(t, func(t *testing.T) {
			c := replica(t, h, files...)
			sized(c, func(info *ltx.FileInfo) int64 {
				if info.Level == ltxstore.SnapshotLevel {
					return 64<<10 + 1
				}
				return 64 << 10
			})
			var mu sync.Mutex
			opens, snapshot := 0, 0
			c.OpenLTXFileFunc = func(ctx context.Context, level int, minTXID, maxTXID ltx.TXID, offset, size int64) (io.ReadCloser, error) {
				mu.Lock()
				if opens++; level == ltxstore.SnapshotLevel {
					snapshot = opens
				}
				mu.Unlock()
				time.Sleep(time.Second)
				return c.Default().OpenLTXFile(ctx, level, minTXID, maxTXID, offset, size)
			}
			path := filepath.Join(t.TempDir(), "db")
			_, err := restore.Run(t.Context(), c, path, restore.Config{Concurrency: limit})
			require.NoError(t, err)
			requireDatabase(t, h, all, path)
			assert.Equal(t, all, opens)
			if latest == all {
				assert.Greater(t, snapshot, 17, "with %d", limit)
			} else {
				assert.LessOrEqual(t, snapshot, latest, "with %d", limit)
			}
		})
	}
}

// Small files that were read before the large ones leave no room for more of these.
func TestRunOpensAheadAfterSmall(t *testing.T) {
	h := ltxmodel.New(1, 80)
	files := append([]at{{9, 1, 1}}, transactions(2, 80)...)
	synctest.Test(t, func(t *testing.T) {
		c := replica(t, h, files...)
		sized(c, func(info *ltx.FileInfo) int64 {
			if info.MaxTXID > 40 {
				return 64 << 10
			}
			return 64<<10 + 1
		})
		var open ltxmodel.Open
		c.OpenLTXFileFunc = func(ctx context.Context, level int, minTXID, maxTXID ltx.TXID, offset, size int64) (io.ReadCloser, error) {
			rc, err := c.Default().OpenLTXFile(ctx, level, minTXID, maxTXID, offset, size)
			if maxTXID <= 40 {
				rc, err = open.Count(rc, err)
			}
			time.Sleep(time.Second)
			return rc, err
		}
		_, err := restore.DryRun(t.Context(), c, restore.Config{Concurrency: 4})
		require.NoError(t, err)
		assert.Equal(t, 4, open.Most())
	})
}

// listed makes a client list all files with that size.
func listed(c *mock.ReplicaClient, size int64) {
	sized(c, func(*ltx.FileInfo) int64 { return size })
}

// sized makes a client list each file with the size that size returns.
func sized(c *mock.ReplicaClient, size func(*ltx.FileInfo) int64) {
	c.LTXFilesFunc = func(ctx context.Context, level int, seek ltx.TXID, useMetadata bool) (ltx.FileIterator, error) {
		files, err := c.Default().LTXFiles(ctx, level, seek, useMetadata)
		if err != nil {
			return nil, err
		}
		all, err := ltx.SliceFileIterator(files)
		for _, info := range all {
			info.Size = size(info)
		}
		return ltx.NewFileInfoSliceIterator(all), err
	}
}

// A file that is larger than it was listed is read to its end.
func TestRunLargerThanListed(t *testing.T) {
	h := ltxmodel.New(1, 2)
	c := replica(t, h)
	body := incompressible(t, 100, 1, 1, 100)
	_, err := c.WriteLTXFile(t.Context(), 9, 1, 1, bytes.NewReader(body))
	require.NoError(t, err)
	require.Greater(t, len(body), 128<<10)
	listed(c, 1)
	path := filepath.Join(t.TempDir(), "db")
	result, err := restore.Run(t.Context(), c, path, restore.Config{})
	require.NoError(t, err)
	require.EqualValues(t, 100, result.Pages)
}
