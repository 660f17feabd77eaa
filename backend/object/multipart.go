package object

import (
	"context"
	"errors"
	"log/slog"
	"sync"

	"github.com/ltxstore/ltxstore/internal/flow"
)

// multipart stores the body with an upload in parts. After any failure, even a panic,
// it aborts the upload once no part is being sent.
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

// create begins an upload. It waits for the response even if ctx ends, because an
// unknown upload would remain.
func (u *upload) create(ctx context.Context, m Multipart) (id Upload, err error) {
	ctx, cancel := flow.Outlive(ctx, answerGrace)
	defer cancel()
	err = u.do(ctx, func(ctx context.Context) (err error) {
		id, err = m.CreateUpload(ctx, u.key, u.options())
		return err
	})
	return id, err
}

// sendParts sends the body, at most Concurrency parts at a time, one of which may
// still be read from the source. The first failure cancels the other parts. When
// sendParts returns, no part is being sent.
func (u *upload) sendParts(ctx context.Context, m Multipart, id Upload, plan plan) (parts []Part, sent int64, err error) {
	var (
		wg     sync.WaitGroup
		done   []*Part
		flying = newFlight(max(u.Concurrency, 1), plan.base)
		cut    = cutter{c: u.c}
	)
	defer wg.Wait()
	for number := 1; ; number++ {
		size := plan.next(number-1, sent)
		// Wait before reading the part, so that there is not one more in memory.
		memory := cut.memory(size)
		if !flying.enter(ctx, memory) {
			return nil, 0, context.Cause(ctx)
		}
		p, err := cut.next(max(size, 1)) // even at the limit, because the body may have ended
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

// complete creates the object from the parts.
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
	// Either the request was repeated after its response was lost, or someone
	// removed the upload. Size and time do not tell which: an older object may
	// have the same size, and times are whole seconds.
	if done, _, differs := u.resolve(ctx, size, err); differs == nil {
		return done, false, nil
	}
	return Object{}, false, err
}

// abort aborts an upload, whose parts would otherwise be billed forever. It does so
// even if ctx has ended, or the source panicked.
//
// A part that was cut off may still arrive at the store and restore the upload: S3's
// documentation of AbortMultipartUpload says to abort again until no part is found.
// That costs one more request.
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
		return nil // gone, or not worth another attempt
	})
	if err != nil {
		u.warn(ctx, slog.LevelWarn, "ltx upload not aborted: DeleteAll removes it", err)
	}
}

// errRemains means that an upload still exists after it was aborted.
var errRemains = errors.New("the upload still exists")
