package readonly_test

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"testing"
	"testing/iotest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/mock"
	"github.com/ltxstore/ltxstore/testing/replicatest"
	"github.com/ltxstore/ltxstore/wrap/readonly"
)

func TestRefuses(t *testing.T) {
	next := mock.NewReplicaClient(mock.Config{})
	next.SetLogger(nil)
	body := replicatest.NewLTXFile(1, 1, time.Now(), 1)
	_, err := next.WriteLTXFile(t.Context(), 0, 1, 1, bytes.NewReader(body))
	require.NoError(t, err)
	next.ResetCalls()

	c := readonly.New(next, readonly.Config{})
	require.NoError(t, c.Init(t.Context()))
	assert.Equal(t, "mock", c.Type())
	_, err = c.WriteLTXFile(t.Context(), 0, 2, 2, iotest.ErrReader(errors.New("the body was read")))
	assert.ErrorIs(t, err, fs.ErrPermission)
	assert.EqualError(t, err, "mock: write level 0 0000000000000002-0000000000000002.ltx: the replica is read-only to this client: permission denied")
	assert.ErrorIs(t, c.DeleteLTXFiles(t.Context(), []*ltx.FileInfo{{MinTXID: 1, MaxTXID: 1}}), fs.ErrPermission)
	assert.ErrorIs(t, c.DeleteAll(t.Context()), fs.ErrPermission)
	assert.NoError(t, c.DeleteLTXFiles(t.Context(), nil))

	// What is wrong with a call is told first.
	_, err = c.WriteLTXFile(t.Context(), 0, 2, 1, nil)
	assert.ErrorIs(t, err, fs.ErrInvalid)
	assert.ErrorIs(t, c.DeleteLTXFiles(t.Context(), []*ltx.FileInfo{nil}), fs.ErrInvalid)
	done, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = c.WriteLTXFile(done, 0, 2, 2, nil)
	assert.ErrorIs(t, err, context.Canceled)
	assert.ErrorIs(t, c.DeleteLTXFiles(done, nil), context.Canceled)
	assert.ErrorIs(t, c.DeleteAll(done), context.Canceled)

	assert.Empty(t, next.Calls(mock.OpWrite, mock.OpDelete, mock.OpDeleteAll))
	hdr, err := ltxstore.FetchLTXHeader(t.Context(), c, &ltx.FileInfo{MinTXID: 1, MaxTXID: 1})
	require.NoError(t, err)
	assert.EqualValues(t, 1, hdr.MinTXID)
}
