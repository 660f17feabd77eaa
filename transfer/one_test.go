package transfer_test

import (
	"io/fs"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/mock"
	"github.com/ltxstore/ltxstore/transfer"
)

func TestFile(t *testing.T) {
	h, src := source(t)
	dst := client(mock.Config{})
	body := h.File(1, 4)
	info := &ltx.FileInfo{Level: 2, MinTXID: 1, MaxTXID: 4, Size: int64(len(body))}
	action, err := transfer.File(t.Context(), dst, src, info, transfer.Config{})
	require.NoError(t, err)
	assert.Equal(t, transfer.Copied, action)
	requireSame(t, h, dst, at{2, 1, 4})

	body[len(body)-1] ^= 1
	src.Store().Put("ltx/0002/0000000000000001-0000000000000004.ltx", mock.Object{Body: body})
	dst = client(mock.Config{})
	action, err = transfer.File(t.Context(), dst, src, info, transfer.Config{})
	require.ErrorIs(t, err, ltxstore.ErrChecksum)
	assert.Equal(t, transfer.Damaged, action)
	assert.Empty(t, dst.Store().Keys())
	action, err = transfer.File(t.Context(), dst, src, info, transfer.Config{CopyDamaged: true})
	require.NoError(t, err)
	assert.Equal(t, transfer.Copied, action)

	require.NoError(t, src.DeleteAll(t.Context()))
	action, err = transfer.File(t.Context(), dst, src, info, transfer.Config{})
	require.NoError(t, err)
	assert.Equal(t, transfer.Deleted, action)
	for _, nils := range []func() (transfer.Action, error){
		func() (transfer.Action, error) { return transfer.File(t.Context(), nil, src, info, transfer.Config{}) },
		func() (transfer.Action, error) { return transfer.File(t.Context(), dst, nil, info, transfer.Config{}) },
		func() (transfer.Action, error) { return transfer.File(t.Context(), dst, src, nil, transfer.Config{}) },
	} {
		action, err = nils()
		assert.ErrorIs(t, err, fs.ErrInvalid)
		assert.Equal(t, transfer.Failed, action)
	}
}
