package ltxio

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/superfly/ltx"
)

func TestTimestamp(t *testing.T) {
	header := func(at int64) []byte {
		hdr := ltx.Header{Version: ltx.Version, PageSize: 4096, Commit: 1, MinTXID: 1, MaxTXID: 1,
			Timestamp: at, Flags: ltx.HeaderFlagNoChecksum}
		b, err := hdr.MarshalBinary()
		require.NoError(t, err)
		return b
	}
	at, isLTX, err := Timestamp(append(header(1614834367089), "and more"...))
	require.NoError(t, err)
	assert.True(t, isLTX)
	assert.Equal(t, time.Date(2021, 3, 4, 5, 6, 7, 89e6, time.UTC), at)

	for _, ms := range []int64{0, maxTimestamp} {
		at, isLTX, err := Timestamp(header(ms))
		require.NoError(t, err)
		assert.True(t, isLTX)
		assert.Equal(t, ms, at.UnixMilli())
	}

	for _, other := range [][]byte{nil, []byte("LT"), []byte("plain")} {
		_, isLTX, err := Timestamp(other)
		require.NoError(t, err)
		assert.False(t, isLTX)
	}
	for name, b := range map[string][]byte{
		"cut off":  header(1)[:ltx.HeaderSize-1],
		"zero":     append([]byte(ltx.Magic), make([]byte, ltx.HeaderSize)...),
		"negative": header(-1),
		"too late": header(maxTimestamp + 1),
	} {
		_, isLTX, err := Timestamp(b)
		require.Error(t, err, name)
		assert.True(t, isLTX, name)
	}
}
