package crypt

import (
	"context"
	"crypto/cipher"
	"errors"
	"fmt"
	"io"
	"strings"

	"filippo.io/age"

	"github.com/ltxstore/ltxstore/internal/ltxio"
	"github.com/ltxstore/ltxstore/wrap/internal/codec"
	"github.com/ltxstore/ltxstore/wrap/internal/layer"
)

var errNoIdentities = fmt.Errorf("reading needs an identity: want Config.Identities (setting crypt.identities): %w", errors.ErrUnsupported)

// key is what decrypts the chunks of a file.
type key struct {
	nonce   [nonceSize]byte
	aead    cipher.AEAD
	binding binding
}

// keyMemory is roughly the memory of a key.
const keyMemory = 256

// span is a range of a body and its chunks.
type span struct {
	offset, size int64
	first        int64 // chunk
	length       int64 // of the stored chunks; 0 means to the end of the file
}

// beyond is an offset that no file reaches.
const beyond = 1 << 60

func spanOf(offset, size int64) span {
	start := min(offset, beyond)
	sp := span{offset: offset, size: size, first: start / chunkSize}
	if size > 0 && size < beyond {
		sp.length = ((start+size-1)/chunkSize + 1 - sp.first) * storedChunk
	}
	return sp
}

// Open implements codec.Format.
func (s *format) Open(ctx context.Context, f layer.File, offset, size int64) (io.ReadCloser, error) {
	if len(s.identities) == 0 {
		return nil, errNoIdentities
	}
	sp := spanOf(offset, size)
	if sp.first == 0 {
		return s.openStart(ctx, f, sp)
	}
	return codec.OpenKnown(s.Cache, f,
		func() (*key, error) { return s.readKey(ctx, f) },
		func(a, b *key) bool { return a.nonce == b.nonce },
		func(k *key) (io.ReadCloser, error) {
			rc, err := s.openChunks(ctx, f, k, sp)
			if errors.Is(err, errPastEnd) {
				return s.openLast(ctx, f, k, offset)
			}
			return rc, err
		})
}

// openStart reads header and chunks in one request.
func (s *format) openStart(ctx context.Context, f layer.File, sp span) (io.ReadCloser, error) {
	length := sp.length
	if length > 0 {
		length += chunksStart
	}
	body, err := s.next.Open(ctx, f, 0, length)
	if err != nil {
		return nil, err
	}
	k, err := s.unlock(f, body)
	if err != nil {
		body.Close()
		return nil, err
	}
	return s.reader(ctx, f, k, sp, body)
}

// openChunks reads chunks with a key that is known. It fails with errPastEnd if the file does not have
// the first of them.
func (s *format) openChunks(ctx context.Context, f layer.File, k *key, sp span) (io.ReadCloser, error) {
	body, err := s.next.Open(ctx, f, chunksStart+sp.first*storedChunk, sp.length)
	if err != nil {
		return nil, err
	}
	return s.reader(ctx, f, k, sp, body)
}

// openLast opens a file that does not have the chunk of an offset. Its last chunk tells whether it ends
// before, or was cut off.
func (s *format) openLast(ctx context.Context, f layer.File, k *key, offset int64) (io.ReadCloser, error) {
	listed, err := codec.Stat(ctx, s.next, f)
	if err != nil {
		return nil, err
	}
	size, ok := plainSize(listed.Size)
	if !ok || size > offset {
		return nil, codec.Corrupt("file of %d bytes ends before offset %d, although it is listed with more", listed.Size, offset)
	}
	return s.openChunks(ctx, f, k, span{offset: offset, first: max(size-1, 0) / chunkSize})
}

// reader returns a reader of the range that decrypts the chunks in body. It decrypts up to the
// first byte of the range, and closes body if that fails.
func (s *format) reader(ctx context.Context, f layer.File, k *key, sp span, body io.ReadCloser) (io.ReadCloser, error) {
	ch := &chunks{from: body, aead: k.aead, index: sp.first}
	p := &codec.Pieces{Ctx: ctx, Store: s.next.Client, File: f, Body: body, Skip: sp.offset - sp.first*chunkSize, Left: sp.size, Next: ch.next}
	if sp.size == 0 {
		p.Left = -1
	}
	return p.Opened()
}

// readKey reads a file's header and nonce.
func (s *format) readKey(ctx context.Context, f layer.File) (*key, error) {
	body, err := s.next.Open(ctx, f, 0, chunksStart)
	if err != nil {
		return nil, err
	}
	defer body.Close()
	return s.unlock(f, body)
}

// unlock reads the header and the nonce from r, and remembers the key. It fails with
// ltxstore.ErrChecksum if the header is that of another file.
func (s *format) unlock(f layer.File, r io.Reader) (*key, error) {
	var start [chunksStart]byte
	n, err := ltxio.ReadFull(r, start[:])
	if err != nil && err != io.EOF {
		return nil, err
	}
	if !strings.HasPrefix(string(start[:n]), intro[:min(n, len(intro))]) {
		return nil, codec.Corrupt("file is not encrypted with age, in its binary form")
	}
	ids := &identities{all: s.identities, file: f}
	fileKey, err := age.DecryptHeader(start[:min(n, headerSize)], ids)
	switch {
	case errors.Is(err, errNoMatch):
		return nil, errNoMatch
	case err != nil:
		return nil, codec.Corrupt("age header: %w", err)
	case n < chunksStart:
		return nil, codec.Corrupt("file is cut off after its age header")
	}
	k := &key{nonce: [nonceSize]byte(start[headerSize:]), binding: ids.binding}
	if k.aead, err = newPayload(fileKey, k.nonce[:]); err != nil {
		return nil, err
	}
	s.Put(f, k, keyMemory)
	return k, nil
}
