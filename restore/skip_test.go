package restore_test

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/backend"
	"github.com/ltxstore/ltxstore/internal/testkit/ltxmodel"
	"github.com/ltxstore/ltxstore/mock"
	"github.com/ltxstore/ltxstore/restore"
)

// damage changes a file that is there.
func damage(t testing.TB, c *mock.ReplicaClient, f at, change func([]byte) []byte) {
	t.Helper()
	keys, err := backend.NewKeys(ltxstore.LayoutDefault, "")
	require.NoError(t, err)
	key := keys.File(f.level, f.min, f.max)
	object, ok := c.Store().Get(key)
	require.True(t, ok, key)
	object.Body = change(bytes.Clone(object.Body))
	c.Store().Put(key, object)
}

func flip(b []byte) []byte { b[len(b)/2] ^= 1; return b }
func tail(b []byte) []byte { b[len(b)-1] ^= 1; return b }
func cut(b []byte) []byte  { return b[:len(b)/2] }
func head(b []byte) []byte { b[0] ^= 1; return b }

// left returns the places of what was left out.
func left(files []restore.LeftOut) (out []at) {
	for _, f := range files {
		out = append(out, at{f.Level, f.MinTXID, f.MaxTXID})
	}
	return out
}

// Where levels make up for damaged files they are used, if that is wanted; else
// it is what comes before them.
func TestSkipDamaged(t *testing.T) {
	whole := []at{{9, 1, 3}, {9, 1, 6}, {1, 1, 2}, {1, 3, 4}, {1, 5, 6}, {0, 5, 5}, {0, 6, 6}, {0, 7, 7}, {0, 8, 8}}
	for name, tt := range map[string]struct {
		damaged []at
		target  restore.Target
		want    ltx.TXID
		left    []at
	}{
		"nothing":                 {nil, restore.Target{}, 8, nil},
		"not used":                {[]at{{9, 1, 3}, {1, 3, 4}}, restore.Target{}, 8, nil},
		"newest snapshot":         {[]at{{9, 1, 6}}, restore.Target{}, 8, []at{{9, 1, 6}}},
		"all snapshots":           {[]at{{9, 1, 6}, {9, 1, 3}}, restore.Target{}, 8, []at{{9, 1, 3}, {9, 1, 6}}},
		"snapshot and compaction": {[]at{{9, 1, 6}, {1, 5, 6}}, restore.Target{}, 8, []at{{1, 5, 6}, {9, 1, 6}}},
		"newest transaction":      {[]at{{0, 8, 8}}, restore.Target{}, 7, []at{{0, 8, 8}}},
		"a transaction":           {[]at{{9, 1, 3}, {9, 1, 6}}, restore.Target{TXID: 6}, 6, []at{{9, 1, 3}, {9, 1, 6}}},
	} {
		for how, change := range map[string]func([]byte) []byte{"flipped": flip, "tail": tail, "cut": cut, "head": head} {
			t.Run(name+"/"+how, func(t *testing.T) {
				h := ltxmodel.New(3, 9)
				c := replica(t, h, whole...)
				for _, f := range tt.damaged {
					damage(t, c, f, change)
				}
				open := count(c)
				dir := t.TempDir()
				path := filepath.Join(dir, "db")
				cfg := restore.Config{Target: tt.target}
				_, err := restore.Run(t.Context(), c, path, cfg)
				if tt.left != nil {
					require.ErrorIs(t, err, ltxstore.ErrChecksum)
					_, dry := restore.DryRun(t.Context(), c, cfg)
					require.EqualError(t, err, dry.Error(), "a dry run fails as a restore does")
				} else {
					require.NoError(t, err)
					require.NoError(t, os.Remove(path))
				}
				nothingBut(t, dir)

				cfg.SkipDamaged = true
				dry, err := restore.DryRun(t.Context(), c, cfg)
				require.NoError(t, err)
				nothingBut(t, dir)
				result, err := restore.Run(t.Context(), c, path, cfg)
				require.NoError(t, err)
				assert.Equal(t, result, dry, "and gives what it gives")
				assert.Equal(t, tt.want, result.TXID)
				assert.Equal(t, tt.left, left(result.LeftOut))
				for _, f := range result.LeftOut {
					assert.NotContains(t, f.Reason, "mock: ", "the file is named already")
				}
				requireDatabase(t, h, tt.want, path)
				assert.Zero(t, open.Now())
			})
		}
	}
}

// A client's error that has a kind and no cause is the reason as it is.
func TestSkipDamagedWithoutCause(t *testing.T) {
	h := ltxmodel.New(3, 4)
	c := replica(t, h, at{9, 1, 3}, at{0, 1, 1}, at{0, 2, 2}, at{0, 3, 3})
	c.Script(t, mock.Fault{Op: mock.OpOpen, Levels: []int{9}, Times: -1, Err: &ltxstore.Error{Backend: "other", Op: "read", Kind: ltxstore.ErrChecksum}})
	path := filepath.Join(t.TempDir(), "db")
	result, err := restore.Run(t.Context(), c, path, restore.Config{SkipDamaged: true})
	require.NoError(t, err)
	require.Equal(t, []at{{9, 1, 3}}, left(result.LeftOut))
	assert.Equal(t, "other: read: "+ltxstore.ErrChecksum.Error(), result.LeftOut[0].Reason)
	requireDatabase(t, h, 3, path)
}

// Damage that leaves a gap before files that go on is told with the gap.
func TestSkipDamagedGap(t *testing.T) {
	h := ltxmodel.New(3, 9)
	c := replica(t, h, at{9, 1, 3}, at{0, 4, 4}, at{0, 5, 5}, at{0, 6, 6})
	damage(t, c, at{0, 5, 5}, flip)
	_, err := restore.DryRun(t.Context(), c, restore.Config{SkipDamaged: true})
	var unreachable *restore.UnreachableError
	require.ErrorAs(t, err, &unreachable)
	assert.Equal(t, []ltx.TXID{4, 5, 6}, []ltx.TXID{unreachable.Last, unreachable.Missing, unreachable.Until})
	require.ErrorContains(t, err, "; left out: level 0 0000000000000005-0000000000000005.ltx: ")
	require.NotErrorIs(t, err, ltxstore.ErrChecksum)
}

// All damaged files of a plan are found in one pass.
func TestSkipDamagedManyAtOnce(t *testing.T) {
	const n = 40
	h := ltxmodel.New(3, n)
	files := append([]at{{9, 1, n}}, transactions(1, n)...)
	c := replica(t, h, append(files, at{1, 1, n})...)
	for _, f := range files {
		damage(t, c, f, flip)
	}
	damage(t, c, at{1, 1, n}, tail)
	_, err := restore.DryRun(t.Context(), c, restore.Config{SkipDamaged: true})
	require.ErrorContains(t, err, "nothing can be restored")
	assert.Len(t, c.Calls(mock.OpOpen), n+2, "each file is read once")
}

// Damage is what a file is, not what befalls its transfer.
func TestSkipDamagedOnly(t *testing.T) {
	files := []at{{9, 1, 3}, {1, 1, 3}, {0, 4, 4}, {0, 5, 5}}
	h := ltxmodel.New(3, 9)
	for _, fault := range []mock.Fault{
		{Op: mock.OpOpen, Levels: []int{9}, Err: errInjected},
		{Op: mock.OpRead, Levels: []int{9}, After: 300, Err: errInjected},
		{Op: mock.OpOpen, Levels: []int{0}, Err: errInjected},
		{Op: mock.OpList, Levels: []int{0}, Err: errInjected},
	} {
		c := replica(t, h, files...)
		c.Script(t, fault)
		dir := t.TempDir()
		_, err := restore.Run(t.Context(), c, filepath.Join(dir, "db"), restore.Config{SkipDamaged: true})
		require.ErrorIs(t, err, errInjected)
		nothingBut(t, dir)
	}
	// What Check finds wrong is of the whole.
	c := replica(t, h, files...)
	checked := 0
	_, err := restore.Run(t.Context(), c, filepath.Join(t.TempDir(), "db"), restore.Config{SkipDamaged: true,
		Check: func(context.Context, string) error { checked++; return ltxstore.ErrChecksum }})
	require.ErrorIs(t, err, ltxstore.ErrChecksum)
	assert.Equal(t, 1, checked)

	// A transfer that fails behind a damaged file does not hide that it is
	// damaged, but a context that ends does.
	c = replica(t, h, files...)
	damage(t, c, at{0, 5, 5}, flip)
	c.Script(t, mock.Fault{Op: mock.OpOpen, Levels: []int{9}, Err: errInjected})
	result, err := restore.DryRun(t.Context(), c, restore.Config{SkipDamaged: true, Concurrency: 1})
	require.NoError(t, err)
	assert.Equal(t, ltx.TXID(4), result.TXID)
	ctx, cancel := context.WithCancelCause(t.Context())
	_, err = restore.DryRun(ctx, c, restore.Config{SkipDamaged: true, Concurrency: 1, Progress: func(p restore.Progress) {
		if p.Files == 1 { // of the second plan: the first fails with its first file
			cancel(errInjected)
		}
	}})
	require.ErrorIs(t, err, errInjected)
	require.ErrorIs(t, err, context.Canceled)
}

// A header that is damaged has no time: the file is left out of a moment's plan.
func TestSkipDamagedBefore(t *testing.T) {
	h := ltxmodel.New(3, 9)
	c := replica(t, h, at{9, 1, 3}, at{1, 4, 5}, at{0, 4, 4}, at{0, 5, 5}, at{0, 6, 6})
	damage(t, c, at{1, 4, 5}, head)
	cfg := restore.Config{Target: restore.Target{Before: h.Time(6)}}
	_, err := restore.DryRun(t.Context(), c, cfg)
	require.ErrorIs(t, err, ltxstore.ErrChecksum)
	cfg.SkipDamaged = true
	c.ResetCalls()
	result, err := restore.DryRun(t.Context(), c, cfg)
	require.NoError(t, err)
	assert.Equal(t, ltx.TXID(5), result.TXID)
	assert.Equal(t, []at{{1, 4, 5}}, left(result.LeftOut))
	for _, call := range c.Calls(mock.OpOpen) {
		assert.True(t, call.Level != 1 || call.Size == ltx.HeaderSize, "its pages are of no use")
	}
}

// Of two histories one is restored, the one that goes further.
func TestSkipOtherHistory(t *testing.T) {
	h, other := ltxmodel.New(3, 9), ltxmodel.New(4, 9)
	h.Tracked, other.Tracked = true, true
	for name, tt := range map[string]struct {
		files, others []at
		target        restore.Target
		before        bool // the moment of transaction 7
		want          ltx.TXID
		left          []at
	}{
		"compacted by the other":   {[]at{{0, 1, 1}, {0, 2, 2}, {0, 3, 3}}, []at{{1, 1, 2}}, restore.Target{}, false, 3, []at{{1, 1, 2}}},
		"written on by the other":  {[]at{{9, 1, 3}, {0, 4, 4}}, []at{{0, 5, 5}}, restore.Target{}, false, 4, []at{{0, 5, 5}}},
		"one goes further":         {[]at{{9, 1, 3}, {0, 4, 4}, {0, 7, 7}}, []at{{1, 1, 6}}, restore.Target{TXID: 6}, false, 6, nil},
		"to a transaction":         {[]at{{9, 1, 3}, {1, 4, 5}, {0, 6, 6}, {0, 7, 7}, {0, 8, 8}}, []at{{2, 1, 6}}, restore.Target{TXID: 7}, false, 7, []at{{2, 1, 6}}},
		"to a moment":              {[]at{{9, 1, 3}, {1, 4, 5}, {0, 6, 6}, {0, 7, 7}, {0, 8, 8}}, []at{{2, 1, 5}}, restore.Target{}, true, 6, []at{{2, 1, 5}}},
		"overlaps":                 {[]at{{9, 1, 8}, {0, 9, 9}}, []at{{1, 8, 9}}, restore.Target{}, false, 9, []at{{1, 8, 9}}},
		"overlaps, and is newest":  {[]at{{9, 1, 8}}, []at{{1, 8, 9}}, restore.Target{}, false, 8, []at{{1, 8, 9}}},
		"overlaps in the middle":   {[]at{{9, 1, 4}, {0, 5, 5}, {0, 6, 6}, {0, 7, 7}, {0, 8, 8}}, []at{{2, 4, 6}}, restore.Target{}, false, 8, []at{{2, 4, 6}}},
		"the shortest of the ways": {[]at{{9, 1, 4}, {0, 5, 5}, {0, 6, 6}, {1, 5, 6}, {0, 7, 7}, {0, 8, 8}}, []at{{2, 1, 7}}, restore.Target{}, false, 8, []at{{2, 1, 7}}},
	} {
		t.Run(name, func(t *testing.T) {
			c := replica(t, h, tt.files...)
			put(t, c, other, tt.others...)
			cfg := restore.Config{Target: tt.target, SkipDamaged: true}
			if tt.before {
				cfg.Target.Before = h.Time(7)
			}
			path := filepath.Join(t.TempDir(), "db")
			result, err := restore.Run(t.Context(), c, path, cfg)
			require.NoError(t, err)
			require.Equal(t, tt.want, result.TXID)
			assert.Equal(t, tt.left, left(result.LeftOut))
			assert.False(t, result.PastEnd)
			if tt.target.TXID == 6 {
				requireDatabase(t, other, 6, path)
			} else {
				requireDatabase(t, h, tt.want, path)
			}
			if name == "the shortest of the ways" {
				assert.Equal(t, 4, result.Files)
			}
		})
	}
}

// Where histories are told apart, all levels are listed at once.
func TestSkipOtherHistoryListsAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, other := ltxmodel.New(3, 9), ltxmodel.New(4, 9)
		h.Tracked, other.Tracked = true, true
		c := replica(t, h, at{9, 1, 3}, at{0, 4, 4}, at{0, 5, 5}, at{0, 6, 6})
		put(t, c, other, at{1, 1, 5})
		var transactions, snapshots, both atomic.Bool
		c.LTXFilesFunc = func(ctx context.Context, level int, seek ltx.TXID, useMetadata bool) (ltx.FileIterator, error) {
			if under := map[int]*atomic.Bool{0: &transactions, 9: &snapshots}[level]; under != nil {
				under.Store(true)
				defer under.Store(false)
			}
			time.Sleep(time.Second)
			both.Store(both.Load() || transactions.Load() && snapshots.Load())
			return c.Default().LTXFiles(ctx, level, seek, useMetadata)
		}
		result, err := restore.DryRun(t.Context(), c, restore.Config{SkipDamaged: true})
		require.NoError(t, err)
		assert.Equal(t, []at{{1, 1, 5}}, left(result.LeftOut))
		assert.True(t, both.Load())
	})
}

// Headers and trailers that are damaged, or gone, while histories are told apart.
func TestSkipOtherHistoryDamaged(t *testing.T) {
	h, other := ltxmodel.New(3, 9), ltxmodel.New(4, 9)
	h.Tracked, other.Tracked = true, true
	build := func() *mock.ReplicaClient {
		c := replica(t, h, at{9, 1, 3}, at{1, 4, 5}, at{0, 4, 4}, at{0, 5, 5}, at{0, 6, 6})
		put(t, c, other, at{2, 1, 5})
		return c
	}
	for how, change := range map[string]func([]byte) []byte{"head": head, "cut": cut, "tiny": func(b []byte) []byte { return b[:50] }, "flipped": flip} {
		c := build()
		damage(t, c, at{1, 4, 5}, change)
		result, err := restore.DryRun(t.Context(), c, restore.Config{SkipDamaged: true})
		require.NoError(t, err, how)
		assert.Equal(t, []any{ltx.TXID(6), 4}, []any{result.TXID, result.Files}, how)
		assert.Contains(t, left(result.LeftOut), at{2, 1, 5})
		if how != "cut" { // that one's trailer is of no history at all
			assert.Contains(t, left(result.LeftOut), at{1, 4, 5})
		}
	}
	for _, fault := range []mock.Fault{
		{Op: mock.OpOpen, Levels: []int{0}, MinTXID: 4, Err: errInjected},
		{Op: mock.OpList, Levels: []int{5}, Nth: 2, Err: errInjected},
		{Op: mock.OpNext, Levels: []int{0}, Nth: 2, Err: errInjected},
	} {
		c := build()
		c.Script(t, fault)
		_, err := restore.DryRun(t.Context(), c, restore.Config{SkipDamaged: true})
		require.ErrorIs(t, err, errInjected, "%v", fault)
	}
	c := build()
	c.Script(t, mock.Fault{Op: mock.OpOpen, Levels: []int{0}, MinTXID: 4, Times: 2, Err: fs.ErrNotExist})
	result, err := restore.DryRun(t.Context(), c, restore.Config{SkipDamaged: true})
	require.NoError(t, err, "what goes away is planned anew")
	assert.Equal(t, ltx.TXID(6), result.TXID)
	c = build()
	c.Script(t, mock.Fault{Op: mock.OpOpen, Levels: []int{0}, MinTXID: 4, Times: -1, Err: fs.ErrNotExist})
	_, err = restore.DryRun(t.Context(), c, restore.Config{SkipDamaged: true})
	require.ErrorIs(t, err, ltxstore.ErrUnavailable)
}

// A page that no file has is the fault of the file with which the database grew.
func TestSkipPageMissing(t *testing.T) {
	h := ltxmodel.New(3, 9)
	pages := uint32(len(h.Database(4)) / ltxmodel.PageSize)
	for _, commit := range []uint32{pages + 1, 100} {
		c := replica(t, h, at{9, 1, 3}, at{0, 4, 4})
		write := func(txid ltx.TXID, pgnos ...uint32) {
			var buf bytes.Buffer
			enc, err := ltx.NewEncoder(&buf)
			require.NoError(t, err)
			require.NoError(t, enc.EncodeHeader(ltx.Header{Version: ltx.Version, Flags: ltx.HeaderFlagNoChecksum, PageSize: ltxmodel.PageSize, Commit: commit, MinTXID: txid, MaxTXID: txid}))
			for _, pgno := range pgnos {
				require.NoError(t, enc.EncodePage(ltx.PageHeader{Pgno: pgno}, make([]byte, ltxmodel.PageSize)))
			}
			require.NoError(t, enc.Close())
			_, err = c.WriteLTXFile(t.Context(), 0, txid, txid, &buf)
			require.NoError(t, err)
		}
		write(5)
		write(6, 1)
		_, err := restore.DryRun(t.Context(), c, restore.Config{})
		require.ErrorContains(t, err, fmt.Sprintf("level 0 0000000000000005-0000000000000005.ltx: no file contains page %d", pages+1))
		require.NoError(t, c.DeleteLTXFiles(t.Context(), []*ltx.FileInfo{{MinTXID: 6, MaxTXID: 6}}))
		result, err := restore.DryRun(t.Context(), c, restore.Config{SkipDamaged: true})
		require.NoError(t, err)
		assert.Equal(t, ltx.TXID(4), result.TXID)
		assert.Equal(t, []at{{0, 5, 5}}, left(result.LeftOut))
	}
}

// A transfer that fails while it is found out which file is wrong says nothing
// about a file.
func TestSkipWrongFails(t *testing.T) {
	h, other := ltxmodel.New(3, 9), ltxmodel.New(4, 9)
	h.Tracked, other.Tracked = true, true
	c := replica(t, h, at{9, 1, 8})
	put(t, c, other, at{1, 8, 9})
	c.Script(t, mock.Fault{Op: mock.OpOpen, Levels: []int{9}, Nth: 2, Err: errInjected})
	_, err := restore.DryRun(t.Context(), c, restore.Config{SkipDamaged: true})
	require.ErrorIs(t, err, errInjected)

	// A file that is deleted meanwhile is looked for elsewhere.
	c.Script(t, mock.Fault{Op: mock.OpOpen, Levels: []int{9}, Nth: 2, Err: fs.ErrNotExist})
	result, err := restore.DryRun(t.Context(), c, restore.Config{SkipDamaged: true})
	require.NoError(t, err)
	assert.Equal(t, ltx.TXID(8), result.TXID)
}

func TestDryRunRefuses(t *testing.T) {
	_, err := restore.DryRun(t.Context(), nil, restore.Config{})
	require.ErrorIs(t, err, fs.ErrInvalid)
	_, c := small(t)
	_, err = restore.DryRun(t.Context(), c, restore.Config{Concurrency: -1})
	require.ErrorIs(t, err, fs.ErrInvalid)
	require.Empty(t, c.Calls())
}
