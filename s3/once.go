package s3

import (
	"context"
	"fmt"
	"io/fs"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/internal/verify"
)

// sender sends the request that makes the object, and returns when the service
// has answered; the zero time if it did not say.
type sender = func(ctx context.Context, opts ...func(*s3.Options)) (time.Time, error)

// once sends a write and, with WriteOnce, settles what its answer leaves open
// (clause W6). sum returns the body's CRC-64.
//
// Not only a refusal is open. A service that refuses a body before it has read
// it closes the connection, which may reach us as a reset without the answer:
// sending the body again would meet the same. So the object is looked at after
// every failure that may hide an answer, and the body is sent again only if
// there is none. The SDK must not repeat such a request: this loop does.
func (u *upload) once(ctx context.Context, size int64, sum func() (uint64, error), send sender) (done stored, err error) {
	if !u.cfg.WriteOnce {
		at, err := send(ctx)
		return stored{size: size, at: at}, err
	}
	var failure error // that nothing is left to try after
	policy := u.policy
	policy.Retryable = func(error) bool { return true }
	err = policy.Do(ctx, func(ctx context.Context) error {
		at, err := send(ctx, unrepeated)
		if err == nil {
			done, failure = stored{size: size, at: at}, nil
			return nil
		}
		again := false
		if done, again, failure = u.settle(ctx, size, sum, err); again {
			return retryAfter(failure, time.Now())
		}
		return nil
	})
	if err == nil {
		err = failure
	}
	return done, err
}

// settle finds out whether a conditional write that failed with cause has
// been done, by it or by an earlier write of the same content. If not, again
// says that the write may be sent once more.
func (u *upload) settle(ctx context.Context, size int64, sum func() (uint64, error), cause error) (done stored, again bool, err error) {
	refused := isPreconditionFailed(cause) || isConflict(cause)
	gone := isNoUpload(cause)
	switch {
	case ctx.Err() != nil, !refused && !gone && !u.policy.Retryable(cause):
		return stored{}, false, cause
	case kindOf(cause) == ltxstore.ErrThrottled: // nothing was done
		return stored{}, true, cause
	}
	var opts []func(*s3.Options)
	if !refused && !gone {
		opts = append(opts, unrepeated) // the next attempt looks again
	}
	head, err := u.head(ctx, u.key, "", opts...)
	switch {
	case isMissing(err) && refused:
		return stored{}, true, fmt.Errorf("%w: another write or a deletion of this name was under way: %w", ltxstore.ErrUnavailable, cause)
	case isMissing(err):
		return stored{}, !gone, cause
	case err != nil:
		// To send it again under its condition does no harm.
		return stored{}, !refused && !gone, fmt.Errorf("%w; whether the file exists is not known: %w", cause, err)
	case head.size != size:
		return stored{}, false, u.exists(cause, fmt.Sprintf("with %d bytes: %d were to be written", head.size, size))
	}
	if err := u.compare(ctx, size, sum, cause); err != nil {
		return stored{}, false, err
	}
	return stored{size: size, at: head.modified, earlier: true}, false, nil
}

// compare returns nil if the object, which has the body's size, has its content.
func (u *upload) compare(ctx context.Context, size int64, sum func() (uint64, error), cause error) error {
	want, err := sum()
	if err != nil {
		return err
	}
	got, gotSize, err := u.readBack(ctx)
	if err == nil && gotSize != size {
		err = verify.SizeMismatch(gotSize, size)
	}
	switch {
	case err != nil:
		return fmt.Errorf("%w; whether the file that exists is the same is not known: %w", cause, err)
	case got != want:
		return u.exists(cause, fmt.Sprintf("with other content of the same size, CRC-64 %016x: %016x was to be written", got, want))
	}
	return nil
}

func (u *upload) exists(cause error, how string) error {
	return &ltxstore.Error{Op: "write", Backend: backend, Key: u.key, Kind: fs.ErrExist,
		Err: u.cfg.place(&u.log.Secrets).describe(fmt.Errorf("the name is taken, %s: %w", how, cause))}
}
