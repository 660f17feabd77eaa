package crypt

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"

	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/internal/ltxio"
	"github.com/ltxstore/ltxstore/wrap/internal/codec"
	"github.com/ltxstore/ltxstore/wrap/internal/layer"
)

// knownMemory is roughly the memory of a codec.Known.
const knownMemory = 128

// Concurrency implements codec.Format.
func (s *format) Concurrency(metadata bool) (concurrency int, err error) {
	if metadata && len(s.identities) == 0 {
		return 0, errNoIdentities
	}
	return s.concurrency, nil
}

// FillKnown implements codec.Format.
func (s *format) FillKnown(info *ltx.FileInfo, metadata bool) bool {
	f := layer.FileOf(info)
	if known, ok := s.files.Get(f); ok && known.Of(info, metadata) {
		known.Fill(info)
		return true
	}
	if metadata || s.mixed {
		return false
	}
	header := s.headerSize
	if opened, ok := s.keys.Get(f); ok {
		header = opened.header
	}
	size, ok := plainSize(info.Size, header)
	if ok = ok && size > 0; ok {
		info.Size = size
	}
	return ok
}

// FillStored implements codec.Format. It reads the file's header and remembers the result.
func (s *format) FillStored(ctx context.Context, info *ltx.FileInfo, metadata bool) error {
	f := layer.FileOf(info)
	known := codec.Known{Length: info.Size, At: info.CreatedAt, Timed: metadata}
	header, err := s.inspect(ctx, f, &known, metadata)
	switch {
	case errors.Is(err, ltxstore.ErrChecksum) && !metadata: // not written here: keeps its stored size
		return nil
	case err != nil:
		return err
	}
	var ok bool
	if known.Size, ok = plainSize(known.Length, header); !ok {
		if metadata {
			return codec.Corrupt("file of %d bytes with an age header of %d bytes is cut off", known.Length, header)
		}
		known.Size = known.Length
	}
	s.files.Put(f, known, knownMemory)
	known.Fill(info)
	return nil
}

// Forget implements codec.Format.
func (s *format) Forget(f layer.File) {
	s.keys.Drop(f)
	s.files.Drop(f)
}

// Clear implements codec.Format.
func (s *format) Clear() {
	s.keys.Clear()
	s.files.Clear()
}

// inspect returns the size of a file's header and, with metadata, sets the time of k.
func (s *format) inspect(ctx context.Context, f layer.File, k *codec.Known, metadata bool) (int64, error) {
	if !metadata {
		return s.measure(ctx, f)
	}
	file, err := s.readKey(ctx, f)
	if err != nil {
		return 0, err
	}
	if file.isOurs {
		k.Time, k.IsLTX = file.binding.time, file.binding.isLTX
		return file.header, nil
	}
	rc, err := s.openChunks(ctx, f, file, spanOf(0, ltx.HeaderSize))
	if err != nil {
		return 0, err
	}
	defer rc.Close()
	var head [ltx.HeaderSize]byte
	n, err := ltxio.ReadFull(rc, head[:])
	if err != nil && err != io.EOF {
		return 0, err
	}
	if k.Time, k.IsLTX, err = ltxio.Timestamp(head[:n]); err != nil {
		return 0, codec.Corrupt("%w", err)
	}
	return file.header, nil
}

// measure returns the size of a file's header without decrypting it.
func (s *format) measure(ctx context.Context, f layer.File) (size int64, err error) {
	err = s.readStart(ctx, f, 0, func(start *bufio.Reader) error {
		header, err := readHeader(start)
		size = int64(len(header))
		return err
	})
	return size, err
}

// readStart passes the beginning of a file to parse: a header of Config.HeaderSize and after
// bytes more or, if parse fails with errShortHeader, one of the largest size.
func (s *format) readStart(ctx context.Context, f layer.File, after int64, parse func(start *bufio.Reader) error) (err error) {
	for _, size := range []int64{s.headerSize, maxHeaderSize} {
		b, readErr := codec.Read(ctx, s.next, f, 0, size+after)
		if readErr != nil {
			return readErr
		}
		if err = parse(bufio.NewReader(bytes.NewReader(b))); !errors.Is(err, errShortHeader) {
			return err
		}
	}
	return err
}
