package object

import (
	"context"
	"errors"
	"log/slog"
	"sync"

	"github.com/ltxstore/ltxstore/internal/flow"
)

// multipart stores the body as an upload in parts. Whatever fails, a panic
// included, the upload is aborted when no part is under way any more.
func (u *upload) multipart(ctx context.Context, m Multipart) (Object, error) {
	plan, err := newPlan(u.PartSize, u.c.size, u.Traits)
	if err != nil {
		return Object{}, err
	}
	id, err := u.create(ctx, m)
	if err != nil {
		return Object{}, err
	}
	completed := false
	defer func() {
		if !completed {
			u.abort(ctx, m, id)
		}
	}()
	if !u.c.whole {
		u.c.hash = u.newHash()
	}
	parts, sent, err := u.sendParts(ctx, m, id, plan)
	if err != nil {
		return Object{}, err
	}
	if err := flow.Err(ctx); err != nil {
		return Object{}, err
	}
	done, earlier, err := u.complete(ctx, m, id, parts, sent)
	completed = err == nil && !earlier
	return done, err
}

// create begins an upload. Without the answer an upload would stay that nobody
// knows of.
func (u *upload) create(ctx context.Context, m Multipart) (id Upload, err error) {
	ctx, cancel := flow.Outlive(ctx, answerGrace)
	defer cancel()
	err = u.do(ctx, func(ctx context.Context) (err error) {
		id, err = m.CreateUpload(ctx, u.key, u.options())
		return err
	})
	return id, err
}

// sendParts sends the body, at most Concurrency parts at once, of which one may
// still be read from the source. When it returns nothing is under way. The
// first failure ends everything else.
func (u *upload) sendParts(ctx context.Context, m Multipart, id Upload, plan plan) (parts []Part, sent int64, err error) {
	var (
		wg     sync.WaitGroup
		done   []*Part
		flying = newFlight(max(u.Concurrency, 1), plan.base)
		cut    = cutter{c: u.c}
	)
	defer cut.free()
	defer wg.Wait()
	for number := 1; ; number++ {
		size := plan.next(number-1, sent)
		// Before the part is read: one that waits for its turn would be one
		// more in memory.
		memory := cut.memory(size)
		if !flying.enter(ctx, memory) {
			return nil, 0, context.Cause(ctx)
		}
		p, err := cut.next(max(size, 1)) // also at the limit: the body may be at its end
		if err == nil && p.size > 0 && size == 0 {
			p.free()
			err = plan.tooLarge(sent)
		}
		if err != nil {
			u.cancel(err)
			return nil, 0, err
		}
		if p.size == 0 {
			break
		}
		sent += p.size
		part := new(Part)
		done = append(done, part)
		wg.Go(func() {
			defer flying.leave(memory)
			defer p.free()
			var err error
			if *part, err = u.sendPart(ctx, m, id, number, p); err != nil {
				u.cancel(err)
			}
		})
	}
	wg.Wait()
	switch {
	case ctx.Err() != nil:
		return nil, 0, context.Cause(ctx)
	case len(done) == 0:
		return nil, 0, errEmpty
	}
	for _, part := range done {
		parts = append(parts, *part)
	}
	return parts, sent, nil
}

func (u *upload) sendPart(ctx context.Context, m Multipart, id Upload, number int, p piece) (part Part, err error) {
	err = u.do(ctx, func(ctx context.Context) (err error) {
		body := newBody(p.open(), p.size)
		ctx, cancel := body.outlive(ctx)
		defer cancel()
		part, err = m.PutPart(ctx, id, number, body)
		return err
	})
	return part, err
}

// complete makes the object of the parts.
func (u *upload) complete(ctx context.Context, m Multipart, id Upload, parts []Part, size int64) (done Object, earlier bool, err error) {
	ctx, cancel := flow.Outlive(ctx, answerGrace)
	defer cancel()
	opts := u.options()
	if u.Traits.NewHash != nil && u.c.hash != nil {
		opts.Sum = u.c.hash.Sum(nil)
	}
	done, earlier, err = u.publish(ctx, size, func(ctx context.Context) (Object, error) {
		return m.CompleteUpload(ctx, id, parts, opts)
	})
	if err == nil || u.WriteOnce || !u.is(err, ErrNoUpload) {
		return done, earlier, err
	}
	// The request was repeated after an answer was lost, or somebody has removed
	// the upload. Size and time do not tell: an older object may have the same
	// size, and times are whole seconds.
	if done, _, differs := u.resolve(ctx, size, err); differs == nil {
		return done, false, nil
	}
	return Object{}, false, err
}

// abort ends an upload, whose parts would be billed for ever. It does so also
// when ctx has ended, and when the source panics.
//
// A part that was cut off may still be arriving at the store, and bring the
// upload back to life: S3's documentation of AbortMultipartUpload says to abort
// again until nothing is found. That costs one request more.
func (u *upload) abort(ctx context.Context, m Multipart, id Upload) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanupTimeout)
	defer cancel()
	policy := u.policy
	policy.Retryable = func(err error) bool { return errors.Is(err, errRemains) }
	err := policy.Do(ctx, func(ctx context.Context) error {
		err := u.do(ctx, func(ctx context.Context) error { return m.AbortUpload(ctx, id) })
		if err != nil {
			if u.is(err, ErrNoUpload) {
				return nil
			}
			return err
		}
		var remains bool
		err = u.do(ctx, func(ctx context.Context) (err error) {
			remains, err = m.UploadRemains(ctx, id)
			return err
		})
		if err == nil && remains {
			return errRemains
		}
		return nil // gone, or nothing that a further attempt would find out
	})
	if err != nil {
		u.warn(ctx, slog.LevelWarn, "ltx upload cannot be aborted: DeleteAll removes it", err)
	}
}

// errRemains means that an upload is still there after it was aborted.
var errRemains = errors.New("the upload is still there")
