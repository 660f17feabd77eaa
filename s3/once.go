package s3

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/internal/scrub"
	"github.com/ltxstore/ltxstore/internal/verify"
)

// errRaced means that the name was refused and yet is free: another writer has
// failed, or a deletion was under way.
var errRaced = errors.New("another write or a deletion of this name was under way")

// once sends a write and, with WriteOnce, settles what its answer leaves open
// (clause W6). sum returns the body's CRC-64; send returns when the service
// has answered.
//
// Not only a refusal is open. A service that refuses a body before it has read
// it closes the connection, which may reach us as a reset without the answer;
// and a request that the SDK repeats after a lost answer meets the object that
// it has made itself.
func (u *upload) once(ctx context.Context, size int64, sum func() (uint64, error), send func(context.Context) (time.Time, error)) (done stored, err error) {
	if !u.cfg.WriteOnce {
		at, err := send(ctx)
		return stored{size: size, at: at}, err
	}
	policy := u.policy
	policy.Retryable = func(err error) bool { return errors.Is(err, errRaced) }
	err = policy.Do(ctx, func(ctx context.Context) error {
		at, err := send(ctx)
		if err != nil {
			done, err = u.settle(ctx, size, sum, err)
			return err
		}
		done = stored{size: size, at: at}
		return nil
	})
	return done, err
}

// settle finds out whether a conditional write that failed with cause has
// been done, by it or by an earlier write of the same content.
func (u *upload) settle(ctx context.Context, size int64, sum func() (uint64, error), cause error) (stored, error) {
	refused := isPreconditionFailed(cause) || isConflict(cause)
	if ctx.Err() != nil || !refused && !isNoUpload(cause) && !ltxstore.IsRetryable(wrap("write", u.key, cause)) {
		return stored{}, cause
	}
	head, err := u.head(ctx, u.key, "")
	switch {
	case isMissing(err) && refused:
		return stored{}, fmt.Errorf("%w: %w: %w", ltxstore.ErrUnavailable, errRaced, cause)
	case isMissing(err):
		return stored{}, cause
	case err != nil:
		return stored{}, fmt.Errorf("%w; whether the file exists is not known: %w", cause, err)
	case head.size != size:
		return stored{}, u.exists(cause, fmt.Sprintf("with %d bytes: %d were to be written", head.size, size))
	}
	want, err := sum()
	if err != nil {
		return stored{}, err
	}
	switch got, gotSize, err := u.readBack(ctx); {
	case err == nil && gotSize != size:
		return stored{}, fmt.Errorf("%w; whether the file that exists is the same is not known: %w", cause, verify.SizeMismatch(gotSize, size))
	case err != nil:
		return stored{}, fmt.Errorf("%w; whether the file that exists is the same is not known: %w", cause, err)
	case got != want:
		return stored{}, u.exists(cause, fmt.Sprintf("with other content of the same size, CRC-64 %016x: %016x was to be written", got, want))
	}
	return stored{size: size, at: head.modified, earlier: true}, nil
}

func (u *upload) exists(cause error, how string) error {
	return &ltxstore.Error{Op: "write", Backend: backend, Key: u.key, Kind: fs.ErrExist,
		Err: fmt.Errorf("the name is taken, %s: %w", how, scrub.Error(cause))}
}
