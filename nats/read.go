package nats

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/ltxstore/ltxstore/backend/object"
	"github.com/ltxstore/ltxstore/backend/rangeio"
	"github.com/ltxstore/ltxstore/internal/flow"
)

// window is how many chunks of a transfer are under way at once.
const window = 8

// Get implements object.Bucket. It reads a short range itself: if the object has
// been replaced meanwhile, Client can still read the new one instead.
func (b *bucket) Get(ctx context.Context, key string, opts object.GetOptions) (object.Content, error) {
	e, err := b.find(ctx, key, opts.Version)
	if err == nil && e.isLink() {
		err = fmt.Errorf("the object is a link to another: %w", errors.ErrUnsupported)
	}
	if err != nil {
		return object.Content{}, err
	}
	start, n := rangeio.Clamp(opts.Offset, opts.Size, int64(e.Size))
	r := &reader{bucket: b, ctx: ctx, e: e, pos: start, end: start + n}
	content := object.Content{Object: e.object(), Offset: opts.Offset, Length: n, Body: io.NopCloser(r)}
	if n == 0 {
		return content, nil
	}
	err = r.seek()
	for err == nil && r.pos < r.end && n <= window*e.chunkSize() {
		if err = r.fetch(); err != nil && !errors.Is(err, errMoved) && len(r.fetched) > 0 {
			return content, nil // an error comes again, after what was fetched
		}
	}
	return content, err
}

// reader reads a range of an object.
type reader struct {
	*bucket
	ctx      context.Context
	e        entry
	pos, end int64       // what of the range has not been fetched
	fetched  net.Buffers // and not read
	at       int64       // where the next chunk begins, pos or before it
	last     uint64      // sequence of the chunk before that
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
	n, _ := r.fetched.Read(p) // io.EOF is not the object's
	return n, nil
}

// fetch gets the next chunks. It asks for the sequences that follow; where
// messages of other objects are among the chunks, some answers are the same
// chunk.
func (r *reader) fetch() error {
	size := r.e.chunkSize()
	n := int(min((r.end-r.at+size-1)/size, window))
	found, failed := make([]*jetstream.RawStreamMsg, n), make([]error, n)
	next := r.last + 1
	flow.Each(n, n, func(i int) { found[i], failed[i] = r.chunk(next + uint64(i)) })
	for i, m := range found {
		err := failed[i]
		if err == nil && m.Sequence > r.last {
			err = r.add(m)
		}
		if err != nil && i == 0 {
			return err
		}
		if err != nil {
			break // what came before it is read first
		}
	}
	return nil
}

// add appends the next chunk's part of the range to what was fetched.
func (r *reader) add(m *jetstream.RawStreamMsg) error {
	n := int64(len(m.Data))
	if at, ok := offsetOf(m); ok && at != r.at || n == 0 {
		return fmt.Errorf("%w: a chunk has %d bytes from %d on: want it to begin at %d", errDamaged, n, at, r.at)
	}
	if from, to := min(r.pos-r.at, n), min(r.end-r.at, n); from < to {
		r.fetched = append(r.fetched, m.Data[from:to])
		r.pos += to - from
	}
	r.at, r.last = r.at+n, m.Sequence
	return nil
}

// chunk returns the object's first chunk from a sequence on.
func (r *reader) chunk(seq uint64) (m *jetstream.RawStreamMsg, err error) {
	subject := jetstream.WithGetMsgSubject(r.chunks + r.e.NUID)
	err = r.call(r.ctx, func(ctx context.Context, s *session) error {
		m, err = s.stream.GetMsg(ctx, seq, subject)
		if isMissing(err) { // where the copy is old
			m, err = s.leader.GetMsg(ctx, seq, subject)
		}
		return err
	})
	if !isMissing(err) {
		return m, err
	}
	if now, err := r.describe(r.ctx, r.e.Name); err != nil {
		return nil, err
	} else if now.NUID != r.e.NUID || !now.exists() {
		return nil, errMoved
	}
	return nil, fmt.Errorf("%w: chunks are missing", errDamaged)
}

func offsetOf(m *jetstream.RawStreamMsg) (int64, bool) {
	at, err := strconv.ParseInt(m.Header.Get(offsetHeader), 10, 64)
	return at, err == nil && at >= 0
}

// seek gets the chunk in which the range begins, or one before it.
//
// Chunks precede the description, with messages of other objects among them at
// most. So the n-th chunk from the end is not behind the n-th message before the
// description: the first chunk from there on is the one, or a later one, which
// tells how far it is to go back.
func (r *reader) seek() error {
	size, seq, last := r.e.chunkSize(), int64(1), uint64(0)
	back := max(int64(r.e.Chunks)-r.pos/size, 1)
	if r.pos >= size {
		seq = max(int64(r.e.seq)-back, 1)
	}
	for ; ; seq = max(seq-back, 1) {
		m, err := r.chunk(uint64(seq))
		if errors.Is(err, errDamaged) && seq > 1 {
			back *= 2
			continue
		}
		if err != nil {
			return err
		}
		at, ok := offsetOf(m)
		switch {
		case !ok:
			return r.seekUnmarked()
		case at <= r.pos:
			r.at = at
			return r.add(m)
		case seq == 1:
			return fmt.Errorf("%w: its first chunks are missing", errDamaged)
		case m.Sequence == last: // only messages of other objects are there
			back *= 2
		default:
			back = (at - r.pos + size - 1) / size
		}
		last = m.Sequence
	}
}

// seekUnmarked is seek for an object of another client, whose chunks do not tell
// where they begin, and are as long as the reads of its source were. The chunk
// can be computed if the first and the last one leave as much as full chunks
// between them have, and no other message is among them. Else it is the first.
func (r *reader) seekUnmarked() error {
	m, err := r.chunk(1)
	if err != nil {
		return err
	}
	size, first := r.e.chunkSize(), int64(len(m.Data))
	if r.pos >= first+size {
		var last *jetstream.RawStreamMsg
		err := r.call(r.ctx, func(ctx context.Context, s *session) (err error) {
			last, err = s.leader.GetLastMsgForSubject(ctx, r.chunks+r.e.NUID)
			if isMissing(err) {
				err = errMoved
			}
			return err
		})
		if err != nil {
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
