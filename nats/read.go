package nats

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"strconv"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/ltxstore/ltxstore/backend/object"
	"github.com/ltxstore/ltxstore/backend/rangeio"
)

// window is how many chunks of a transfer are requested at a time. A body of at most
// so many chunks is repeated as a whole.
const window = 8

// Get implements object.Bucket. It reads short ranges before it returns: if the object
// was replaced in the meantime, Client can still read the new one instead.
func (b *bucket) Get(ctx context.Context, key string, opts object.GetOptions) (object.Content, error) {
	e, err := b.find(ctx, key, opts.Version)
	if err == nil && e.Options.Link != nil {
		err = fmt.Errorf("the object is a link to another: %w", errors.ErrUnsupported)
	}
	if err != nil {
		return object.Content{}, err
	}
	start, n := rangeio.Clamp(opts.Offset, opts.Size, int64(e.Size))
	r := &reader{bucket: b, ctx: ctx, e: e, size: e.chunkSize(), pos: start, end: start + n}
	if n > 0 {
		err = r.seek()
	}
	for err == nil && r.pos < r.end && n <= window*r.size {
		err = r.fetch()
	}
	if len(r.fetched) > 0 && !errors.Is(err, errMoved) {
		err = nil // it will be met again after what was fetched
	}
	return object.Content{Object: e.object(), Offset: opts.Offset, Length: n, Body: io.NopCloser(r)}, err
}

// reader reads a range of an object.
type reader struct {
	*bucket
	ctx      context.Context
	e        entry
	size     int64       // of a chunk
	pos, end int64       // the part of the range that has not been fetched
	fetched  net.Buffers // but not read
	at       int64       // where the next chunk starts, at most pos
	seq      uint64      // of the previous chunk
}

// Read implements io.Reader.
func (r *reader) Read(p []byte) (int, error) {
	for len(r.fetched) == 0 {
		if r.pos == r.end {
			return 0, io.EOF
		}
		if err := r.fetch(); err != nil {
			return 0, err
		}
	}
	n, _ := r.fetched.Read(p) // io.EOF is not the end of the object
	return n, nil
}

// fetch gets the next chunks.
func (r *reader) fetch() error {
	found, err := r.next(r.seq+1, int(min((r.end-r.at+r.size-1)/r.size, window)))
	for _, m := range found {
		if err == nil {
			err = r.add(m)
		}
	}
	return err
}

// add appends the next chunk's part of the range to what was fetched.
func (r *reader) add(m *jetstream.RawStreamMsg) error {
	n := int64(len(m.Data))
	if at := offsetOf(m); at != unmarked && at != r.at || n == 0 {
		return fmt.Errorf("%w: a chunk of %d bytes starts at %d: want %d", errDamaged, n, at, r.at)
	}
	if from, to := min(r.pos-r.at, n), min(r.end-r.at, n); from < to {
		r.fetched = append(r.fetched, m.Data[from:to])
		r.pos += to - from
	}
	r.at, r.seq = r.at+n, m.Sequence
	return nil
}

// next returns at most n of the object's chunks, in order, starting at a sequence.
func (r *reader) next(seq uint64, n int) ([]*jetstream.RawStreamMsg, error) {
	found, err := r.messages(r.ctx, r.chunks+r.e.NUID, seq, n)
	if !isMissing(err) {
		return found, err
	}
	now, err := r.describe(r.ctx, r.e.Name)
	switch {
	case err != nil:
		return nil, err
	case now.NUID != r.e.NUID || !now.exists():
		return nil, errMoved
	}
	return nil, fmt.Errorf("%w: chunks are missing", errDamaged)
}

// chunk returns the object's first chunk at or after a sequence.
func (r *reader) chunk(seq uint64) (*jetstream.RawStreamMsg, error) {
	found, err := r.next(seq, 1)
	if err != nil {
		return nil, err
	}
	return found[0], nil
}

// unmarked is the offset of a chunk of another client, which does not record it.
const unmarked = math.MaxInt64

func offsetOf(m *jetstream.RawStreamMsg) int64 {
	at, err := strconv.ParseInt(m.Header.Get(offsetHeader), 10, 64)
	if err != nil || at < 0 {
		return unmarked
	}
	return at
}

// seek fetches the chunk in which the range starts.
//
// Messages of other objects may lie between the chunks, so that the n-th chunk after
// another is at least n messages later. The first chunk found there is therefore the
// wanted one or precedes it, and its offset tells how far to go on.
func (r *reader) seek() error {
	seq := uint64(1)
	if first, err := strconv.ParseUint(r.e.Metadata.First, 10, 63); err == nil && first > 0 {
		seq = first + uint64(r.pos/r.size)
	}
	m, err := r.chunk(seq)
	if seq > 1 && (errors.Is(err, errDamaged) || err == nil && offsetOf(m) > r.pos) { // the bucket was copied
		m, err = r.chunk(1)
	}
	for err == nil {
		at := offsetOf(m)
		switch behind := (r.pos - at) / r.size; {
		case at == unmarked:
			return r.seekUnmarked(m)
		case at > r.pos:
			return fmt.Errorf("%w: its first chunks are missing", errDamaged)
		case behind == 0:
			r.at = at
			return r.add(m)
		default:
			m, err = r.chunk(m.Sequence + uint64(behind))
		}
	}
	return err
}

// seekUnmarked is seek for an object of another client, starting at its first chunk m.
// Its chunks do not record where they start, and are as long as the reads of its source
// were. The chunk can be computed if all chunks between the first and the last are full
// and no other messages lie between them. Otherwise reading starts with the first.
func (r *reader) seekUnmarked(m *jetstream.RawStreamMsg) error {
	size, first := r.size, int64(len(m.Data))
	if r.pos >= first+size {
		last, err := r.last(r.ctx, r.chunks+r.e.NUID)
		switch {
		case isMissing(err):
			return errMoved
		case err != nil:
			return err
		}
		n := int64(r.e.Chunks)
		if int64(last.Sequence-m.Sequence) == n-1 && first+(n-2)*size+int64(len(last.Data)) == int64(r.e.Size) {
			index := (r.pos - first) / size
			r.at = first + index*size
			if m, err = r.chunk(m.Sequence + 1 + uint64(index)); err != nil {
				return err
			}
		}
	}
	return r.add(m)
}
