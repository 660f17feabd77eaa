package mirror_test

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/internal/testkit/ltxmodel"
	"github.com/ltxstore/ltxstore/transfer"
	"github.com/ltxstore/ltxstore/wrap/mirror"
)

// A mirror is repaired by copying from each replica to each other: the files that one
// lacks, of all levels, from a replica that has them whole.
func TestRepair(t *testing.T) {
	h := ltxmodel.New(1, 3)
	w := newWorld(3, mirror.Config{Policy: mirror.PolicyBestEffort})
	put := func(n, level int, txid ltx.TXID, body []byte) {
		_, err := w.replicas[n].WriteLTXFile(t.Context(), level, txid, txid, bytes.NewReader(body))
		require.NoError(t, err)
	}
	put(0, 0, 1, h.File(1, 1))
	key := w.replicas[0].Store().Keys()[0]
	damaged, _ := w.replicas[0].Store().Get(key)
	damaged.Body[len(damaged.Body)-1] ^= 1
	w.replicas[0].Store().Put(key, damaged)
	put(1, 0, 1, h.File(1, 1))
	put(2, 0, 2, h.File(2, 2))
	put(1, 1234, 3, h.File(3, 3))

	var copied int
	var failed []error
	for _, to := range w.Replicas() {
		for _, from := range w.Replicas() {
			if from == to {
				continue
			}
			report, err := transfer.Run(t.Context(), to, from, transfer.Config{})
			require.NotNil(t, report)
			copied += report.Files[transfer.Copied]
			if err != nil {
				failed = append(failed, err)
			}
		}
	}
	assert.Equal(t, 5, copied, "the first file to one replica, the two others to two each")
	require.Len(t, failed, 1)
	assert.ErrorIs(t, failed[0], ltxstore.ErrChecksum, "the damaged file is left out")
	for n, c := range w.replicas {
		got, err := list(c, 0, 0)
		require.NoError(t, err)
		assert.Equal(t, []ltx.TXID{1, 2}, got)
		got, err = list(c, 1234, 0)
		require.NoError(t, err)
		assert.Equal(t, []ltx.TXID{3}, got)
		if n > 0 {
			body, err := read(c, 1, 0, 0)
			require.NoError(t, err)
			assert.Equal(t, string(h.File(1, 1)), body)
		}
	}
}
