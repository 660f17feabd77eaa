package crypt

import (
	"bytes"
	"errors"
	"io"
	"math"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"filippo.io/age"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/wrap/internal/codec"
	"github.com/ltxstore/ltxstore/wrap/internal/layer"
)

var testFile = layer.File{Level: 3, MinTXID: 5, MaxTXID: 9}

// The size of a body follows from that of its file, and the other way round; what no
// body has as its size is told.
func TestSizes(t *testing.T) {
	const tag = 16
	for _, size := range []int64{0, 1, chunkSize - 1, chunkSize, chunkSize + 1, 2 * chunkSize, 2*chunkSize + 1, 100*chunkSize + 7} {
		stored := storedSize(size)
		got, ok := plainSize(stored)
		assert.True(t, ok, "%d", size)
		assert.Equal(t, size, got)
	}
	assert.EqualValues(t, chunksStart+tag, storedSize(0))
	assert.EqualValues(t, chunksStart+chunkSize+tag, storedSize(chunkSize))
	assert.EqualValues(t, -1, storedSize(-1))
	for _, stored := range []int64{
		0, 1, headerSize, chunksStart, chunksStart + tag - 1, // no chunk
		chunksStart + chunkSize + tag + 1,   // a second one that is cut
		chunksStart + chunkSize + tag + tag, // a second one that is empty
	} {
		_, ok := plainSize(stored)
		assert.False(t, ok, "%d", stored)
	}
}

func newRecipient(t testing.TB) (*age.X25519Identity, []age.Recipient) {
	id, err := age.GenerateX25519Identity()
	require.NoError(t, err)
	return id, []age.Recipient{id.Recipient()}
}

// Only what is written is read: another level, name, time, checksum or padding, one argument too
// few or too many, and another last stanza are damage.
func TestReadBinding(t *testing.T) {
	_, to := newRecipient(t)
	for _, b := range []binding{{testFile, codec.NotLTX}, {testFile, 1700000000123}, {testFile, -5}} {
		stanzas, err := (&recipients{to, b}).Wrap(make([]byte, 16))
		require.NoError(t, err)
		got, err := readBinding(testFile, stanzas)
		require.NoError(t, err)
		assert.Equal(t, b, got)

		last := stanzas[len(stanzas)-1]
		for i, arg := range last.Args {
			for _, wrong := range []string{"", "0" + arg, arg + "0", "x", "+" + arg, "-1", strings.ToUpper(arg) + "X"} {
				changed := &age.Stanza{Type: last.Type, Args: slices.Clone(last.Args)}
				changed.Args[i] = wrong
				_, err := readBinding(testFile, append(slices.Clone(stanzas[:1]), changed))
				assert.Error(t, err, "argument %d: %q", i, wrong)
			}
		}
		for name, wrong := range map[string][]*age.Stanza{
			"no stanza":       {},
			"none of ours":    stanzas[:1],
			"ours alone":      stanzas[1:],
			"not the last":    {last, stanzas[0]},
			"two of ours":     {stanzas[0], last, last},
			"too few":         {stanzas[0], {Type: last.Type, Args: last.Args[:3]}},
			"too many":        {stanzas[0], {Type: last.Type, Args: append(slices.Clone(last.Args), "x")}},
			"another type":    {{Type: "X25518", Args: stanzas[0].Args, Body: stanzas[0].Body}, last},
			"another key":     {{Type: stanzas[0].Type, Args: []string{"x"}, Body: stanzas[0].Body}, last},
			"another content": {{Type: stanzas[0].Type, Args: stanzas[0].Args, Body: make([]byte, 32)}, last},
		} {
			_, err := readBinding(testFile, wrong)
			assert.Error(t, err, name)
		}
		other := testFile
		other.Level++
		_, err = readBinding(other, stanzas)
		assert.ErrorContains(t, err, `file was written as level "3" "0000000000000005-0000000000000009.ltx"`)
	}
}

// A range has the chunks that it touches, and no others.
func TestSpans(t *testing.T) {
	const last = beyond / chunkSize
	for _, tt := range []struct{ offset, size, first, stop int64 }{
		{0, 0, 0, -1}, {0, 1, 0, 1}, {0, chunkSize, 0, 1}, {0, chunkSize + 1, 0, 2}, {1, chunkSize, 0, 2},
		{chunkSize - 1, 1, 0, 1}, {chunkSize, chunkSize, 1, 2}, {5, beyond - 1, 0, last + 1}, {5, beyond, 0, -1}, {5, math.MaxInt64, 0, -1},
		{beyond - 1, 1, last - 1, last}, {beyond, 1, last, last + 1}, {math.MaxInt64, 1, last, last + 1}, {math.MaxInt64, 0, last, -1},
		{math.MaxInt64, beyond - 1, last, 2 * last},
	} {
		sp := spanOf(tt.offset, tt.size)
		assert.Equal(t, tt.first, sp.first, "%d from %d", tt.size, tt.offset)
		assert.Equal(t, max(0, (tt.stop-tt.first)*storedChunk), sp.length, "%d from %d", tt.size, tt.offset)
		assert.Positive(t, chunksStart+sp.first*storedChunk)
	}
}

// The chunks of a payload end with the last one, and only the first may be empty.
func TestChunks(t *testing.T) {
	aead, err := newPayload(make([]byte, 16), make([]byte, nonceSize))
	require.NoError(t, err)
	seal := func(index int64, last bool, size int) []byte {
		return aead.Seal(nil, chunkNonce(index, last), make([]byte, size), nil)
	}
	broken := errors.New("broken")
	body := func(chunks ...[]byte) io.Reader { return bytes.NewReader(bytes.Join(chunks, nil)) }
	for name, tt := range map[string]struct {
		body  io.Reader
		index int64
		size  int
		err   error
	}{
		"one":                   {body(seal(0, true, 9)), 0, 9, io.EOF},
		"two":                   {body(seal(0, false, chunkSize), seal(1, true, 9)), 0, chunkSize + 9, io.EOF},
		"two full ones":         {body(seal(0, false, chunkSize), seal(1, true, chunkSize)), 0, 2 * chunkSize, io.EOF},
		"the second":            {body(seal(1, true, 9)), 1, 9, io.EOF},
		"an empty one":          {body(seal(0, true, 0)), 0, 0, codec.ErrEmpty},
		"an empty second":       {body(seal(0, false, chunkSize), seal(1, true, 0)), 0, chunkSize, ltxstore.ErrChecksum},
		"none":                  {body(), 0, 0, ltxstore.ErrChecksum},
		"none of a second":      {body(), 1, 0, errPastEnd},
		"cut off":               {body(seal(0, false, chunkSize)), 0, chunkSize, ltxstore.ErrChecksum},
		"goes on":               {body(seal(0, true, 9), []byte("x")), 0, 0, ltxstore.ErrChecksum},
		"full, goes on":         {body(seal(0, true, chunkSize), []byte("x")), 0, chunkSize, ltxstore.ErrChecksum},
		"full, a full one more": {body(seal(0, true, chunkSize), seal(1, true, chunkSize)), 0, chunkSize, ltxstore.ErrChecksum},
		"short, but not last":   {body(seal(0, false, 9)), 0, 0, ltxstore.ErrChecksum},
		"breaks":                {iotest.ErrReader(broken), 0, 0, broken},
		"breaks after the last": {io.MultiReader(body(seal(0, true, chunkSize)), iotest.ErrReader(broken)), 0, chunkSize, broken},
	} {
		t.Run(name, func(t *testing.T) {
			c := &chunks{from: tt.body, aead: aead, index: tt.index}
			size, err := 0, error(nil)
			for range 5 {
				var plain []byte
				if plain, err = c.next(); err != nil {
					break
				}
				size += len(plain)
			}
			assert.ErrorIs(t, err, tt.err)
			assert.Equal(t, tt.size, size)
		})
	}
}

// Every header has the same size, with stanzas of any number and length that fit.
func TestHeaderSize(t *testing.T) {
	id, one := newRecipient(t)
	for size := range 3 * 64 {
		b := binding{testFile, 0}
		header, err := age.EncryptReader(strings.NewReader("body"), &recipients{append(slices.Clone(one), stanzaOf(size)), b})
		require.NoError(t, err)
		file, err := io.ReadAll(header)
		require.NoError(t, err)
		extracted, err := age.ExtractHeader(bytes.NewReader(file))
		require.NoError(t, err)
		require.Len(t, extracted, headerSize, "a stanza of %d bytes", size)
		ids := &identities{all: []age.Identity{id}, file: testFile}
		_, err = age.DecryptHeader(extracted, ids)
		require.NoError(t, err)
		assert.Equal(t, b, ids.binding)
	}
	_, err := (&recipients{append(one, stanzaOf(3000)), binding{}}).Wrap(make([]byte, 16))
	assert.ErrorContains(t, err, "more than 4096 bytes")
}

// stanzaOf is a recipient whose stanza has a body of that many bytes.
type stanzaOf int

func (n stanzaOf) Wrap([]byte) ([]*age.Stanza, error) {
	return []*age.Stanza{{Type: "test", Args: []string{"a", "b"}, Body: make([]byte, n)}}, nil
}
