package nats

import (
	"cmp"
	"context"
	"encoding/base64"
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

// firstKey is the key of an object's metadata for the sequence of its first chunk.
const firstKey = "ltxstore-first"

const (
	// At most maxChunks chunks are sent at a time, and at most maxKept bytes, which are in
	// memory until they have arrived.
	maxChunks = 256
	maxKept   = 4 << 20

	// cleanupTimeout is how long a failed write may take to clean up.
	cleanupTimeout = 10 * time.Second

	// maxConflicts is how many concurrent writes of its name a write tolerates.
	maxConflicts = 10
)

// single is the object.Retrier of a body that Client repeats as a whole.
type single struct{}

func (single) Do(ctx context.Context, op func(context.Context) error) error { return op(ctx) }

// Put implements object.Bucket.
func (b *bucket) Put(ctx context.Context, key string, body *object.Body, opts object.PutOptions) (object.Object, error) {
	known := func() []byte { return opts.Sum }
	return b.write(ctx, key, source{body, io.Discard, known}, body.Size(), opts, single{})
}

// PutStream implements object.Streamer. With write-once it checks the
// name before it sends the body.
func (b *bucket) PutStream(ctx context.Context, key string, body *object.Stream, opts object.PutOptions, retry object.Retrier) (object.Object, error) {
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
	r, hash := body.Unsummed()
	return b.write(ctx, key, source{r, hash, body.Sum}, math.MaxInt64-1, opts, retry)
}

// source is the body of a write.
type source struct {
	io.Reader
	hash io.Writer     // gets what was read
	sum  func() []byte // returns the hash after the end
}

// write is an object that is being written.
type write struct {
	*bucket
	retry  object.Retrier
	info   jetstream.ObjectInfo
	sender *sender // of the chunks
	unsure bool    // whether the description may have arrived, or may yet
}

// write sends the chunks of a body, of at most size bytes, and then the description.
func (b *bucket) write(ctx context.Context, key string, body source, size int64, opts object.PutOptions, retry object.Retrier) (object.Object, error) {
	w := &write{bucket: b, retry: retry, info: jetstream.ObjectInfo{
		ObjectMeta: jetstream.ObjectMeta{Name: key, Headers: nats.Header{}, Opts: &jetstream.ObjectMetaOptions{ChunkSize: uint32(b.cfg.Transfer.PartSize)}},
		Bucket:     b.cfg.Bucket,
		NUID:       nuid.Next(),
	}}
	for name, value := range opts.Metadata {
		w.info.Headers.Set(textproto.CanonicalMIMEHeaderKey(name), value)
	}
	err := w.send(ctx, body, size)
	hash := body.sum()
	var old entry
	if err == nil {
		w.info.Digest = "SHA-256=" + base64.URLEncoding.EncodeToString(hash)
		w.info.Metadata = map[string]string{firstKey: strconv.FormatUint(w.sender.first, 10)}
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
func (w *write) send(ctx context.Context, body source, size int64) error {
	ahead := min(max(maxKept/w.cfg.Transfer.PartSize, 2), maxChunks)
	w.sender = w.newSender(int(ahead), w.retry)
	buffers := make([][]byte, ahead) // one for each chunk that has not arrived
	var hashing sync.WaitGroup
	defer hashing.Wait()
	for end := false; !end; w.info.Chunks++ {
		offset := int64(w.info.Size)
		buffer := &buffers[int(w.info.Chunks)%len(buffers)]
		if *buffer == nil {
			*buffer = make([]byte, min(w.cfg.Transfer.PartSize, size-offset+1))
		}
		n, err := io.ReadFull(body, *buffer)
		data := (*buffer)[:n]
		hashing.Wait()
		hashing.Go(func() { _, _ = body.hash.Write(data) }) // never fails
		if end = err == io.EOF || err == io.ErrUnexpectedEOF; end {
			err = nil
		}
		if err := cmp.Or(err, flow.Err(ctx)); err != nil {
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
		if err := w.sender.send(ctx, w.info.NUID+"-"+m.Header.Get(offsetHeader), m); err != nil {
			return err
		}
		w.info.Size += uint64(n)
	}
	return w.sender.flush(ctx)
}

// complete publishes the description on the condition that the name has not changed.
// At first it assumes that the name is free. It returns the entry that it replaced.
func (w *write) complete(ctx context.Context, once bool) (old entry, err error) {
	conflicts := 0
	err = w.retry.Do(ctx, func(ctx context.Context) error {
		for {
			_, err := w.publish(ctx, w.info, old.seq)
			switch {
			case err == nil:
				return w.confirm(ctx)
			case !isConflict(err):
				w.unsure = w.unsure || !isRefused(err)
				return err
			}
			now, err := w.describe(ctx, w.info.Name)
			switch {
			case err != nil:
				return err
			case now.NUID == w.info.NUID: // it had arrived, and the response was lost
				return w.confirm(ctx)
			case once && now.exists():
				return errTaken
			case w.unsure && now.seq > w.sender.last: // it may have been replaced, and its chunks removed
				return errMoved
			case conflicts > maxConflicts:
				return fmt.Errorf("%w: %d concurrent writes of this name", errMoved, conflicts)
			}
			conflicts++
			old = now
		}
	})
	return old, err
}

// confirm returns an error if the description may have been published before, and was
// deleted since: nothing of the object is left then but the new description.
func (w *write) confirm(ctx context.Context) error {
	if !w.unsure {
		return nil
	}
	_, err := w.last(ctx, w.chunks+w.info.NUID)
	if isMissing(err) {
		_ = w.DeleteVersion(ctx, w.info.Name, w.info.NUID)
		return errMoved
	}
	return err
}

// discard removes the chunks of an object, after waiting for those that are being
// sent.
func (w *write) discard(ctx context.Context, nuid string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanupTimeout)
	defer cancel()
	w.sender.wait(ctx)
	if err := w.purge(ctx, w.chunks+nuid); err != nil && nuid != "" {
		w.log.Get().LogAttrs(ctx, slog.LevelWarn, "chunks of an object could not be removed",
			slog.String("replica", typeName), slog.String("key", w.info.Name), slog.Any("error", w.log.Secrets.Error(err)))
	}
}
