package crypt

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"math"
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

// The size of a body follows from that of its file, and the other way round; what no
// body has as its size is told.
func TestSizes(t *testing.T) {
	const header, tag = 200, 16
	for _, size := range []int64{0, 1, chunkSize - 1, chunkSize, chunkSize + 1, 2 * chunkSize, 2*chunkSize + 1, 100*chunkSize + 7} {
		stored := storedSize(size, header)
		got, ok := plainSize(stored, header)
		assert.True(t, ok, "%d", size)
		assert.Equal(t, size, got)
	}
	assert.EqualValues(t, header+nonceSize+tag, storedSize(0, header))
	assert.EqualValues(t, header+nonceSize+chunkSize+tag, storedSize(chunkSize, header))
	assert.EqualValues(t, -1, storedSize(-1, header))
	for _, stored := range []int64{
		0, header, header + nonceSize, header + nonceSize + tag - 1, // no chunk
		header + nonceSize + chunkSize + tag + 1,   // a second one that is cut
		header + nonceSize + chunkSize + tag + tag, // a second one that is empty
	} {
		_, ok := plainSize(stored, header)
		assert.False(t, ok, "%d", stored)
	}
}

// Only what is written is read: another level, name or time, one too few, and a second
// stanza are damage.
func TestParseBinding(t *testing.T) {
	const name = "0000000000000001-0000000000000002.ltx"
	stanza := func(args string) string { return "\n" + stanzaPrefix + bindingType + " " + args + "\n" }
	b, ok, err := parseBinding([]byte(stanza("3 " + name + " 1700000000123")))
	require.NoError(t, err)
	assert.True(t, ok)
	assert.True(t, b.isLTX)
	assert.Equal(t, 3, b.file.Level)
	assert.EqualValues(t, 1700000000123, b.time.UnixMilli())
	b, ok, err = parseBinding([]byte(stanza("0 " + name + " -")))
	require.NoError(t, err)
	assert.True(t, ok)
	assert.False(t, b.isLTX)
	_, ok, err = parseBinding([]byte("age-encryption.org/v1\n-> X25519 abc\n"))
	require.NoError(t, err)
	assert.False(t, ok, "of another program")

	for _, wrong := range []string{
		"", "3", "3 " + name, // too few
		"03 " + name + " -", "x " + name + " -", "-1 " + name + " -", "999999999 " + name + " -",
		"3 " + strings.ToUpper(name) + " -", "3 name -", "3 " + name + " x", "3 " + name + " 01",
		"3 " + name + " -" + stanza("3 "+name+" -"), // two
	} {
		_, ok, err := parseBinding([]byte(stanza(wrong)))
		assert.ErrorIs(t, err, ltxstore.ErrChecksum, wrong)
		assert.False(t, ok, wrong)
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
		assert.Equal(t, []int64{tt.first, tt.stop}, []int64{sp.first, sp.stop}, "%d from %d", tt.size, tt.offset)
		at, length := sp.stored(200)
		assert.Equal(t, 200+nonceSize+tt.first*storedChunk, at)
		assert.Equal(t, max(0, (tt.stop-tt.first)*storedChunk), length)
		assert.Positive(t, at)
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
		stop  int64
		size  int
		err   error
	}{
		"one":                   {body(seal(0, true, 9)), 0, -1, 9, io.EOF},
		"two":                   {body(seal(0, false, chunkSize), seal(1, true, 9)), 0, -1, chunkSize + 9, io.EOF},
		"two full ones":         {body(seal(0, false, chunkSize), seal(1, true, chunkSize)), 0, -1, 2 * chunkSize, io.EOF},
		"the first":             {body(seal(0, false, chunkSize)), 0, 1, chunkSize, io.EOF},
		"the second":            {body(seal(1, true, 9)), 1, -1, 9, io.EOF},
		"an empty one":          {body(seal(0, true, 0)), 0, -1, 0, io.EOF},
		"an empty second":       {body(seal(0, false, chunkSize), seal(1, true, 0)), 0, -1, chunkSize, ltxstore.ErrChecksum},
		"none":                  {body(), 0, -1, 0, ltxstore.ErrChecksum},
		"none of a second":      {body(), 1, -1, 0, errPastEnd},
		"cut off":               {body(seal(0, false, chunkSize)), 0, -1, chunkSize, ltxstore.ErrChecksum},
		"goes on":               {body(seal(0, true, 9), []byte("x")), 0, -1, 0, ltxstore.ErrChecksum},
		"full, goes on":         {body(seal(0, true, chunkSize), []byte("x")), 0, -1, chunkSize, ltxstore.ErrChecksum},
		"goes on, not wanted":   {body(seal(0, true, chunkSize), []byte("x")), 0, 1, chunkSize, io.EOF},
		"breaks":                {iotest.ErrReader(broken), 0, -1, 0, broken},
		"breaks after the last": {io.MultiReader(body(seal(0, true, chunkSize)), iotest.ErrReader(broken)), 0, -1, chunkSize, broken},
	} {
		t.Run(name, func(t *testing.T) {
			c := &chunks{from: &codec.Transfer{R: tt.body}, aead: aead, index: tt.index, stop: tt.stop}
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

// The least header has room for the checksum, which tells damage, and for nothing else.
func TestLeastHeader(t *testing.T) {
	id, err := age.GenerateX25519Identity()
	require.NoError(t, err)
	recipients := []age.Recipient{id.Recipient()}
	least, err := leastHeader(recipients)
	require.NoError(t, err)
	for size, ok := range map[int64]bool{least - 1: false, least: true} {
		_, err := Config{Recipients: []string{id.Recipient().String()}, HeaderSize: int(size)}.open("mock", layer.Next{})
		assert.Equal(t, ok, err == nil, "%d: %v", size, err)
	}
	var header []byte
	for size := least - 100; header == nil; size++ { // of a shorter name than the widest
		r, err := age.EncryptReader(strings.NewReader("body"), &bound{recipients: recipients, binding: binding{file: fuzzFile}, size: size})
		if err == nil {
			header, err = readHeader(bufio.NewReader(r))
			require.NoError(t, err)
		}
	}
	assert.False(t, isDamaged(header))
	header[len(intro)+len("-> X25519 a")] ^= 1
	assert.True(t, isDamaged(header))
}

// A stanza is written in lines of 64 columns, the last of which is shorter.
func TestHeaderText(t *testing.T) {
	for size, want := range map[int]string{0: "\n", 32: strings.Repeat("A", 43) + "\n", 48: strings.Repeat("A", 64) + "\n\n", 49: strings.Repeat("A", 64) + "\nAA\n"} {
		text := headerText([]*age.Stanza{{Type: "t", Args: []string{"a", "b"}, Body: make([]byte, size)}})
		assert.Equal(t, intro+"-> t a b\n"+want, string(text))
	}
}

// A header that is cut off, broken off or another's is told.
func TestReadHeader(t *testing.T) {
	broken := errors.New("broken")
	text := string(headerText([]*age.Stanza{{Type: "t", Args: []string{"a"}}})) + "--- mac\n"
	for n := range len(text) {
		_, err := readHeader(bufio.NewReader(strings.NewReader(text[:n])))
		assert.ErrorIs(t, err, errShortHeader, n)
		_, err = readHeader(bufio.NewReader(io.MultiReader(strings.NewReader(text[:n]), iotest.ErrReader(broken))))
		assert.ErrorIs(t, err, broken, n)
		if n < len(intro) {
			_, err = readHeader(bufio.NewReader(strings.NewReader(text[:n] + "?")))
			assert.ErrorContains(t, err, "not encrypted with age", n)
		}
	}
	header, err := readHeader(bufio.NewReader(strings.NewReader(text + "payload")))
	require.NoError(t, err)
	assert.Equal(t, text, string(header))
}
