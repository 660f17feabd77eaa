package nats

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"math"
	"net/textproto"
	"strconv"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/nats-io/nuid"

	"github.com/ltxstore/ltxstore/backend/object"
	"github.com/ltxstore/ltxstore/internal/flow"
)

// Headers of a chunk, which other clients ignore: its object, its offset in the object,
// and when it was sent.
const (
	offsetHeader = "Ltxstore-Offset"
	objectHeader = "Ltxstore-Object"
	sentHeader   = "Ltxstore-Sent"
)

const (
	// cleanupTimeout is how long a failed write may take to clean up.
	cleanupTimeout = 5 * time.Second

	// maxConflicts is how many concurrent writes of its name a write tolerates.
	maxConflicts = 10
)

// single is the object.Retrier of a body that Client repeats as a whole.
type single struct{}

func (single) Do(ctx context.Context, op func(context.Context) error) error { return op(ctx) }

// Put implements object.Bucket.
func (b *bucket) Put(ctx context.Context, key string, body *object.Body, opts object.PutOptions) (object.Object, error) {
	sum := func() []byte { return opts.Sum }
	return b.write(ctx, key, source{body, body.Size(), io.Discard, sum}, opts, single{})
}

// PutStream implements object.Streamer.
func (b *bucket) PutStream(ctx context.Context, key string, body *object.Stream, opts object.PutOptions, retry object.Retrier) (object.Object, error) {
	r, hash := body.Unsummed()
	return b.write(ctx, key, source{r, math.MaxInt64 - 1, hash, body.Sum}, opts, retry)
}

// source is the body of a write.
type source struct {
	io.Reader
	size int64         // at most
	hash io.Writer     // gets what was read
	sum  func() []byte // returns the hash after the end
}

// write is an object that is being written.
type write struct {
	sender
	info   jetstream.ObjectInfo
	unsure bool // whether the description may have arrived, or may yet
}

// write sends the chunks of a body, and then the description.
func (b *bucket) write(ctx context.Context, key string, body source, opts object.PutOptions, retry object.Retrier) (object.Object, error) {
	w := &write{sender: sender{bucket: b, retry: retry}, info: jetstream.ObjectInfo{
		ObjectMeta: jetstream.ObjectMeta{Name: key, Headers: nats.Header{}, Opts: &jetstream.ObjectMetaOptions{ChunkSize: uint32(b.cfg.Transfer.PartSize)}},
		Bucket:     b.cfg.Bucket,
		NUID:       nuid.Next(),
	}}
	for name, value := range opts.Metadata {
		w.info.Headers.Set(textproto.CanonicalMIMEHeaderKey(name), value)
	}
	err := w.send(ctx, body)
	hash := body.sum()
	var old entry
	if err == nil {
		w.info.Digest = "SHA-256=" + base64.URLEncoding.EncodeToString(hash)
		w.info.Metadata = map[string]string{firstKey: strconv.FormatUint(w.first, 10)}
		old, err = w.complete(ctx, opts.IfAbsent)
	}
	switch {
	case err == nil && old.exists():
		w.discard(ctx, old.NUID)
	case err != nil && !w.unsure:
		w.discard(ctx, w.info.NUID)
	}
	return object.Object{Key: key, Size: int64(w.info.Size), Version: w.info.NUID, Sum: hash}, err
}

// send sends the body, and returns when all its chunks have arrived. It reads the next
// chunk while previous ones are being sent, and computes the hash of each at the same time.
func (w *write) send(ctx context.Context, body source) error {
	ahead := int(max(maxKept/w.cfg.Transfer.PartSize, 2))
	buffers := make([][]byte, ahead) // one for each chunk that has not arrived
	var hashing sync.WaitGroup
	defer hashing.Wait()
	for end := false; !end; w.info.Chunks++ {
		offset := int64(w.info.Size)
		buffer := &buffers[int(w.info.Chunks)%len(buffers)]
		if *buffer == nil {
			*buffer = make([]byte, min(w.cfg.Transfer.PartSize, body.size-offset+1))
		}
		n, err := io.ReadFull(body, *buffer)
		data := (*buffer)[:n]
		hashing.Wait()
		hashing.Go(func() { _, _ = body.hash.Write(data) }) // never fails
		if end = err == io.EOF || err == io.ErrUnexpectedEOF; !end && err != nil {
			return err
		}
		if err := flow.Err(ctx); err != nil {
			return err
		}
		if n == 0 {
			break
		}
		m := nats.NewMsg(w.chunks + w.info.NUID)
		m.Header.Set(offsetHeader, strconv.FormatInt(offset, 10))
		m.Header.Set(objectHeader, w.info.Name)
		m.Header.Set(sentHeader, time.Now().UTC().Format(time.RFC3339))
		m.Data = data
		if err := w.deliver(ctx, ahead-1, &chunk{Msg: m, id: w.info.NUID + "-" + m.Header.Get(offsetHeader)}); err != nil {
			return err
		}
		w.info.Size += uint64(n)
	}
	return w.deliver(ctx, 0)
}

// complete publishes the description on the condition that the name has not changed.
// At first it assumes that the name is free. It returns the entry that it replaced.
func (w *write) complete(ctx context.Context, once bool) (old entry, err error) {
	err = w.retry.Do(ctx, func(ctx context.Context) error {
		for range maxConflicts {
			err := w.publish(ctx, old.seq)
			if !isConflict(err) {
				w.unsure = w.unsure || err != nil && !isRefused(err)
				return err
			}
			now, err := w.describe(ctx, w.info.Name)
			switch {
			case err != nil:
				return err
			case now.NUID == w.info.NUID: // it had arrived, and the response was lost
				return nil
			case once && now.exists():
				return errTaken
			case w.unsure && (now.seq == 0 || now.seq > w.last): // it may have been there, and its chunks been removed
				return errMoved
			}
			old = now
		}
		return fmt.Errorf("%w: %d concurrent writes of this name", errMoved, maxConflicts)
	})
	return old, err
}

// publish replaces the description of the object, if the last message of its subject still
// has the sequence last, where 0 means that there is none. If it has another, isConflict
// reports true for the error. To repeat what was done already succeeds, also if the object
// was deleted since: the server knows the ID.
func (w *write) publish(ctx context.Context, last uint64) error {
	m := nats.NewMsg(w.subject(w.info.Name))
	m.Header.Set(jetstream.MsgRollup, jetstream.MsgRollupSubject)
	var err error
	if m.Data, err = json.Marshal(w.info); err != nil {
		return err
	}
	return w.call(ctx, func(ctx context.Context, c *conn) error {
		_, err := c.js.PublishMsg(ctx, m, jetstream.WithMsgID(fmt.Sprint(w.info.NUID, "-description-", last)),
			jetstream.WithExpectLastSequencePerSubject(last), jetstream.WithRetryAttempts(0))
		return err
	})
}

// discard removes the chunks of an object, after waiting for those that are being
// sent.
func (w *write) discard(ctx context.Context, nuid string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanupTimeout)
	defer cancel()
	w.wait(ctx)
	if err := w.purgeChunks(ctx, nuid); err != nil {
		w.log.Get().LogAttrs(ctx, slog.LevelWarn, "chunks of an object could not be removed",
			slog.String("replica", typeName), slog.String("key", w.info.Name), slog.Any("error", w.log.Secrets.Error(err)))
	}
}
