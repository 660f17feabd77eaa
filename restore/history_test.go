package restore_test

import (
	"context"
	"io/fs"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore/internal/testkit/ltxmodel"
	"github.com/ltxstore/ltxstore/mock"
	"github.com/ltxstore/ltxstore/restore"
)

// histories returns a replica of two histories, the files of which have checksums.
func histories(t *testing.T, files, others []at) (*ltxmodel.History, *mock.ReplicaClient) {
	h, other := ltxmodel.New(3, 10), ltxmodel.New(4, 10)
	h.Tracked, other.Tracked = true, true
	c := replica(t, h, files...)
	put(t, c, other, others...)
	c.ResetCalls()
	return h, c
}

// Of the ways to one state, the one with the fewest files is used: of those the one
// that can be verified, then the one that repeats less.
func TestHistoryChoosesFiles(t *testing.T) {
	next := []at{{0, 10, 10}} // of the other history, so that there are two
	for name, tt := range map[string]struct {
		files, others, want []at
	}{
		"adjacent before overlapping": {[]at{{9, 1, 4}, {1, 5, 9}, {0, 10, 10}}, []at{{2, 1, 6}, {3, 7, 9}}, []at{{9, 1, 4}, {1, 5, 9}, {0, 10, 10}}},
		"fewer, overlapping":          {[]at{{1, 1, 2}, {1, 3, 4}, {9, 1, 6}, {2, 5, 9}}, next, []at{{9, 1, 6}, {2, 5, 9}}},
		"fewer, to the end":           {[]at{{9, 1, 4}, {2, 1, 9}, {1, 5, 9}}, next, []at{{2, 1, 9}}},
		"the one that begins last":    {[]at{{9, 1, 4}, {2, 3, 9}, {1, 5, 9}}, next, []at{{9, 1, 4}, {1, 5, 9}}},
	} {
		t.Run(name, func(t *testing.T) {
			h, c := histories(t, tt.files, tt.others)
			path := filepath.Join(t.TempDir(), "db")
			result, err := restore.Run(t.Context(), c, path, restore.Config{SkipDamaged: true})
			require.NoError(t, err)
			assert.Equal(t, len(tt.want), result.Files)
			var read []at
			for _, call := range c.Calls(mock.OpOpen) {
				if call.Size == 0 {
					read = append(read, at{call.Level, call.MinTXID, call.MaxTXID})
				}
			}
			assert.ElementsMatch(t, tt.want, read[len(read)-len(tt.want):])
			requireDatabase(t, h, tt.want[len(tt.want)-1].max, path)
			for _, call := range c.Calls(mock.OpList) {
				assert.False(t, call.UseMetadata, "times are in the headers")
			}
		})
	}
}

// Files without checksums, such as Litestream's, continue those that have some.
func TestHistoryWithoutChecksums(t *testing.T) {
	h, c := histories(t, []at{{9, 1, 3}, {0, 4, 4}}, []at{{1, 4, 5}})
	h.Tracked = false
	put(t, c, h, at{0, 5, 5}, at{0, 6, 6})
	path := filepath.Join(t.TempDir(), "db")
	result, err := restore.Run(t.Context(), c, path, restore.Config{SkipDamaged: true})
	require.NoError(t, err)
	assert.Equal(t, []at{{1, 4, 5}}, left(result.LeftOut))
	requireDatabase(t, h, 6, path)
}

// A gap that only a file of another history fills is a gap.
func TestHistoryGap(t *testing.T) {
	_, c := histories(t, []at{{9, 1, 3}, {0, 8, 8}, {1, 6, 6}}, []at{{2, 4, 7}})
	_, err := restore.DryRun(t.Context(), c, restore.Config{SkipDamaged: true})
	var unreachable *restore.UnreachableError
	require.ErrorAs(t, err, &unreachable)
	assert.Equal(t, []ltx.TXID{3, 4, 6}, []ltx.TXID{unreachable.Last, unreachable.Missing, unreachable.Until})
	assert.Contains(t, left(unreachable.LeftOut), at{2, 4, 7})
}

// A listing that changes while histories are told apart: transaction 0, which no LTX file
// has, is passed over, and a replica that was emptied is one without files.
func TestHistoryListing(t *testing.T) {
	for name, tt := range map[string]struct {
		then []*ltx.FileInfo // of level 3, the only files from then on; nil adds transaction 0
		says string
	}{
		"transaction 0": {},
		"emptied":       {then: []*ltx.FileInfo{}, says: "the replica has no files"},
	} {
		t.Run(name, func(t *testing.T) {
			_, c := histories(t, []at{{9, 1, 3}, {0, 4, 4}}, []at{{0, 5, 5}})
			c.LTXFilesFunc = func(ctx context.Context, level int, seek ltx.TXID, useMetadata bool) (ltx.FileIterator, error) {
				switch {
				case len(c.Calls(mock.OpOpen)) < 3: // the first plan is not read yet
				case tt.then != nil:
					return ltx.NewFileInfoSliceIterator(tt.then), nil
				case level == 3:
					return ltx.NewFileInfoSliceIterator([]*ltx.FileInfo{{Level: 3, MaxTXID: 7, Size: 100}}), nil
				}
				return c.Default().LTXFiles(ctx, level, seek, useMetadata)
			}
			result, err := restore.DryRun(t.Context(), c, restore.Config{SkipDamaged: true})
			if tt.says == "" {
				require.NoError(t, err)
				assert.Equal(t, ltx.TXID(4), result.TXID)
				return
			}
			require.ErrorIs(t, err, fs.ErrNotExist)
			require.ErrorContains(t, err, tt.says)
		})
	}
}
