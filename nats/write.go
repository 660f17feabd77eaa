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
	"slices"
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

// single is the object.Retrier of a body that Client sends again as a whole.
type single struct{}

func (single) Do(ctx context.Context, op func(context.Context) error) error { return op(ctx) }

// Put implements object.Bucket.
func (b *bucket) Put(ctx context.Context, key string, body *object.Body, opts object.PutOptions) (object.Object, error) {
	return b.write(ctx, key, body, body.Size(), opts, single{})
}

// PutStream implements object.Streamer. With write-once it checks the
// name before it sends the body.
func (b *bucket) PutStream(ctx context.Context, key string, body io.Reader, opts object.PutOptions, retry object.Retrier) (object.Object, error) {
	if opts.IfAbsent {
		err := retry.Do(ctx, func(ctx context.Context) error {
			e, err := b.describe(ctx, key)
			if e.exists() {
				err = errTaken
			}
			return err
		})
		if err != nil {
			return object.Object{}, err
		}
	}
	return b.write(ctx, key, body, window*b.cfg.ChunkSize, opts, retry)
}

// write is an object on its way.
type write struct {
	*bucket
	retry  object.Retrier
	info   jetstream.ObjectInfo
	sum    hash.Hash
	acks   []jetstream.PubAckFuture // of chunks, nil once there was an answer
	last   uint64                   // sequence of the last chunk that has arrived
	unsure bool                     // whether the description may have arrived
}

// write sends the chunks of a body, so many bytes at once, and then the
// description.
func (b *bucket) write(ctx context.Context, key string, body io.Reader, batch int64, opts object.PutOptions, retry object.Retrier) (object.Object, error) {
	w := &write{bucket: b, retry: retry, sum: sha256.New(), info: jetstream.ObjectInfo{
		ObjectMeta: jetstream.ObjectMeta{Name: key, Headers: nats.Header{}, Opts: &jetstream.ObjectMetaOptions{ChunkSize: uint32(b.cfg.ChunkSize)}},
		Bucket:     b.cfg.Bucket,
		NUID:       nuid.Next(),
	}}
	for name, value := range opts.Metadata {
		w.info.Headers.Set(textproto.CanonicalMIMEHeaderKey(name), value)
	}
	err := w.send(ctx, body, make([]byte, batch))
	var old entry
	if err == nil {
		old, err = w.complete(ctx, opts.IfAbsent)
	}
	switch {
	case err == nil && old.exists():
		w.discard(ctx, old.NUID)
	case err != nil && !w.unsure:
		w.discard(ctx, w.info.NUID)
	}
	return object.Object{Key: key, Size: int64(w.info.Size), Version: w.info.NUID, Sum: w.sum.Sum(nil)}, err
}

// send sends the body, as much at once as the buffer holds.
func (w *write) send(ctx context.Context, body io.Reader, buffer []byte) error {
	for {
		n, err := io.ReadFull(body, buffer)
		end := err == io.EOF || err == io.ErrUnexpectedEOF
		if err == nil || end {
			err = flow.Err(ctx)
		}
		if err == nil && n > 0 {
			w.sum.Write(buffer[:n])
			err = w.retry.Do(ctx, func(ctx context.Context) error { return w.transmit(ctx, buffer[:n]) })
			w.info.Size += uint64(n)
		}
		if err != nil || end {
			return err
		}
	}
}

// transmit sends a part of the body and waits until all its chunks have arrived.
// The server knows a chunk that is sent again by its ID.
func (w *write) transmit(ctx context.Context, data []byte) error {
	earlier := len(w.acks)
	if err := w.call(ctx, func(_ context.Context, s *session) error { return w.publishChunks(s, data) }); err != nil {
		return err
	}
	last := w.last
	for i := earlier; i < len(w.acks); i++ {
		err := w.call(ctx, func(ctx context.Context, _ *session) error {
			seq, err := w.wait(ctx, i)
			if err == nil && seq <= last {
				err = errDisorder
			}
			last = seq
			return err
		})
		if err != nil {
			return err
		}
	}
	w.last = last
	w.info.Chunks += uint32(len(w.acks) - earlier)
	w.acks = nil
	return nil
}

// publishChunks sends the chunks of data. None may overtake the one before it,
// which may be lost with another connection.
func (w *write) publishChunks(s *session, data []byte) error {
	reconnects := s.nc.Stats().Reconnects
	at := w.info.Size
	for part := range slices.Chunk(data, int(w.cfg.ChunkSize)) {
		offset := strconv.FormatUint(at, 10)
		m := nats.NewMsg(w.chunks + w.info.NUID)
		m.Header.Set(offsetHeader, offset)
		m.Header.Set(objectHeader, w.info.Name)
		m.Header.Set(sentHeader, time.Now().UTC().Format(time.RFC3339))
		m.Data = part
		if s.nc.Stats().Reconnects != reconnects {
			return errLost
		}
		ack, err := s.js.PublishMsgAsync(m, jetstream.WithMsgID(w.info.NUID+"-"+offset),
			jetstream.WithExpectStream(w.stream), jetstream.WithRetryAttempts(0))
		if err != nil {
			return err
		}
		w.acks = append(w.acks, ack)
		at += uint64(len(part))
	}
	return nil
}

// wait waits for the arrival of a chunk, and returns its sequence. An answer
// comes once.
func (w *write) wait(ctx context.Context, i int) (seq uint64, err error) {
	select {
	case arrived := <-w.acks[i].Ok():
		seq = arrived.Sequence
	case err = <-w.acks[i].Err():
	case <-ctx.Done():
		return 0, ctx.Err()
	}
	w.acks[i] = nil
	return seq, err
}

// complete publishes the description on the condition that the name is as it
// was seen last, which is at first that it is free. It returns what it has
// replaced.
func (w *write) complete(ctx context.Context, once bool) (old entry, err error) {
	w.info.Digest = jetstream.GetObjectDigestValue(w.sum)
	conflicts := 0
	err = w.retry.Do(ctx, func(ctx context.Context) error {
		for {
			_, err := w.publish(ctx, w.info, old.seq)
			if err == nil {
				return nil
			}
			now, unknown := w.lookAfter(ctx, err)
			switch {
			case unknown == nil && now.NUID == w.info.NUID: // the answer was lost
				return nil
			case unknown != nil, !isConflict(err):
				return err
			case once && now.exists():
				return errTaken
			case conflicts > maxConflicts:
				return fmt.Errorf("%w: %d other writes of this name were under way", errMoved, conflicts)
			}
			conflicts++
			old = now
		}
	})
	return old, err
}

// lookAfter asks for the description after publish has failed. Unless the server has
// refused the description, it may still arrive, and the chunks must stay.
func (w *write) lookAfter(ctx context.Context, failure error) (entry, error) {
	var answer *jetstream.APIError
	if !errors.As(failure, &answer) && !errors.Is(failure, nats.ErrReconnectBufExceeded) {
		w.unsure = true
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), min(cleanupTimeout, w.cfg.IdleTimeout))
	defer cancel()
	now, err := w.describe(ctx, w.info.Name)
	return now, cmp.Or(err, flow.Err(ctx))
}

// discard removes the chunks of an object, after those of this write that are
// under way.
func (w *write) discard(ctx context.Context, nuid string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanupTimeout)
	defer cancel()
	for i, ack := range w.acks {
		if ack != nil {
			_, _ = w.wait(ctx, i)
		}
	}
	if err := w.purge(ctx, nuid); err != nil && nuid != "" {
		w.log.Get().LogAttrs(ctx, slog.LevelWarn, "chunks of an object could not be removed",
			slog.String("replica", typeName), slog.String("key", w.info.Name), slog.Any("error", w.log.Secrets.Error(err)))
	}
}
