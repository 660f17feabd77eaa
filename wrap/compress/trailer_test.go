package compress

import (
	"bytes"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A trailer is read as it was written, and with any other byte, or another length, it
// is none.
func TestTrailerIsReadAsWritten(t *testing.T) {
	at := time.UnixMilli(1700000000123).UTC()
	want := summary{frameSize: 100, size: 250, isLTX: true, time: at}
	var table seekTable
	sizes, stored := []uint32{40, 50, 30}, int64(0)
	for i, size := range sizes {
		table.add(bytes.Repeat([]byte{byte(i)}, int(size)), want.content(int64(i)))
		stored += int64(size)
	}
	want.stored = table.stored
	b := appendTable(appendSummary(nil, want, table), want, sizes)
	stored += int64(len(b))

	got, ends, err := parseTrailer(b, stored)
	require.NoError(t, err)
	assert.Equal(t, want, got)
	assert.Equal(t, []int64{40, 90, 120}, ends)
	for i := range b {
		for bit := range 8 {
			damaged := bytes.Clone(b)
			damaged[i] ^= 1 << bit
			_, _, err := parseTrailer(damaged, stored)
			assert.Error(t, err, "bit %d of byte %d", bit, i)
		}
	}
	_, _, err = parseTrailer(b, stored-1)
	assert.Error(t, err)
	_, _, err = parseTrailer(append([]byte{0}, b...), stored+1)
	assert.Error(t, err)
	for n := range footerSize {
		_, ok := frameCount(b[len(b)-n:])
		assert.False(t, ok, "of %d bytes", n)
	}
	for n := footerSize; n < len(b); n++ {
		_, _, err := parseTrailer(b[len(b)-n:], stored)
		assert.Error(t, err, "of %d bytes", n)
	}
	for i := 4; i < footerSize; i++ {
		damaged := bytes.Clone(b[len(b)-footerSize:])
		damaged[i] ^= 1
		_, ok := frameCount(damaged)
		assert.False(t, ok, "byte %d", i)
	}
	frames, ok := frameCount(b[len(b)-footerSize:])
	assert.True(t, ok)
	assert.EqualValues(t, 3, frames)
}

// A table with a right checksum is refused if a frame has another size than the summary says,
// or more bytes than any frame of that size.
func TestEntriesOfATable(t *testing.T) {
	for name, tt := range map[string]struct {
		stored, content int64
		ok              bool
	}{
		"right":       {40, 100, true},
		"largest":     {maxStored(100), 100, true},
		"too large":   {maxStored(100) + 1, 100, false},
		"one shorter": {40, 99, false},
	} {
		t.Run(name, func(t *testing.T) {
			var table seekTable
			table.add(make([]byte, tt.stored), tt.content)
			said, wrong := summary{frameSize: 100, size: 100}, summary{frameSize: 100, size: tt.content}
			b := appendTable(appendSummary(nil, said, table), wrong, []uint32{uint32(tt.stored)})
			_, _, err := parseTrailer(b, tt.stored+int64(len(b)))
			assert.Equal(t, tt.ok, err == nil, "%v", err)
		})
	}
}

func TestIsZstd(t *testing.T) {
	for head, want := range map[string]bool{"": false, "\x28": true, "\x28\xb5\x2f\xfd": true, "\x28\xb5\x2f\xfe": false, "LTX1": false} {
		assert.Equal(t, want, isZstd([]byte(head)), "%q", head)
	}
}
