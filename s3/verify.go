package s3

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/ltxstore/ltxstore"
)

// errAbsent means that the object just written is not there. It is no missing
// file to the caller, who has named one to be written (clause O2).
var errAbsent = fmt.Errorf("%w: the object is not there after it was written", ltxstore.ErrUnavailable)

// mismatch is the error of an object that is not what was written.
func mismatch(format string, args ...any) error {
	return fmt.Errorf("%w: %w", ltxstore.ErrChecksum, fmt.Errorf(format, args...))
}

// verify looks at what was written, as Config.Verify wants. It looks again, as
// the retry policy has it, because a store may show an older state for a
// while.
func (u *upload) verify(ctx context.Context, size int64, sum func() (uint64, error)) error {
	if u.cfg.Verify == VerifyNone {
		return nil
	}
	policy := u.policy
	policy.Retryable = func(err error) bool {
		return errors.Is(err, errAbsent) || errors.Is(err, ltxstore.ErrChecksum)
	}
	return policy.Do(ctx, func(ctx context.Context) error {
		head, err := u.head(ctx, u.key, "")
		switch {
		case isMissing(err):
			return errAbsent
		case err != nil:
			return err
		case head.size != size:
			return mismatch("the object has %d bytes: %d were written", head.size, size)
		case u.cfg.Verify != VerifyReadback:
			return nil
		}
		want, err := sum()
		if err != nil {
			return err
		}
		got, err := u.readBack(ctx, size)
		switch {
		case isMissing(err):
			return errAbsent
		case err != nil:
			return err
		case got != want:
			return mismatch("the object's CRC-64, read back, is %016x: %016x was written", got, want)
		}
		return nil
	})
}

// counter counts what is read.
type counter struct {
	r io.Reader
	n int64
}

// Read implements io.Reader.
func (c *counter) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	return n, err
}
