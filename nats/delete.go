package nats

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// Delete implements object.Bucket.
func (b *bucket) Delete(ctx context.Context, key string) error { return b.delete(ctx, key, "") }

// DeleteVersion implements object.Retractor.
func (b *bucket) DeleteVersion(ctx context.Context, key, version string) error {
	return b.delete(ctx, key, version)
}

// delete marks an object as deleted, as NATS's clients do, which readers and
// watchers see; removes its chunks; and then the mark, which would be listed for
// ever. After a failure, the mark tells which chunks are left.
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
		if e.NUID != "" && !e.isLink() {
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

// orphanAge is how old chunks without an object must be to be a dead writer's.
const orphanAge = time.Hour

// Sweep implements object.Sweeper: it removes the chunks of writes that have not
// ended for an hour. Those of other clients cannot be told from one another's,
// and stay.
func (b *bucket) Sweep(ctx context.Context, own func(key string) bool) error {
	prefix := b.chunks
	var subjects map[string]uint64
	err := b.call(ctx, func(ctx context.Context, s *session) error {
		info, err := s.stream.Info(ctx, jetstream.WithSubjectFilter(prefix+">"))
		if err == nil {
			subjects = info.State.Subjects
		}
		return err
	})
	if err != nil {
		return err
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
			return err
		}
		sent, err := time.Parse(time.RFC3339, last.Header.Get(sentHeader))
		key, nuid := last.Header.Get(objectHeader), strings.TrimPrefix(subject, prefix)
		if err != nil || !own(key) || time.Since(sent) < orphanAge {
			continue
		}
		if e, err := b.describe(ctx, key); err != nil {
			return err
		} else if e.NUID == nuid {
			continue
		}
		if err := b.purge(ctx, nuid); err != nil {
			return err
		}
	}
	return nil
}
