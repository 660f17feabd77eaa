package mock_test

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore/mock"
)

func newBody() io.Reader { return bytes.NewReader([]byte("body")) }

func TestCalls(t *testing.T) {
	c := newClient(mock.Config{})
	ctx := t.Context()
	require.NoError(t, c.Init(ctx))
	_, err := c.WriteLTXFile(ctx, 1, 2, 3, newBody())
	require.NoError(t, err)
	it, err := c.LTXFiles(ctx, 1, 2, true)
	require.NoError(t, err)
	assert.True(t, it.Next())
	require.NoError(t, it.Close())
	rc, err := c.OpenLTXFile(ctx, 1, 2, 3, 1, 2)
	require.NoError(t, err)
	_, err = io.ReadAll(rc)
	require.NoError(t, err)
	require.NoError(t, rc.Close())
	_, err = c.OpenLTXFile(ctx, 0, 9, 9, 0, 0)
	require.Error(t, err)
	info := &ltx.FileInfo{Level: 1, MinTXID: 2, MaxTXID: 3}
	require.NoError(t, c.DeleteLTXFiles(ctx, []*ltx.FileInfo{info}))
	require.Error(t, c.DeleteLTXFiles(ctx, []*ltx.FileInfo{nil}))
	info.Level = 99
	require.NoError(t, c.DeleteAll(ctx))
	require.NoError(t, c.Close())

	calls := c.Calls()
	for i, missing := range map[int]error{4: fs.ErrNotExist, 6: fs.ErrInvalid} {
		require.ErrorIs(t, calls[i].Err, missing)
		calls[i].Err = nil
	}
	assert.Equal(t, []mock.Call{
		{Op: mock.OpInit, Level: -1, Done: true},
		{Op: mock.OpWrite, Level: 1, MinTXID: 2, MaxTXID: 3, Done: true, Bytes: 4},
		{Op: mock.OpList, Level: 1, Seek: 2, UseMetadata: true, Done: true, Items: 1},
		{Op: mock.OpOpen, Level: 1, MinTXID: 2, MaxTXID: 3, Offset: 1, Size: 2, Done: true, Bytes: 2},
		{Op: mock.OpOpen, MinTXID: 9, MaxTXID: 9, Done: true},
		{Op: mock.OpDelete, Level: -1, Files: []ltx.FileInfo{{Level: 1, MinTXID: 2, MaxTXID: 3}}, Done: true},
		{Op: mock.OpDelete, Level: -1, Files: []ltx.FileInfo{{}}, Done: true},
		{Op: mock.OpDeleteAll, Level: -1, Done: true},
		{Op: mock.OpClose, Level: -1, Done: true},
	}, calls)
	assert.Len(t, c.Calls(mock.OpOpen), 2)
	assert.Len(t, c.Calls(mock.OpOpen, mock.OpWrite), 3)
	calls[5].Files[0].Level = 77
	assert.Equal(t, 1, c.Calls(mock.OpDelete)[0].Files[0].Level, "the log is not the caller's")
	c.ResetCalls()
	assert.Equal(t, []mock.Call{}, c.Calls())
}

// closeFails is a reader and an iterator whose Close fails.
type closeFails struct{ ltx.FileIterator }

var errClose = errors.New("close")

func (closeFails) Read(p []byte) (int, error) {
	if len(p) == 1 {
		return 0, errInjected
	}
	return 0, io.EOF
}

func (closeFails) Close() error { return errClose }

func TestCallsLogCloseErrors(t *testing.T) {
	var c mock.ReplicaClient
	c.OpenLTXFileFunc = overrideOpen(closeFails{})
	rc, err := c.OpenLTXFile(t.Context(), 0, 1, 1, 0, 0)
	require.NoError(t, err)
	require.ErrorIs(t, rc.Close(), errClose)
	require.ErrorIs(t, c.Calls()[0].Err, errClose)

	c.LTXFilesFunc = overrideList(closeFails{})
	it, err := c.LTXFiles(t.Context(), 0, 0, false)
	require.NoError(t, err)
	require.ErrorIs(t, it.Close(), errClose)
	require.ErrorIs(t, c.Calls()[1].Err, errClose)

	rc, err = c.OpenLTXFile(t.Context(), 0, 1, 1, 0, 0)
	require.NoError(t, err)
	_, err = rc.Read(make([]byte, 1))
	require.ErrorIs(t, err, errInjected)
	require.ErrorIs(t, rc.Close(), errClose)
	require.ErrorIs(t, c.Calls()[2].Err, errInjected, "the first error stays")
}
