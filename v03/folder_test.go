package v03_test

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/backend"
	"github.com/ltxstore/ltxstore/mock"
	"github.com/ltxstore/ltxstore/v03"
)

// watched notes which folders are listed.
type watched struct {
	*mock.ReplicaClient
	listed []string
}

func (w *watched) ListRaw(ctx context.Context, dir string, visit func(backend.RawFile) error) error {
	w.listed = append(w.listed, dir)
	return w.ReplicaClient.ListRaw(ctx, dir, visit)
}

// What is asked of one folder costs no listing of the other.
func TestFoldersAreListedOnce(t *testing.T) {
	const generation = "00000000000000ab"
	const snapshots, wal = "generations/" + generation + "/snapshots", "generations/" + generation + "/wal"
	client := &watched{ReplicaClient: mock.NewReplicaClient(mock.Config{})}
	client.Store().Put(snapshots+"/00000001.snapshot.lz4", mock.Object{Body: []byte("a")})
	client.Store().Put(wal+"/00000001_00000000.wal.lz4", mock.Object{Body: []byte("bc")})

	found, err := v03.Snapshots(t.Context(), client, generation)
	require.NoError(t, err)
	require.Len(t, found, 1)
	assert.EqualValues(t, 1, found[0].Size)
	assert.Equal(t, []string{snapshots}, client.listed)

	segments, err := v03.Segments(t.Context(), client, generation)
	require.NoError(t, err)
	require.Len(t, segments, 1)
	assert.EqualValues(t, 2, segments[0].Size)
	assert.Equal(t, []string{snapshots, wal}, client.listed)

	g, err := v03.ReadGeneration(t.Context(), client, generation)
	require.NoError(t, err)
	assert.Equal(t, found, g.Snapshots)
	assert.Equal(t, segments, g.Segments)
	assert.Equal(t, []string{snapshots, wal, snapshots, wal}, client.listed)
}

// A client that can only list, or only open, reads no v0.3.
func TestHalfRaw(t *testing.T) {
	c := empty()
	for _, client := range []ltxstore.ReplicaClient{
		struct {
			ltxstore.ReplicaClient
			backend.RawLister
		}{bare{c}, c},
		struct {
			ltxstore.ReplicaClient
			backend.RawOpener
		}{bare{c}, c},
	} {
		_, err := v03.Generations(t.Context(), client)
		assert.ErrorIs(t, err, errors.ErrUnsupported)
	}
}

// bare has nothing but a ReplicaClient's methods.
type bare struct{ ltxstore.ReplicaClient }
