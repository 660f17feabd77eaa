// Package verify looks at an object after it was written.
package verify

import (
	"context"
	"errors"
	"fmt"

	"github.com/ltxstore/ltxstore/internal/retry"
)

var (
	// ErrAbsent means that the object just written is not there. It is no
	// missing file to the caller, who has named one to be written (clause O2).
	ErrAbsent = errors.New("the object is not there after it was written")

	// ErrMismatch means that the object is not what was written.
	ErrMismatch = errors.New("the object is not what was written")
)

// Object is what was written, and how to look at it.
type Object struct {
	// Size is the number of bytes, and Sum their CRC-64.
	Size int64
	Sum  func() (uint64, error)

	// Head returns the stored object's size.
	Head func(ctx context.Context) (int64, error)

	// ReadBack reads the stored object and returns its CRC-64 and size. Nil
	// means that the size alone is looked at.
	ReadBack func(ctx context.Context) (sum uint64, size int64, err error)

	// Missing reports that the error is of an object that is not there.
	Missing func(error) bool
}

// Check looks at the object, and again as the policy has it, because a store
// may show an older state for a while. What is wrong with it is ErrAbsent or
// ErrMismatch; other errors are those of Head and ReadBack, and are not
// repeated here.
func Check(ctx context.Context, policy retry.Policy, o Object) error {
	policy.Retryable = func(err error) bool { return errors.Is(err, ErrAbsent) || errors.Is(err, ErrMismatch) }
	return policy.Do(ctx, func(ctx context.Context) error {
		err := o.look(ctx)
		if err != nil && o.Missing(err) {
			return ErrAbsent
		}
		return err
	})
}

func (o Object) look(ctx context.Context) error {
	size, err := o.Head(ctx)
	switch {
	case err != nil:
		return err
	case size != o.Size:
		return SizeMismatch(size, o.Size)
	case o.ReadBack == nil:
		return nil
	}
	want, err := o.Sum()
	if err != nil {
		return err
	}
	got, size, err := o.ReadBack(ctx)
	switch {
	case err != nil:
		return err
	case size != o.Size:
		return SizeMismatch(size, o.Size)
	case got != want:
		return fmt.Errorf("%w: its CRC-64, read back, is %016x, that of the body was %016x", ErrMismatch, got, want)
	}
	return nil
}

// SizeMismatch is the error of an object of another size than was written.
func SizeMismatch(got, want int64) error {
	return fmt.Errorf("%w: it has %d bytes, %d were written", ErrMismatch, got, want)
}
