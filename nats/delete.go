package nats

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/ltxstore/ltxstore/backend/object"
)

// Delete implements object.Bucket.
func (b *bucket) Delete(ctx context.Context, key string) error { return b.delete(ctx, key, "") }

// DeleteVersion implements object.Retractor.
func (b *bucket) DeleteVersion(ctx context.Context, key, version string) error {
	return b.delete(ctx, key, version)
}

// delete marks an object as deleted, as NATS's clients do, for readers and watchers
// to see; then it removes the chunks, and finally the mark, which would otherwise be
// listed forever. After a failure, the mark tells which chunks remain.
func (b *bucket) delete(ctx context.Context, key, version string) error {
	for range maxConflicts {
		e, err := b.describe(ctx, key)
		if err != nil || e.seq == 0 {
			return err
		}
		if err := e.check(version); err != nil {
			return err
		}
		if !e.Deleted {
			mark := jetstream.ObjectInfo{ObjectMeta: jetstream.ObjectMeta{Name: key}, Bucket: b.cfg.Bucket, NUID: e.NUID, Deleted: true}
			e.seq, err = b.publish(ctx, mark, e.seq)
			if isConflict(err) {
				continue // it was written in the meantime
			}
			if err != nil {
				return err
			}
		}
		if e.NUID != "" {
			if err := b.purge(ctx, b.chunks+e.NUID); err != nil {
				return err
			}
		}
		return b.deleteMessage(ctx, e.seq)
	}
	return fmt.Errorf("%w: %d concurrent writes of this name", errMoved, maxConflicts)
}

// Leftovers implements object.Sweeper. Leftovers are chunks that no description in
// the bucket refers to. Chunks of other clients do not name their object, and are
// not returned.
func (b *bucket) Leftovers(ctx context.Context) (left []object.Leftover, err error) {
	state, err := b.state(ctx, b.chunks+">")
	if err != nil {
		return nil, err
	}
	described, err := b.below(ctx, "")
	if err != nil {
		return nil, err
	}
	for _, e := range described {
		delete(state.Subjects, b.chunks+e.NUID)
	}
	for subject := range state.Subjects {
		last, err := b.last(ctx, subject)
		if isMissing(err) {
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
func (b *bucket) Discard(ctx context.Context, upload object.Upload) error {
	e, err := b.describe(ctx, upload.Key)
	if err != nil || e.NUID == upload.ID { // it was completed in the meantime
		return err
	}
	return b.purge(ctx, b.chunks+upload.ID)
}
