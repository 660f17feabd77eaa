package mirror_test

import (
	"bytes"
	"context"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/internal/testkit/ltxmodel"
	"github.com/ltxstore/ltxstore/mock"
	"github.com/ltxstore/ltxstore/wrap/mirror"
)

// damaged is a replica whose copy of the first file has another last byte.
func damaged(t *testing.T, c *mock.ReplicaClient, body []byte) {
	t.Helper()
	_, err := c.WriteLTXFile(t.Context(), 0, 1, 1, bytes.NewReader(body))
	require.NoError(t, err)
	key := c.Store().Keys()[0]
	o, _ := c.Store().Get(key)
	o.Body[len(o.Body)-1] ^= 1
	c.Store().Put(key, o)
}

// What is damaged is told and not copied, and a whole copy is brought from another
// replica.
func TestRepairChecks(t *testing.T) {
	h := ltxmodel.New(1, 3)
	one, two := h.File(1, 1), h.File(2, 2)
	w := newWorld(3, mirror.Config{})
	damaged(t, w.replicas[0], one)
	for n, body := range [][]byte{one, two} {
		_, err := w.replicas[1].WriteLTXFile(t.Context(), 0, ltx.TXID(n+1), ltx.TXID(n+1), bytes.NewReader(body))
		require.NoError(t, err)
	}
	report, err := w.Repair(t.Context())
	require.NoError(t, err)
	assert.EqualValues(t, 3, report.Files, "the first to one replica, the second to two")
	require.Len(t, report.Damaged, 1)
	assert.Equal(t, mirror.Failure{Op: "read", Type: "mock", MinTXID: 1, MaxTXID: 1, Err: report.Damaged[0].Err}, report.Damaged[0])
	require.ErrorIs(t, report.Damaged[0].Err, ltxstore.ErrChecksum)
	require.ErrorContains(t, report.Damaged[0].Err, "0000000000000001-0000000000000001.ltx: the source's file is damaged")
	assert.Equal(t, report.Damaged, w.failures, "it is told of")
	got, err := read(w.replicas[2], 1, 0, 0)
	require.NoError(t, err)
	assert.Equal(t, string(one), got)

	// No replica has it whole.
	w = newWorld(3, mirror.Config{})
	damaged(t, w.replicas[0], one)
	_, err = w.replicas[1].WriteLTXFile(t.Context(), 0, 2, 2, bytes.NewReader(two))
	require.NoError(t, err)
	report, err = w.Repair(t.Context())
	require.ErrorIs(t, err, ltxstore.ErrChecksum)
	require.ErrorContains(t, err, "mock: repair: 1 files are damaged in every replica that has them")
	assert.EqualValues(t, 2, report.Files, "the other is copied all the same")
	assert.Len(t, report.Damaged, 1)
	found, err := list(w.replicas[2], 0, 0)
	require.NoError(t, err)
	assert.Equal(t, []ltx.TXID{2}, found)

	w = newWorld(2, mirror.Config{CopyDamaged: true})
	damaged(t, w.replicas[0], one)
	report, err = w.Repair(t.Context())
	require.NoError(t, err)
	assert.EqualValues(t, 1, report.Files)
	assert.Empty(t, report.Damaged)
}

// All levels are repaired, and one whose name a replica cannot tell is not passed over.
func TestRepairLevels(t *testing.T) {
	w := newWorld(2, mirror.Config{})
	_, err := w.replicas[1].WriteLTXFile(t.Context(), 1234, 1, 1, bytes.NewReader([]byte("x")))
	require.NoError(t, err)
	report, err := w.Repair(t.Context())
	require.NoError(t, err)
	assert.EqualValues(t, 1, report.Files)
	assert.Len(t, w.replicas[0].Store().Keys(), 1)

	hidden := &hidesLevels{w.replicas[1]}
	m := mirror.New(mock.NewReplicaClient(mock.Config{}), mirror.Config{Others: []ltxstore.ReplicaClient{hidden}})
	m.SetLogger(nil)
	_, err = m.Repair(t.Context())
	assert.ErrorIs(t, err, ltxstore.ErrUnavailable)
}

type hidesLevels struct{ ltxstore.ReplicaClient }

func (hidesLevels) LTXLevels(context.Context) ([]int, error) {
	return nil, &ltxstore.Error{Op: "list", Backend: "mock", Kind: ltxstore.ErrUnavailable}
}
