package objectstore

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/ltxstore/ltxstore/backend/object"
	"github.com/ltxstore/ltxstore/nats/internal/stream"
)

// Delete implements object.Bucket.
func (b *Bucket) Delete(ctx context.Context, key string) error { return b.delete(ctx, key, "") }

// DeleteVersion implements object.Retractor.
func (b *Bucket) DeleteVersion(ctx context.Context, key, version string) error {
	return b.delete(ctx, key, version)
}

// delete marks an object as deleted, as NATS's clients do, for readers and watchers
// to see; then it removes the chunks, and finally the mark, which would otherwise be
// listed forever. After a failure, the mark tells which chunks remain.
func (b *Bucket) delete(ctx context.Context, key, version string) error {
	for range maxConflicts {
		e, err := b.describe(ctx, key)
		if err != nil || e.seq == 0 {
			return err
		}
		if err := e.check(version); err != nil {
			return err
		}
		if !e.Deleted {
			mark := jetstream.ObjectInfo{ObjectMeta: jetstream.ObjectMeta{Name: key}, Bucket: b.cfg.Name, NUID: e.NUID, Deleted: true}
			e.seq, err = b.publish(ctx, mark, e.seq)
			if stream.IsConflict(err) {
				continue // it was written in the meantime
			}
			if err != nil {
				return err
			}
		}
		if e.NUID != "" {
			if err := b.stream.Purge(ctx, b.chunks+e.NUID); err != nil {
				return err
			}
		}
		return b.stream.Delete(ctx, e.seq)
	}
	return fmt.Errorf("%w: %d concurrent writes of this name", errMoved, maxConflicts)
}

// Leftovers implements object.Sweeper. Leftovers are chunks that no description in
// the bucket refers to. Chunks of other clients do not name their object, and are
// not returned.
func (b *Bucket) Leftovers(ctx context.Context) (left []object.Leftover, err error) {
	subjects, err := b.stream.Subjects(ctx, b.chunks+">")
	if err != nil {
		return nil, err
	}
	described, err := b.below(ctx, "")
	if err != nil {
		return nil, err
	}
	for _, e := range described {
		delete(subjects, b.chunks+e.NUID)
	}
	for subject := range subjects {
		last, err := b.stream.Last(ctx, subject)
		if stream.IsMissing(err) {
			continue
		}
		if err != nil {
			return nil, err
		}
		if since, err := time.Parse(time.RFC3339, last.Header.Get(sentHeader)); err == nil {
			upload := object.Upload{Key: last.Header.Get(objectHeader), ID: strings.TrimPrefix(subject, b.chunks)}
			left = append(left, object.Leftover{Upload: upload, Since: since})
		}
	}
	return left, nil
}

// Discard implements object.Sweeper.
func (b *Bucket) Discard(ctx context.Context, upload object.Upload) error {
	e, err := b.describe(ctx, upload.Key)
	if err != nil || e.NUID == upload.ID { // it was completed in the meantime
		return err
	}
	return b.stream.Purge(ctx, b.chunks+upload.ID)
}
