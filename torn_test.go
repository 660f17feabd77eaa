package ltxstore_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/mock"
)

func TestWithTorn(t *testing.T) {
	client := &mock.ReplicaClient{}
	client.Store().Put("ltx/0000/0000000000000002-0000000000000003.ltx", mock.Object{})
	client.Store().Put("ltx/0000/0000000000000004-0000000000000004.ltx", mock.Object{Body: []byte("x")})
	client.Store().Put("ltx/0001/0000000000000001-0000000000000004.ltx", mock.Object{})

	var outer, inner []ltx.FileInfo
	ctx := ltxstore.WithTorn(t.Context(), func(info ltx.FileInfo) { outer = append(outer, info) })
	ctx = ltxstore.WithTorn(ctx, func(info ltx.FileInfo) { inner = append(inner, info) })
	list := func(seek ltx.TXID) {
		files, err := client.LTXFiles(ctx, 0, seek, false)
		require.NoError(t, err)
		require.True(t, files.Next())
		require.False(t, files.Next())
		require.NoError(t, files.Close())
	}
	list(0)
	require.Len(t, outer, 1)
	assert.Equal(t, outer, inner, "both functions are called")
	assert.Equal(t, 0, outer[0].Level)
	assert.EqualValues(t, 2, outer[0].MinTXID)
	assert.EqualValues(t, 3, outer[0].MaxTXID)
	assert.Zero(t, outer[0].Size)

	list(3)
	assert.Len(t, outer, 1, "the file is before what is asked for")
}
