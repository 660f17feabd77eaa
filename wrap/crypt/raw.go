package crypt

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"

	"filippo.io/age"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/backend"
	"github.com/ltxstore/ltxstore/backend/rangeio"
	"github.com/ltxstore/ltxstore/wrap/internal/layer"
)

var _ backend.RawOpener = (*Client)(nil)

// OpenRaw implements backend.RawOpener. A file of any name that is encrypted with age, as
// Litestream v0.3 wrote its own, is decrypted from its beginning, whatever the range; any
// other is returned as it is.
func (c *Client) OpenRaw(ctx context.Context, name string, offset, size int64) (io.ReadCloser, error) {
	const op = "open raw"
	opened, err := c.Begin(ctx, op, backend.CheckRaw(name, offset, size))
	if err != nil {
		return nil, err
	}
	opener, ok := ltxstore.As[backend.RawOpener](c.Unwrap())
	if !ok {
		return nil, layer.Wrap(c.Unwrap(), op, name, errors.ErrUnsupported)
	}
	rc, err := opener.OpenRaw(ctx, name, 0, 0)
	if err != nil {
		return nil, err
	}
	stored := bufio.NewReader(rc)
	head, err := stored.Peek(len(intro))
	if err == nil && string(head) == intro {
		plain, err := decryptRaw(stored, opened.Format.(*format).identities)
		if err == nil {
			_, err = io.CopyN(io.Discard, plain, offset)
		}
		if err != nil && err != io.EOF {
			rc.Close()
			return nil, layer.Wrap(c.Unwrap(), op, name, err)
		}
		if size > 0 {
			plain = io.LimitReader(plain, size)
		}
		return rangeio.WrapErrors(readCloser{plain, rc}, func(err error) error { return layer.Wrap(c.Unwrap(), op, name, rawDamage(err)) }), nil
	}
	rc.Close()
	if err != nil && err != io.EOF {
		return nil, err
	}
	return opener.OpenRaw(ctx, name, offset, size)
}

type readCloser struct {
	io.Reader
	io.Closer
}

func decryptRaw(r io.Reader, identities []age.Identity) (io.Reader, error) {
	if len(identities) == 0 {
		return nil, errNoIdentities
	}
	plain, err := age.Decrypt(r, identities...)
	if none := new(age.NoIdentityMatchError); errors.As(err, &none) {
		return nil, errNoMatch
	}
	return plain, rawDamage(err)
}

// rawDamage makes of what age says of a file ltxstore.ErrChecksum. Errors of the store are
// *ltxstore.Error.
func rawDamage(err error) error {
	var store *ltxstore.Error
	if err == nil || err == io.EOF || errors.As(err, &store) {
		return err
	}
	return fmt.Errorf("%w: %w", ltxstore.ErrChecksum, err)
}
