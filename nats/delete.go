package nats

import (
	"context"
	"errors"
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

// delete marks an object as deleted, as NATS's clients do, which readers and
// watchers see; removes its chunks; and then the mark, which would be listed for
// ever. After a failure, the mark says which chunks remain.
func (b *bucket) delete(ctx context.Context, key, version string) error {
	for range maxConflicts {
		e, err := b.describe(ctx, key)
		if err == nil && e.seq > 0 {
			err = e.check(version)
		}
		if err != nil || e.seq == 0 {
			return err
		}
		if !e.Deleted {
			e.Deleted, e.Size, e.Chunks, e.Digest = true, 0, 0, ""
			e.seq, err = b.publish(ctx, e.ObjectInfo, e.seq)
			if isConflict(err) {
				continue // it was written meanwhile
			}
			if err != nil {
				return err
			}
		}
		if e.NUID != "" {
			if err := b.purge(ctx, e.NUID); err != nil {
				return err
			}
		}
		err = b.call(ctx, func(ctx context.Context, s *session) error { return s.stream.DeleteMsg(ctx, e.seq) })
		if errors.Is(err, jetstream.ErrMsgDeleteUnsuccessful) {
			if now, err := b.describe(ctx, key); err != nil || now.seq != e.seq { // deleted or written meanwhile
				return err
			}
		}
		return err
	}
	return fmt.Errorf("%w: %d writes of this name were under way", errMoved, maxConflicts)
}

// Leftovers implements object.Sweeper: they are chunks that no description in
// the bucket mentions. Those of other clients do not tell what they are of.
func (b *bucket) Leftovers(ctx context.Context) (left []object.Leftover, err error) {
	var subjects map[string]uint64
	err = b.call(ctx, func(ctx context.Context, s *session) error {
		info, err := s.stream.Info(ctx, jetstream.WithSubjectFilter(b.chunks+">"))
		if err == nil {
			subjects = info.State.Subjects
		}
		return err
	})
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
		var last *jetstream.RawStreamMsg
		err := b.call(ctx, func(ctx context.Context, s *session) (err error) {
			last, err = s.leader.GetLastMsgForSubject(ctx, subject)
			return err
		})
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
	if err != nil || e.NUID == upload.ID { // it was completed meanwhile
		return err
	}
	return b.purge(ctx, upload.ID)
}
