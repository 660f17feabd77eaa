package crypt

import (
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"io"

	"golang.org/x/crypto/chacha20poly1305"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/internal/ltxio"
	"github.com/ltxstore/ltxstore/wrap/internal/codec"
)

// The payload of an age file (https://c2sp.org/age#payload) is a nonce and chunks of 64 KiB,
// each encrypted with its number and whether it is the last. Package age decrypts it from the
// beginning, or at any offset after a read of the last chunk, which costs a listing for the
// size and a request more. This file decrypts any chunks alone.
const (
	nonceSize   = 16
	chunkSize   = 64 << 10
	storedChunk = chunkSize + chacha20poly1305.Overhead
	chunksStart = headerSize + nonceSize
)

// newPayload returns the cipher of a file's chunks.
func newPayload(fileKey, nonce []byte) (cipher.AEAD, error) {
	streamKey, err := hkdf.Key(sha256.New, fileKey, nonce, "payload", chacha20poly1305.KeySize)
	if err != nil {
		return nil, err
	}
	return chacha20poly1305.New(streamKey)
}

// plainSize returns the size of a body from that of its stored file. ok is false if no body
// has a file of this size.
func plainSize(stored int64) (size int64, ok bool) {
	chunks := (stored - chunksStart + storedChunk - 1) / storedChunk
	size = stored - chunksStart - chunks*chacha20poly1305.Overhead
	return size, size >= 0 && storedSize(size) == stored
}

// storedSize is the inverse of plainSize. It is -1 if size is negative, which means unknown.
func storedSize(size int64) int64 {
	if size < 0 {
		return -1
	}
	chunks := max(1, (size+chunkSize-1)/chunkSize)
	return chunksStart + size + chunks*chacha20poly1305.Overhead
}

// chunks decrypts the chunks of a payload from index on.
type chunks struct {
	from  io.Reader
	aead  cipher.AEAD
	index int64 // of the next chunk
	last  bool  // the last chunk of the file has been read

	sealed, plain []byte
}

// errPastEnd means that the file has no chunk where the first one was to be read: it ends
// before, or was cut off there.
var errPastEnd = fmt.Errorf("stored file ends before the range: %w", ltxstore.ErrChecksum)

// next returns the next chunk, or io.EOF after the last of the file. It fails with
// ltxstore.ErrChecksum if the chunk cannot be authenticated.
func (c *chunks) next() ([]byte, error) {
	if c.sealed == nil {
		c.sealed = make([]byte, storedChunk)
	}
	n, err := ltxio.ReadFull(c.from, c.sealed)
	switch {
	case err != nil && err != io.EOF:
		return nil, err
	case n == 0 && c.last:
		return nil, io.EOF
	case n == 0 && c.plain == nil && c.index > 0:
		return nil, errPastEnd
	case n == 0:
		return nil, codec.Corrupt("file is cut off before chunk %d", c.index)
	case c.last:
		return nil, codec.Corrupt("file goes on after its last chunk")
	}
	if cap(c.plain) < n { // only the last chunk is shorter than the first
		c.plain = make([]byte, 0, n)
	}
	// A short chunk is the last; a full one may be.
	plain, err := c.aead.Open(c.plain[:0], chunkNonce(c.index, n < storedChunk), c.sealed[:n], nil)
	if c.last = n < storedChunk; err != nil && !c.last {
		c.last = true
		plain, err = c.aead.Open(c.plain[:0], chunkNonce(c.index, true), c.sealed[:n], nil)
	}
	switch {
	case err != nil:
		return nil, codec.Corrupt("chunk %d cannot be authenticated: the file was changed, cut off or replaced", c.index)
	case len(plain) == 0 && c.index == 0:
		return nil, codec.ErrEmpty
	case len(plain) == 0:
		return nil, codec.Corrupt("chunk %d is empty", c.index)
	}
	c.index++
	return plain, nil
}

func chunkNonce(index int64, last bool) []byte {
	nonce := make([]byte, chacha20poly1305.NonceSize)
	binary.BigEndian.PutUint64(nonce[3:], uint64(index))
	if last {
		nonce[len(nonce)-1] = 1
	}
	return nonce
}
