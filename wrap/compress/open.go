package compress

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/backend/rangeio"
	"github.com/ltxstore/ltxstore/wrap/internal/codec"
	"github.com/ltxstore/ltxstore/wrap/internal/layer"
)

const (
	// prefix is how much of a file's beginning is read without its trailer.
	prefix = 64 << 10

	// prefixStored is enough for the frames of these bytes, whatever their size, and for
	// the trailer of a file that has no more.
	prefixStored = prefix + maxFrameSize + 64<<10
)

// Open implements codec.Format.
func (s *format) Open(ctx context.Context, f layer.File, offset, size int64) (io.ReadCloser, error) {
	if offset == 0 && size == 0 {
		return s.openFrames(ctx, f, 0, 0, &frames{}, 0, -1)
	}
	if size > 0 && size <= prefix && offset <= prefix-size {
		return s.openFrames(ctx, f, 0, prefixStored, &frames{}, offset, size)
	}
	rc, err := codec.OpenKnown(s.Cache, f,
		func() (*stored, error) { return s.find(ctx, f) },
		func(a, b *stored) bool { return a.length == b.length && a.at.Equal(b.at) },
		func(known *stored) (io.ReadCloser, error) { return s.openKnown(ctx, f, known, offset, size) })
	if errors.Is(err, errPastEnd) {
		return &codec.Pieces{Ctx: ctx, Store: s.next.Client, File: f}, nil
	}
	return rc, err
}

// errPastEnd means that the file, as it is known, ends before the range.
var errPastEnd = fmt.Errorf("file ends before the range: %w", ltxstore.ErrChecksum)

// openFrames reads left bytes after skip bytes of the frames in a range of the stored file.
func (s *format) openFrames(ctx context.Context, f layer.File, at, length int64, fr *frames, skip, left int64) (io.ReadCloser, error) {
	body, err := s.next.Open(ctx, f, at, length)
	if err != nil {
		return nil, err
	}
	fr.zstd, fr.from = s.zstd, body
	p := &codec.Pieces{Ctx: ctx, Store: s.next.Client, File: f, Skip: skip, Left: left, Body: body, Next: fr.next}
	return p.Opened()
}

// openKnown reads a range of a file by what is known of it. It fails with ltxstore.ErrChecksum if
// the file contradicts that or, as it is known, ends before the range: it may have been replaced.
func (s *format) openKnown(ctx context.Context, f layer.File, known *stored, offset, size int64) (io.ReadCloser, error) {
	if known.ends == nil {
		return s.openPlain(ctx, f, offset, size)
	}
	start, n := rangeio.Clamp(offset, size, known.size)
	if n == 0 {
		return nil, errPastEnd
	}
	first, behind := start/known.frameSize, (start+n-1)/known.frameSize+1
	at, length := known.place(first, behind)
	return s.openFrames(ctx, f, at, length, &frames{known: &known.trailer, index: first}, start-first*known.frameSize, n)
}

// openPlain opens a range of an uncompressed file. The beginning is read after the range is
// open, to notice a file that was replaced by a compressed one.
func (s *format) openPlain(ctx context.Context, f layer.File, offset, size int64) (io.ReadCloser, error) {
	body, err := s.next.Open(ctx, f, offset, size)
	if err != nil {
		return nil, err
	}
	head, err := codec.Read(ctx, s.next, f, 0, frameHead)
	if err == nil && !isLTX(head) {
		err = codec.Corrupt("file is no LTX file, and does not end as a compressed one")
	}
	if err != nil {
		body.Close()
		return nil, err
	}
	return body, nil
}
