package crypt

import (
	"bufio"
	"bytes"
	"context"
	"crypto/cipher"
	"errors"
	"fmt"
	"io"
	"io/fs"

	"filippo.io/age"

	"github.com/ltxstore/ltxstore/internal/ltxio"
	"github.com/ltxstore/ltxstore/wrap/internal/codec"
	"github.com/ltxstore/ltxstore/wrap/internal/layer"
)

var (
	errNoIdentities = fmt.Errorf("reading needs an identity: want Config.Identities (setting crypt.identities): %w", errors.ErrUnsupported)
	errNoMatch      = fmt.Errorf("none of the identities (Config.Identities, setting crypt.identities) matches a recipient of the file: %w", fs.ErrPermission)
)

// key is what decrypts the chunks of a file.
type key struct {
	header  int64 // size of the header
	nonce   [nonceSize]byte
	aead    cipher.AEAD
	binding binding
	isOurs  bool // the file has a binding
}

// keyMemory is roughly the memory of a key.
const keyMemory = 256

// span is a range of a file and its chunks.
type span struct {
	offset, size int64
	first, stop  int64 // chunks; a stop of -1 means to the end of the file
}

// beyond is an offset that no file reaches.
const beyond = 1 << 60

func spanOf(offset, size int64) span {
	sp := span{offset: offset, size: size, first: min(offset, beyond) / chunkSize, stop: -1}
	if size > 0 && size < beyond {
		sp.stop = (min(offset, beyond)+size-1)/chunkSize + 1
	}
	return sp
}

// stored returns the range of the chunks in a stored file with that header; a length of 0 means
// to the end.
func (sp span) stored(header int64) (at, length int64) {
	if sp.stop >= 0 {
		length = (sp.stop - sp.first) * storedChunk
	}
	return header + nonceSize + sp.first*storedChunk, length
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
	return codec.OpenKnown(s.keys, f,
		func() (*key, error) { return s.readKey(ctx, f) },
		func(a, b *key) bool { return a.nonce == b.nonce },
		func(k *key) (io.ReadCloser, error) { return s.openChunks(ctx, f, k, sp) })
}

// openStart reads header and chunks in one request.
func (s *format) openStart(ctx context.Context, f layer.File, sp span) (io.ReadCloser, error) {
	_, length := sp.stored(0)
	if length > 0 {
		length += s.headerSize + nonceSize
	}
	body, err := s.next.Open(ctx, f, 0, length)
	if err != nil {
		return nil, err
	}
	from := &codec.Transfer{R: body}
	buffered := bufio.NewReaderSize(from, 8<<10)
	k, err := s.unlock(f, buffered)
	if err == nil && (length == 0 || k.header <= s.headerSize) {
		return s.reader(ctx, f, k, sp, body, buffered)
	}
	body.Close()
	err = from.Failure(err)
	if length > 0 && (err == nil || errors.Is(err, errShortHeader)) {
		// The header is longer than HeaderSize.
		if k, err = s.readKey(ctx, f); err == nil {
			return s.openChunks(ctx, f, k, sp)
		}
	}
	return nil, err
}

// openChunks reads chunks with a key that is known. If there are none, the last chunk of the file
// tells whether it ends before the range or was cut off.
func (s *format) openChunks(ctx context.Context, f layer.File, k *key, sp span) (io.ReadCloser, error) {
	rc, err := s.openSpan(ctx, f, k, sp)
	if !errors.Is(err, errPastEnd) {
		return rc, err
	}
	listed, err := codec.Stat(ctx, s.next, f)
	if err != nil {
		return nil, err
	}
	size, ok := plainSize(listed.Size, k.header)
	if !ok || size > sp.offset {
		return nil, codec.Corrupt("file of %d bytes ends before offset %d, although it is listed with more", listed.Size, sp.offset)
	}
	sp.first, sp.stop = max(size-1, 0)/chunkSize, -1
	return s.openSpan(ctx, f, k, sp)
}

// openSpan fails with errPastEnd if the file does not have the first of the chunks.
func (s *format) openSpan(ctx context.Context, f layer.File, k *key, sp span) (io.ReadCloser, error) {
	at, length := sp.stored(k.header)
	body, err := s.next.Open(ctx, f, at, length)
	if err != nil {
		return nil, err
	}
	return s.reader(ctx, f, k, sp, body, body)
}

// reader returns a reader of the range that decrypts r, which reads body. It decrypts up to the
// first byte of the range, and closes body if that fails.
func (s *format) reader(ctx context.Context, f layer.File, k *key, sp span, body io.Closer, r io.Reader) (io.ReadCloser, error) {
	ch := &chunks{from: &codec.Transfer{R: r}, aead: k.aead, index: sp.first, stop: sp.stop}
	p := &codec.Pieces{Ctx: ctx, Store: s.next.Client, File: f, Body: body, Skip: sp.offset - sp.first*chunkSize, Left: sp.size, Next: ch.next}
	if sp.size == 0 {
		p.Left = -1
	}
	if sp.first == 0 {
		p.Next = func() ([]byte, error) {
			beginning := ch.index == 0
			plain, err := ch.next()
			if beginning && err == nil {
				err = k.check(f, plain)
			}
			return plain, err
		}
	}
	return p.Opened()
}

// check returns an error if a file's first chunk is empty or that of another file.
func (k *key) check(f layer.File, plain []byte) error {
	switch {
	case len(plain) == 0:
		return codec.ErrEmpty
	case k.isOurs:
		return nil
	}
	if _, err := ltxio.Peek(context.Background(), bytes.NewReader(plain), f.MinTXID, f.MaxTXID); err != nil {
		return codec.Corrupt("file of another program: %v", err) // not %w: no argument is invalid
	}
	return nil
}

// readKey reads a file's header and nonce.
func (s *format) readKey(ctx context.Context, f layer.File) (k *key, err error) {
	err = s.readStart(ctx, f, nonceSize, func(start *bufio.Reader) (err error) {
		k, err = s.unlock(f, start)
		return err
	})
	return k, err
}

// unlock reads the header and the nonce from r, and remembers the key. It fails with
// ltxstore.ErrChecksum if the header is that of another file.
func (s *format) unlock(f layer.File, r *bufio.Reader) (*key, error) {
	header, err := readHeader(r)
	if err != nil {
		return nil, err
	}
	k := &key{header: int64(len(header))}
	if n, err := ltxio.ReadFull(r, k.nonce[:]); n < nonceSize {
		if err == io.EOF {
			err = fmt.Errorf("%w: %w", codec.Corrupt("file is cut off after its age header"), errShortHeader)
		}
		return nil, err
	}
	fileKey, err := age.DecryptHeader(header, s.identities...)
	if err != nil {
		var noMatch *age.NoIdentityMatchError
		switch {
		case errors.As(err, &noMatch) && isDamaged(header):
			return nil, codec.Corrupt("age header is damaged: its checksum differs")
		case errors.As(err, &noMatch):
			return nil, errNoMatch
		}
		return nil, codec.Corrupt("age header: %w", err)
	}
	if k.binding, k.isOurs, err = parseBinding(header); err != nil {
		return nil, err
	}
	if k.isOurs && k.binding.file != f {
		return nil, codec.Corrupt("file was written as %v: it was moved or swapped", k.binding.file)
	}
	if k.aead, err = newPayload(fileKey, k.nonce[:]); err != nil {
		return nil, err
	}
	s.keys.Put(f, k, keyMemory)
	return k, nil
}
