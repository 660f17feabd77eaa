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

// publish sends the request that makes the object of size bytes, as often as
// it takes, and checks what the store says of it. earlier means that the
// object is one that was there before, of the same content.
//
// With write-once, not only a refusal leaves open what was done (clause W6). A
// store that refuses a body before it has read it closes the connection, which
// may reach us as a reset without the answer: to send the body again would
// meet the same. So the object is asked for after every failure that may hide
// an answer, and the body is sent again only if there is none.
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
	var failure error // for which nothing is left to try
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

// confirm compares what the store says of an object with what was written. An
// answer that does not identify the object may be a proxy's: the store is asked
// again. An object of other content is deleted, where that is possible without
// touching a later one: a damaged snapshot would stay, and be restored from.
func (u *upload) confirm(ctx context.Context, done Object, size int64) (Object, error) {
	if done.Size < 0 {
		now, err := u.head(ctx, u.key, "")
		switch {
		case u.is(err, fs.ErrNotExist):
			return Object{}, failed(ltxstore.ErrUnavailable, "the store accepted the object, and does not have it")
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

// differs returns an error if the store has other content than was written, as
// far as it tells.
func (u *upload) differs(done Object, size int64) error {
	if done.Size != size {
		return failed(ltxstore.ErrChecksum, "the store has %d bytes: %d were written", done.Size, size)
	}
	if done.Sum == nil {
		return nil
	}
	want, err := u.c.sum(u.newHash())
	if err == nil && !bytes.Equal(done.Sum, want) {
		err = failed(ltxstore.ErrChecksum, "the store's checksum is %x, that of the body was %x", done.Sum, want)
	}
	return err
}

// retract deletes the object as this write has left it, and no later one. It
// does so also when ctx has ended.
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

// resolve finds out whether a write that failed with cause was done, by this
// write or by an earlier one of the same content. If not, again says that it
// may be sent once more.
//
// To send a conditional write again under its condition does no harm, so a
// state that cannot be found out is tried again.
func (u *upload) resolve(ctx context.Context, size int64, cause error) (done Object, again bool, err error) {
	kind := u.classify(cause).Kind
	refused := errors.Is(kind, ErrPrecondition) || errors.Is(kind, ErrConflict)
	gone := errors.Is(kind, ErrNoUpload)
	final := refused || gone // no answer can still be under way
	switch {
	case ctx.Err() != nil, !final && !u.retryable(cause):
		return Object{}, false, cause
	case errors.Is(kind, ltxstore.ErrThrottled): // nothing was done
		return Object{}, true, cause
	}
	var found Object
	if final {
		found, err = u.head(ctx, u.key, "")
	} else { // the next attempt asks again
		found, err = u.Bucket.Head(ctx, u.key, "")
	}
	switch {
	case u.is(err, fs.ErrNotExist) && refused:
		return Object{}, true, failed(ltxstore.ErrUnavailable, "another write or a deletion of this name was under way: %w", cause)
	case u.is(err, fs.ErrNotExist):
		return Object{}, !gone, cause
	case err != nil:
		return Object{}, !final, fmt.Errorf("%w; whether the file exists is not known: %w", cause, err)
	case found.Size != size:
		return Object{}, false, u.exists(cause, fmt.Sprintf("with %d bytes: %d were to be written", found.Size, size))
	}
	if err := u.compare(ctx, found, cause); err != nil {
		return Object{}, false, err
	}
	done, err = u.timed(ctx, found)
	return done, false, err
}

// compare returns nil if the object, which has the body's size, has its
// content.
func (u *upload) compare(ctx context.Context, found Object, cause error) error {
	want, err := u.c.sum(u.newHash())
	if err != nil {
		return err
	}
	got := found.Sum
	if got == nil {
		if got, err = u.readBack(ctx, u.newHash()); err != nil {
			return fmt.Errorf("%w; whether the file that exists is the same is not known: %w", cause, err)
		}
	}
	if !bytes.Equal(got, want) {
		return u.exists(cause, fmt.Sprintf("with other content of the same size, checksum %x: %x was to be written", got, want))
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
		Err: u.describe(fmt.Errorf("the name is taken, %s: %w", how, cause))}
}
