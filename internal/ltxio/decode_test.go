package ltxio_test

import (
	"bytes"
	"errors"
	"io"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore/internal/ltxio"
)

func TestDecode(t *testing.T) {
	body := encoded(t, 3)
	var headers int
	var pages []uint32
	hdr, trailer, err := ltxio.Decode(bytes.NewReader(body), func(hdr ltx.Header) error {
		headers++
		assert.EqualValues(t, 3, hdr.Commit)
		return nil
	}, func(pgno uint32, data []byte) error {
		pages = append(pages, pgno)
		assert.Equal(t, bytes.Repeat([]byte{byte(pgno - 1)}, 512), data)
		return nil
	})
	require.NoError(t, err)
	assert.Equal(t, 1, headers)
	assert.Equal(t, []uint32{1, 2, 3}, pages)
	assert.EqualValues(t, 3, hdr.Commit)
	assert.NotZero(t, trailer.FileChecksum)

	_, _, err = ltxio.Decode(bytes.NewReader(body), nil, nil)
	assert.NoError(t, err, "either function may be nil")
}

// Wherever a file is cut, it is torn there; wherever it is damaged, that is noticed,
// or has changed no page: LZ4 frames have bits without meaning.
func TestDecodeDamage(t *testing.T) {
	body, noticed := encoded(t, 3), 0
	for n := range body {
		_, _, err := ltxio.Decode(bytes.NewReader(body[:n]), nil, nil)
		var damage *ltxio.DamageError
		require.ErrorAs(t, err, &damage, "cut after %d bytes", n)
		assert.True(t, damage.Torn, "cut after %d bytes", n)
		assert.EqualValues(t, n, damage.Size)

		changed := false
		damaged := bytes.Clone(body)
		damaged[n] ^= 0x10
		_, _, err = ltxio.Decode(bytes.NewReader(damaged), nil, func(pgno uint32, data []byte) error {
			if want := bytes.Repeat([]byte{byte(pgno - 1)}, 512); !bytes.Equal(want, data) {
				changed = true
			}
			return nil
		})
		if err != nil {
			noticed++
			require.ErrorAs(t, err, &damage, "byte %d", n)
		} else {
			assert.False(t, changed, "byte %d", n)
		}
	}
	assert.Greater(t, noticed, len(body)*9/10)
}

// What fails otherwise is no damage of the file.
func TestDecodeForeignErrors(t *testing.T) {
	body, failure := encoded(t, 3), errors.New("disk")
	for n := range body {
		_, _, err := ltxio.Decode(io.MultiReader(bytes.NewReader(body[:n]), iotest.ErrReader(failure)), nil, nil)
		require.Equal(t, failure, err, "after %d bytes", n)
	}
	_, _, err := ltxio.Decode(bytes.NewReader(body), func(ltx.Header) error { return failure }, nil)
	assert.Equal(t, failure, err)
	calls := 0
	_, _, err = ltxio.Decode(bytes.NewReader(body), nil, func(uint32, []byte) error {
		calls++
		return failure
	})
	assert.Equal(t, failure, err)
	assert.Equal(t, 1, calls)
}

// Pages were once stored without their frames' sizes.
func TestDecoderOfOlderFraming(t *testing.T) {
	body := encoded(t, 1)[:ltx.HeaderSize]
	page := bytes.Repeat([]byte("page"), 128)
	hdr, err := (&ltx.PageHeader{Pgno: 1}).MarshalBinary()
	require.NoError(t, err)
	body = append(append(body, hdr...), compress(t, page)...)

	dec := ltxio.NewDecoder(bytes.NewReader(body))
	require.NoError(t, dec.DecodeHeader())
	got := make([]byte, 512)
	var read ltx.PageHeader
	require.NoError(t, dec.DecodePage(&read, got))
	assert.Equal(t, page, got)
}
