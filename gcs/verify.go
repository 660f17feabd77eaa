package gcs

import (
	"context"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/internal/body"
	"github.com/ltxstore/ltxstore/internal/ctxio"
	"github.com/ltxstore/ltxstore/internal/verify"
)

// verify looks at what was written, as Config.Verify wants.
func (u *upload) verify(ctx context.Context, c content) error {
	if u.cfg.Verify == ltxstore.VerifyNone {
		return nil
	}
	o := verify.Object{
		Size: c.size,
		Sum:  c.sum,
		Head: func(ctx context.Context) (int64, error) {
			attrs, err := u.attrs(ctx, u.key)
			if err != nil {
				return 0, err
			}
			return attrs.Size, nil
		},
		Missing: isMissing,
	}
	if u.cfg.Verify == ltxstore.VerifyReadback {
		o.ReadBack = u.readBack
	}
	return verify.Check(ctx, u.policy, o)
}

// readBack reads the object and returns its CRC-64 and size.
func (u *upload) readBack(ctx context.Context) (sum uint64, size int64, err error) {
	content, err := u.open(ctx, u.key, 0, 0)
	if err != nil {
		return 0, 0, err
	}
	defer content.Close()
	return body.CRC64(&ctxio.Reader{Ctx: ctx, R: content})
}
