package nats

import (
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"log/slog"
	"net/textproto"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/nats-io/nuid"

	"github.com/ltxstore/ltxstore/backend/object"
	"github.com/ltxstore/ltxstore/internal/flow"
)

// Headers of a chunk, which other clients ignore: where in which object it is,
// and when it was sent.
const (
	offsetHeader = "Ltxstore-Offset"
	objectHeader = "Ltxstore-Object"
	sentHeader   = "Ltxstore-Sent"
)

const (
	// cleanupTimeout is how long a failed write may take to clean up.
	cleanupTimeout = 10 * time.Second

	// maxConflicts is how many other writes of a name one write may meet.
	maxConflicts = 10
)

// once is the object.Retrier of a body that is sent again as a whole.
type once struct{}

func (once) Do(ctx context.Context, op func(context.Context) error) error { return op(ctx) }

// Put implements object.Bucket.
func (b *bucket) Put(ctx context.Context, key string, body *object.Body, opts object.PutOptions) (object.Object, error) {
	return b.write(ctx, key, body, min(body.Size(), b.cfg.ChunkSize), opts, once{})
}

// PutStream implements object.Streamer.
func (b *bucket) PutStream(ctx context.Context, key string, body io.Reader, opts object.PutOptions, retry object.Retrier) (object.Object, error) {
	return b.write(ctx, key, body, b.cfg.ChunkSize, opts, retry)
}

// chunk is one that may not have arrived.
type chunk struct {
	data   []byte
	offset int64
	ack    jetstream.PubAckFuture
	err    error  // with which it could not be sent
	on     line   // by which it was sent
	seq    uint64 // once it has arrived
}

// line is a connection, as long as it is not lost.
type line struct {
	*session
	reconnects uint64
}

// write is an object on its way.
type write struct {
	*bucket
	key    string
	nuid   string
	once   bool
	retry  object.Retrier
	sum    hash.Hash
	sent   []*chunk
	last   uint64 // sequence of the last chunk that has arrived
	size   int64
	chunks uint32
	left   bool       // whether a chunk may have arrived
	found  chan found // what is there before
	unsure bool       // whether the description has arrived: its chunks must stay
}

type found struct {
	entry
	err error
}

// write sends the chunks, of this size, while it looks at the name, and then the
// description.
func (b *bucket) write(ctx context.Context, key string, body io.Reader, size int64, opts object.PutOptions, retry object.Retrier) (object.Object, error) {
	w := &write{bucket: b, key: key, nuid: nuid.Next(), once: opts.IfAbsent, retry: retry, sum: sha256.New(), found: make(chan found, 1)}
	looking, stop := context.WithCancel(ctx)
	defer stop()
	go func() {
		var f found
		f.err = retry.Do(looking, func(ctx context.Context) (err error) {
			f.entry, err = b.look(ctx, key)
			return err
		})
		w.found <- f
	}()
	old, err := w.send(ctx, body, size)
	if err == nil {
		old, err = w.describe(ctx, old, opts.Metadata)
	}
	stop()
	purged := old.NUID
	if err != nil {
		purged = w.nuid
	}
	if err == nil && old.exists() || err != nil && w.left && !w.unsure {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanupTimeout)
		defer cancel()
		w.rest(ctx)
		if failed := b.purge(ctx, purged); failed != nil && purged != "" {
			b.log.Get().LogAttrs(ctx, slog.LevelWarn, "chunks of an object could not be removed",
				slog.String("replica", typeName), slog.String("key", key), slog.Any("error", b.log.Secrets.Error(failed)))
		}
	}
	if err != nil {
		return object.Object{}, err
	}
	return object.Object{Key: key, Size: w.size, Version: w.nuid, Sum: w.sum.Sum(nil)}, nil
}

// send sends the body, a window of chunks at once, and returns what is there
// of the name.
func (w *write) send(ctx context.Context, body io.Reader, size int64) (entry, error) {
	var old *found
	var free [][]byte
	for end := false; !end; {
		if err := flow.Err(ctx); err != nil {
			return entry{}, err
		}
		select {
		case f := <-w.found:
			old = &f
			if err := w.refuse(f); err != nil {
				return entry{}, err
			}
		default:
		}
		if len(w.sent) == window {
			first := w.sent[0]
			if err := w.arrive(ctx); err != nil {
				return entry{}, err
			}
			free = append(free, first.data[:cap(first.data)])
		}
		var data []byte
		if n := len(free); n > 0 {
			data, free = free[n-1], free[:n-1]
		} else {
			data = make([]byte, size)
		}
		n, err := io.ReadFull(body, data)
		if end = err == io.EOF || err == io.ErrUnexpectedEOF; err != nil && !end {
			return entry{}, err
		}
		if n > 0 {
			c := &chunk{data: data[:n], offset: w.size}
			w.sum.Write(c.data)
			w.size += int64(n)
			w.chunks++
			w.sent = append(w.sent, c)
			w.transmit(ctx, len(w.sent)-1)
		}
	}
	for len(w.sent) > 0 {
		if err := w.arrive(ctx); err != nil {
			return entry{}, err
		}
	}
	if old == nil {
		select {
		case f := <-w.found:
			old = &f
		case <-ctx.Done():
			return entry{}, flow.Err(ctx)
		}
	}
	return old.entry, w.refuse(*old)
}

// refuse returns why the name cannot be written.
func (w *write) refuse(f found) error {
	if f.err == nil && w.once && f.exists() {
		return fmt.Errorf("%w: the object exists", object.ErrPrecondition)
	}
	return f.err
}

// transmit sends a chunk and does not wait for its arrival. The server knows it
// by its ID, should it be sent again. It must not overtake the one before it,
// which may be lost with another connection: then arrive sends both.
func (w *write) transmit(ctx context.Context, i int) {
	c := w.sent[i]
	m := nats.NewMsg(w.chunkSubject(w.nuid))
	m.Header.Set(offsetHeader, strconv.FormatInt(c.offset, 10))
	m.Header.Set(objectHeader, w.key)
	m.Header.Set(sentHeader, time.Now().UTC().Format(time.RFC3339))
	m.Data = c.data
	c.err = w.call(ctx, func(_ context.Context, s *session) (err error) {
		c.on = line{s, s.nc.Stats().Reconnects}
		if i > 0 && (w.sent[i-1].err != nil || w.sent[i-1].on != c.on) {
			return errLost
		}
		c.ack, err = s.js.PublishMsgAsync(m, jetstream.WithMsgID(w.nuid+"-"+strconv.FormatInt(c.offset, 10)),
			jetstream.WithExpectStream(w.stream), jetstream.WithRetryAttempts(0))
		w.left = w.left || err == nil
		return err
	})
}

// arrive waits for the first chunk that is under way. If that fails, all are
// sent again.
func (w *write) arrive(ctx context.Context) error {
	c, again := w.sent[0], false
	err := w.retry.Do(ctx, func(ctx context.Context) error {
		if again {
			for i := range w.sent {
				w.transmit(ctx, i)
			}
		}
		again = true
		if c.err != nil {
			return c.err
		}
		return w.call(ctx, func(ctx context.Context, _ *session) error { return c.wait(ctx) })
	})
	if err == nil && c.seq <= w.last {
		err = errDisorder
	}
	w.last = c.seq
	if err == nil {
		w.sent = w.sent[1:]
	}
	return err
}

// rest waits for what is under way when a write has failed: it would arrive
// after the purge.
func (w *write) rest(ctx context.Context) {
	for _, c := range w.sent {
		if c.err != nil {
			continue
		}
		_ = w.call(ctx, func(ctx context.Context, _ *session) error { return c.wait(ctx) })
	}
}

// wait waits for a chunk's arrival.
func (c *chunk) wait(ctx context.Context) error {
	select {
	case ack := <-c.ack.Ok():
		c.seq = ack.Sequence
		return nil
	case err := <-c.ack.Err():
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// describe publishes the object in place of old, and returns what it has
// replaced.
func (w *write) describe(ctx context.Context, old entry, metadata map[string]string) (entry, error) {
	info := jetstream.ObjectInfo{
		ObjectMeta: jetstream.ObjectMeta{Name: w.key, Headers: nats.Header{}, Opts: &jetstream.ObjectMetaOptions{ChunkSize: uint32(w.cfg.ChunkSize)}},
		Bucket:     w.cfg.Bucket,
		NUID:       w.nuid,
		Size:       uint64(w.size),
		Chunks:     w.chunks,
		Digest:     jetstream.GetObjectDigestValue(w.sum),
	}
	for name, value := range metadata {
		info.Headers.Set(textproto.CanonicalMIMEHeaderKey(name), value)
	}
	conflicts := 0
	err := w.retry.Do(ctx, func(ctx context.Context) error {
		for {
			_, err := w.publish(ctx, info, old.seq)
			if err == nil {
				return nil
			}
			now, lookErr := w.lookAfter(ctx, err)
			switch {
			case lookErr == nil && now.NUID == w.nuid: // the answer was lost
				return nil
			case !isConflict(err), lookErr != nil:
				return err
			case w.once && now.exists():
				return fmt.Errorf("%w: the object exists", object.ErrPrecondition)
			case conflicts == maxConflicts:
				return fmt.Errorf("%w: %d other writes of this name were under way", errMoved, conflicts)
			}
			conflicts++
			old = now
		}
	})
	return old, err
}

// lookAfter looks at a name after publish has failed. Without an answer to
// that, the description may still arrive.
func (w *write) lookAfter(ctx context.Context, cause error) (entry, error) {
	var answer *jetstream.APIError
	refused := errors.As(cause, &answer) || errors.Is(cause, nats.ErrReconnectBufExceeded) || errors.Is(cause, nats.ErrMaxPayload)
	w.unsure = w.unsure || !refused
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), min(cleanupTimeout, w.cfg.IdleTimeout))
	defer cancel()
	now, err := w.look(ctx, w.key)
	return now, cmp.Or(err, flow.Err(ctx))
}
