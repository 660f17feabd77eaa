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

// A file passes as it is, whatever the pieces, and damage is told at the latest at
// its end.
func TestCheck(t *testing.T) {
	good, plain := encoded(t, 9), []byte("plain content")
	damaged := bytes.Clone(good)
	damaged[len(good)/2] ^= 1
	for name, tt := range map[string]struct {
		body   []byte
		lo, hi ltx.TXID
		others bool
		want   string // of the damage
	}{
		"whole":              {good, 1, 1, false, ""},
		"whole, or others":   {good, 1, 1, true, ""},
		"damaged":            {damaged, 1, 1, true, "page"},
		"cut":                {good[:len(good)-1], 1, 1, true, "file ends after"},
		"a byte too many":    {append(bytes.Clone(good), 0), 1, 1, true, "unexpected data after trailer"},
		"another first TXID": {good, 2, 1, true, "header belongs to another file, 0000000000000001-0000000000000001.ltx"},
		"another last TXID":  {good, 1, 2, true, "header belongs to another file, 0000000000000001-0000000000000001.ltx"},
		"other content":      {plain, 1, 1, false, "file does not begin like an LTX file"},
		"others allowed":     {plain, 1, 1, true, ""},
		"a part of the mark": {good[:3], 1, 1, false, "file does not begin like an LTX file"},
		"short, allowed":     {good[:3], 1, 1, true, ""},
		"nothing":            {nil, 1, 1, false, "file does not begin like an LTX file"},
		"nothing, allowed":   {nil, 1, 1, true, ""},
	} {
		for pieces, over := range map[string]func(io.Reader) io.Reader{
			"whole": func(r io.Reader) io.Reader { return r }, "byte by byte": iotest.OneByteReader, "data with EOF": iotest.DataErrReader,
		} {
			check := ltxio.NewCheck(tt.lo, tt.hi, tt.others)
			got, err := io.ReadAll(&ltxio.CheckedReader{R: over(bytes.NewReader(tt.body)), Check: check})
			if tt.want == "" {
				require.NoError(t, err, "%s, %s", name, pieces)
				assert.Equal(t, len(tt.body), len(got))
			} else {
				damage := new(ltxio.DamageError)
				require.ErrorAs(t, err, &damage, "%s, %s", name, pieces)
				assert.ErrorContains(t, err, tt.want, name)
				assert.Equal(t, err, check.Feed(nil, true), "again")
			}
			check.Stop()
			if tt.want == "" {
				assert.NoError(t, check.Feed(good, false), "it has ended")
			} else {
				assert.Equal(t, err, check.Feed(good, true), "it stays")
			}
		}
	}
}

// What fails on the way is no damage.
func TestCheckedReaderFails(t *testing.T) {
	broken := errors.New("broken")
	check := ltxio.NewCheck(1, 1, false)
	defer check.Stop()
	_, err := io.ReadAll(&ltxio.CheckedReader{R: io.MultiReader(bytes.NewReader(encoded(t, 9)[:300]), iotest.ErrReader(broken)), Check: check})
	assert.Equal(t, broken, err)
	assert.NoError(t, check.Feed(nil, false), "nothing is wrong with the file so far")
}

// A check that is stopped before the end passes nothing on.
func TestCheckStopped(t *testing.T) {
	for _, n := range []int{0, 1, 300} {
		check := ltxio.NewCheck(1, 1, true)
		if n > 0 {
			require.NoError(t, check.Feed(encoded(t, 9)[:n], false))
		}
		check.Stop()
		check.Stop()
		assert.Error(t, check.Feed(encoded(t, 9)[n:], true), "after %d bytes", n)
	}
}

func TestHeader(t *testing.T) {
	whole := append(header(t, nil), "page"...)
	hdr, isLTX, err := ltxio.Header(whole, 3, 5)
	require.NoError(t, err)
	assert.True(t, isLTX)
	assert.EqualValues(t, 3, hdr.MinTXID)
	_, isLTX, err = ltxio.Header(whole[:ltx.HeaderSize], 3, 5)
	require.NoError(t, err)
	assert.True(t, isLTX)
	for name, first := range map[string][]byte{"plain": []byte("plain"), "nothing": nil, "a part of the mark": whole[:3]} {
		_, isLTX, err := ltxio.Header(first, 3, 5)
		assert.NoError(t, err, name)
		assert.False(t, isLTX, name)
	}
	for name, tt := range map[string]struct {
		first  []byte
		lo, hi ltx.TXID
	}{"cut": {whole[:ltx.HeaderSize-1], 3, 5}, "another first TXID": {whole, 2, 5}, "another last TXID": {whole, 3, 6}} {
		_, isLTX, err := ltxio.Header(tt.first, tt.lo, tt.hi)
		assert.ErrorContains(t, err, "header", name)
		assert.False(t, isLTX, name)
	}
}
