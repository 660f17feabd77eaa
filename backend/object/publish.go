package object

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"log/slog"
	"time"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/internal/flow"
)

// cleanupTimeout is how long a failed write may take to clean up.
const cleanupTimeout = 10 * time.Second

// publish sends the request that creates the object of size bytes, repeats it if
// necessary, and checks the response. earlier means that the object existed before,
// with the same content.
//
// With write-once, a store may reject a body before reading it and close the
// connection, which the client may see as a reset without a response (clause W6).
// Sending the body again would fail in the same way. After every failure without a
// response, publish therefore checks whether the object exists, and sends the body
// again only if it does not.
func (u *upload) publish(ctx context.Context, size int64, send func(context.Context) (Object, error)) (done Object, earlier bool, err error) {
	if !u.WriteOnce {
		err = u.do(ctx, func(ctx context.Context) (err error) {
			done, err = send(ctx)
			return err
		})
		if err == nil {
			done, err = u.confirm(ctx, done, size)
		}
		return done, false, err
	}
	var failure error // if there is nothing left to try
	policy := u.policy
	policy.Retryable = func(error) bool { return true }
	err = policy.Do(ctx, func(ctx context.Context) error {
		earlier = false
		if done, failure = send(ctx); failure == nil {
			if done, failure = u.confirm(ctx, done, size); failure == nil {
				return nil
			}
		}
		var again bool
		if done, again, failure = u.resolve(ctx, size, failure); again {
			return u.after(failure)
		}
		earlier = failure == nil
		return nil
	})
	if err == nil {
		err = failure
	}
	return done, earlier, err
}

// confirm compares the response about an object with what was written. If it does not
// identify the object, it may come from a proxy, and confirm asks the store again. An
// object with other content is deleted, if that is possible without affecting a later
// one: otherwise a damaged snapshot would remain and be restored from.
func (u *upload) confirm(ctx context.Context, done Object, size int64) (Object, error) {
	if done.Size < 0 {
		now, err := u.head(ctx, u.key, "")
		switch {
		case u.is(err, fs.ErrNotExist):
			return Object{}, failed(ltxstore.ErrUnavailable, "the store accepted the object but does not have it")
		case err != nil:
			return Object{}, err
		}
		done.Size, done.Version, done.Sum = now.Size, now.Version, now.Sum
		if done.Modified.IsZero() {
			done.Modified = now.Modified
		}
	}
	if err := u.differs(done, size); err != nil {
		u.retract(ctx, done)
		return Object{}, err
	}
	return u.timed(ctx, done)
}

// differs returns an error if, according to the store, the object has other content than
// was written.
func (u *upload) differs(done Object, size int64) error {
	if done.Size != size {
		return failed(ltxstore.ErrChecksum, "the store has %d bytes: %d were written", done.Size, size)
	}
	if done.Sum == nil {
		return nil
	}
	want, err := u.c.sum(u.newHash())
	if err == nil && !bytes.Equal(done.Sum, want) {
		err = failed(ltxstore.ErrChecksum, "the store has the checksum %x: that of the body is %x", done.Sum, want)
	}
	return err
}

// retract deletes the object that this write has created, but no later one. It does so
// even if ctx has ended.
func (u *upload) retract(ctx context.Context, done Object) {
	bucket, ok := u.Bucket.(Retractor)
	if !ok || done.Version == "" {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanupTimeout)
	defer cancel()
	err := u.do(ctx, func(ctx context.Context) error { return bucket.DeleteVersion(ctx, u.key, done.Version) })
	if err != nil && !u.is(err, fs.ErrNotExist) && !u.is(err, ErrPrecondition) {
		u.warn(ctx, slog.LevelError, "ltx file is damaged and cannot be deleted", err)
	}
}

func (u *upload) warn(ctx context.Context, level slog.Level, text string, err error) {
	u.log.Get().LogAttrs(ctx, level, text, slog.String("replica", u.Type), slog.String("key", u.key), slog.Any("error", u.describe(err)))
}

// resolve determines whether a write that failed with cause was done, by this write or
// by an earlier one with the same content. If it was not, again means that it may be
// repeated.
//
// It is safe to repeat a conditional write, so it is repeated if its state cannot be
// determined.
func (u *upload) resolve(ctx context.Context, size int64, cause error) (done Object, again bool, err error) {
	kind := u.classify(cause).Kind
	refused := errors.Is(kind, ErrPrecondition) || errors.Is(kind, ErrConflict)
	gone := errors.Is(kind, ErrNoUpload)
	final := refused || gone // no request can still be in progress
	switch {
	case ctx.Err() != nil, !final && !u.retryable(cause):
		return Object{}, false, cause
	case errors.Is(kind, ltxstore.ErrThrottled): // nothing was written
		return Object{}, true, cause
	}
	var found Object
	if final {
		found, err = u.head(ctx, u.key, "")
	} else { // the next attempt asks again
		found, err = u.headOnce(ctx, u.key, "")
	}
	switch {
	case u.is(err, fs.ErrNotExist) && refused:
		return Object{}, true, failed(ltxstore.ErrUnavailable, "another write or a deletion of this name was in progress: %w", cause)
	case u.is(err, fs.ErrNotExist):
		return Object{}, !gone, cause
	case err != nil:
		return Object{}, !final, fmt.Errorf("%w; it is unknown whether the file exists: %w", cause, err)
	case found.Size != size:
		return Object{}, false, u.exists(cause, fmt.Sprintf("with %d bytes instead of %d", found.Size, size))
	}
	if err := u.compare(ctx, found, cause); err != nil {
		return Object{}, false, err
	}
	done, err = u.timed(ctx, found)
	return done, false, err
}

// compare returns nil if the object, which has the same size as the body, has the same
// content.
func (u *upload) compare(ctx context.Context, found Object, cause error) error {
	want, err := u.c.sum(u.newHash())
	if err != nil {
		return err
	}
	got := found.Sum
	if got == nil {
		if got, err = u.readBack(ctx, u.newHash()); err != nil {
			return fmt.Errorf("%w; it is unknown whether the existing file is the same: %w", cause, err)
		}
	}
	if !bytes.Equal(got, want) {
		return u.exists(cause, fmt.Sprintf("with the same size but the checksum %x instead of %x", got, want))
	}
	return nil
}

// readBack returns the hash of the object's content.
func (u *upload) readBack(ctx context.Context, h hash.Hash) ([]byte, error) {
	content, err := u.open(ctx, u.key, 0, 0)
	if err != nil {
		return nil, err
	}
	defer content.Close()
	_, err = io.Copy(h, &flow.Reader{Ctx: ctx, R: content})
	return h.Sum(nil), err
}

func (u *upload) exists(cause error, how string) error {
	return &ltxstore.Error{Op: "write", Backend: u.Type, Key: u.key, Kind: fs.ErrExist,
		Err: u.describe(fmt.Errorf("the file exists %s: %w", how, cause))}
}
