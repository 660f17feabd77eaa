package nats

import (
	"context"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/ltxstore/ltxstore/backend/object"
)

// Delete implements object.Bucket.
func (b *bucket) Delete(ctx context.Context, key string) error { return b.DeleteVersion(ctx, key, "") }

// DeleteVersion implements object.Retractor. It removes the description, unless the object
// was written again since, and then the chunks. If it is interrupted in between, these are
// leftovers. Other clients of NATS leave a mark in place of the description, which is removed
// in the same way.
func (b *bucket) DeleteVersion(ctx context.Context, key, version string) error {
	e, err := b.describe(ctx, key)
	if err == nil && e.seq > 0 {
		err = e.check(version)
	}
	if err != nil || e.seq == 0 {
		return err
	}
	if err := b.purge(ctx, jetstream.WithPurgeSubject(b.subject(key)), jetstream.WithPurgeSequence(e.seq+1)); err != nil {
		return err
	}
	return b.purgeChunks(ctx, e.NUID)
}

// purgeChunks removes the chunks of an object. A link to another has none.
func (b *bucket) purgeChunks(ctx context.Context, nuid string) error {
	if nuid == "" {
		return nil
	}
	return b.purge(ctx, jetstream.WithPurgeSubject(b.chunks+nuid))
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
	return b.purgeChunks(ctx, upload.ID)
}
