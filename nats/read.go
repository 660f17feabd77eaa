package nats

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/ltxstore/ltxstore/backend/object"
	"github.com/ltxstore/ltxstore/backend/rangeio"
	"github.com/ltxstore/ltxstore/internal/flow"
)

// Get implements object.Bucket.
func (b *bucket) Get(ctx context.Context, key string, opts object.GetOptions) (object.Content, error) {
	e, err := b.find(ctx, key, opts.Version)
	if err != nil {
		return object.Content{}, err
	}
	if e.Opts != nil && e.Opts.Link != nil {
		return object.Content{}, fmt.Errorf("the object is a link to another: %w", errors.ErrUnsupported)
	}
	start, n := rangeio.Clamp(opts.Offset, opts.Size, int64(e.Size))
	content := object.Content{Object: e.object(), Offset: opts.Offset, Length: n, Body: io.NopCloser(bytes.NewReader(nil))}
	if n == 0 {
		return content, nil
	}
	r := &reader{bucket: b, e: e, start: start, left: n}
	r.ctx, r.cancel = context.WithCancel(ctx)
	content.Body = r
	if n <= window*e.chunkSize() {
		// All at once, so that the end of an object that is replaced meanwhile
		// is not missed: the new one is read instead.
		defer r.cancel()
		data := make([]byte, n)
		got, err := io.ReadFull(r, data)
		if errors.Is(err, errMoved) || got == 0 {
			return object.Content{}, err
		}
		content.Body = io.NopCloser(io.MultiReader(bytes.NewReader(data[:got]), &failing{err}))
	}
	return content, nil
}

// failing is the end of a body that was read in advance.
type failing struct{ err error }

// Read implements io.Reader.
func (f *failing) Read([]byte) (int, error) {
	if f.err != nil {
		return 0, f.err
	}
	return 0, io.EOF
}

// chunk returns the first chunk of an object from a sequence on.
func (b *bucket) chunk(ctx context.Context, e entry, seq uint64) (m *jetstream.RawStreamMsg, err error) {
	subject := b.chunkSubject(e.NUID)
	err = b.call(ctx, func(ctx context.Context, s *session) error {
		m, err = s.stream.GetMsg(ctx, seq, jetstream.WithGetMsgSubject(subject))
		if isMissing(err) { // by a follower that lags behind
			m, err = b.lookup(ctx, s, lookup{Seq: seq, Next: subject})
		}
		return err
	})
	if !isMissing(err) {
		return m, err
	}
	if now, err := b.look(ctx, e.Name); err != nil {
		return nil, err
	} else if now.NUID != e.NUID || !now.exists() {
		return nil, errMoved
	}
	return nil, fmt.Errorf("%w: chunks are missing", errDamaged)
}

// seek returns the chunk that holds a byte, and where in the object it begins.
//
// Chunks precede the description, with messages of other objects among them at
// most. So the n-th chunk from the end is not behind the n-th message before the
// description: what is asked for there is the chunk or a later one, which tells
// how far it is to go back.
func (b *bucket) seek(ctx context.Context, e entry, start int64) (*jetstream.RawStreamMsg, int64, error) {
	size := e.chunkSize()
	index := start / size
	seq, last, back := uint64(1), uint64(0), uint64(e.Chunks)-uint64(index)
	if index > 0 && uint64(index) < uint64(e.Chunks) && back < e.seq {
		seq = e.seq - back
	}
	m, err := b.chunk(ctx, e, seq)
	if errors.Is(err, errDamaged) && seq > 1 { // a copy of the stream may have other sequences
		m, err = b.chunk(ctx, e, 1)
	}
	for ; err == nil; m, err = b.chunk(ctx, e, seq) {
		at, ok := offsetOf(m)
		switch {
		case index == 0 && !ok:
			return b.seekUnmarked(ctx, e, start, m)
		case !ok:
			first, err := b.chunk(ctx, e, 1)
			if err != nil {
				return nil, 0, err
			}
			return b.seekUnmarked(ctx, e, start, first)
		case at <= start && start < at+int64(len(m.Data)):
			return m, at, nil
		case at <= start:
			seq = m.Sequence + 1
		case seq == 1:
			return nil, 0, fmt.Errorf("%w: its first chunks are missing", errDamaged)
		case m.Sequence == last: // only messages of other objects are there
			back *= 2
		default:
			back = uint64((at - index*size + size - 1) / size)
		}
		if at > start {
			seq = max(m.Sequence, back+1) - back
		}
		last = m.Sequence
	}
	return nil, 0, err
}

func offsetOf(m *jetstream.RawStreamMsg) (int64, bool) {
	at, err := strconv.ParseInt(m.Header.Get(offsetHeader), 10, 64)
	return at, err == nil && at >= 0
}

// seekUnmarked is seek for an object of another client, whose chunks do not tell
// where they begin, and are as long as its source's reads were. If the first and
// the last one leave as much as full chunks between them have, and no other
// message is among them, the chunk can be computed; else all before it are read.
func (b *bucket) seekUnmarked(ctx context.Context, e entry, start int64, m *jetstream.RawStreamMsg) (*jetstream.RawStreamMsg, int64, error) {
	size, at := e.chunkSize(), int64(0)
	if first := int64(len(m.Data)); start >= first+size {
		var last *jetstream.RawStreamMsg
		err := b.call(ctx, func(ctx context.Context, s *session) (err error) {
			last, err = s.stream.GetLastMsgForSubject(ctx, b.chunkSubject(e.NUID))
			return err
		})
		if err != nil && !isMissing(err) {
			return nil, 0, err
		}
		n := uint64(e.Chunks)
		if err == nil && last.Sequence-m.Sequence == n-1 && first+int64(n-2)*size+int64(len(last.Data)) == int64(e.Size) {
			index := (start - first) / size
			at = first + index*size
			if m, err = b.chunk(ctx, e, m.Sequence+1+uint64(index)); err != nil {
				return nil, 0, err
			}
		}
	}
	for at+int64(len(m.Data)) <= start {
		at += int64(len(m.Data))
		next, err := b.chunk(ctx, e, m.Sequence+1)
		if err != nil {
			return nil, 0, err
		}
		m = next
	}
	return m, at, nil
}

// reader reads an object from a chunk on. It asks for several of the sequences
// that follow at once; where messages of other objects are among the chunks,
// some of the answers are the same chunk.
type reader struct {
	*bucket
	ctx     context.Context
	cancel  context.CancelFunc
	e       entry
	start   int64 // where in the object it begins
	at      int64 // where the next chunk begins, once there was one
	left    int64
	data    []byte
	last    uint64 // sequence of the chunk that data is of
	next    uint64 // to be asked for
	pending []chan answer
}

type answer struct {
	m   *jetstream.RawStreamMsg
	err error
}

// Read implements io.Reader.
func (r *reader) Read(p []byte) (int, error) {
	for len(r.data) == 0 {
		if r.left == 0 {
			return 0, io.EOF
		}
		if err := r.turn(); err != nil {
			return 0, err
		}
	}
	n := copy(p, r.data)
	r.data = r.data[n:]
	r.left -= int64(n)
	return n, nil
}

// turn waits for the next chunk.
func (r *reader) turn() error {
	if r.last == 0 {
		m, at, err := r.seek(r.ctx, r.e, r.start)
		if err != nil {
			return err
		}
		r.at, r.last, r.next = at, m.Sequence, m.Sequence+1
		return r.take(m, r.start-at)
	}
	for size := r.e.chunkSize(); len(r.pending) < window && int64(len(r.pending))*size < r.left; r.next++ {
		seq, ch := r.next, make(chan answer, 1)
		r.pending = append(r.pending, ch)
		go func() {
			m, err := r.chunk(r.ctx, r.e, seq)
			ch <- answer{m, err}
		}()
	}
	var a answer
	select {
	case a = <-r.pending[0]:
	case <-r.ctx.Done():
		return flow.Err(r.ctx)
	}
	r.pending = r.pending[1:]
	switch {
	case a.err != nil:
		return a.err
	case a.m.Sequence <= r.last: // it was the answer to an earlier one too
		return nil
	}
	r.last = a.m.Sequence
	if len(r.pending) == 0 {
		r.next = r.last + 1
	}
	return r.take(a.m, 0)
}

// take makes a chunk what is read next, without its first bytes.
func (r *reader) take(m *jetstream.RawStreamMsg, skip int64) error {
	if at, ok := offsetOf(m); ok && at != r.at {
		return fmt.Errorf("%w: a chunk is of offset %d: want %d", errDamaged, at, r.at)
	}
	if len(m.Data) == 0 {
		return fmt.Errorf("%w: a chunk is empty", errDamaged)
	}
	r.at += int64(len(m.Data))
	r.data = m.Data[skip:]
	r.data = r.data[:min(int64(len(r.data)), r.left)]
	return nil
}

// Close implements io.Closer.
func (r *reader) Close() error {
	r.cancel()
	return nil
}
