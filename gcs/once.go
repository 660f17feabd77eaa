package gcs

import (
	"context"
	"fmt"
	"io/fs"

	"cloud.google.com/go/storage"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/internal/scrub"
)

// settle finds out whether a write that failed with cause has been done, by it
// or, with WriteOnce, by an earlier write of the same content (clause W6). It
// is one request, and none where cause leaves nothing open.
//
// Not only a refusal is open: a request that is repeated after a lost answer
// meets the object that it has made itself, and a chunk that completed an upload
// may find the session gone.
func (u *upload) settle(ctx context.Context, c content, cause error) (*storage.ObjectAttrs, error) {
	refused := isPreconditionFailed(cause)
	open := isSessionGone(cause) || u.cfg.WriteOnce && (refused || retryable(cause) || sessionLost(cause))
	if !open || ctx.Err() != nil {
		return nil, cause
	}
	found, err := u.attrs(ctx, u.key)
	switch {
	case isMissing(err) && refused:
		return nil, fmt.Errorf("%w: another write or a deletion of this name was under way: %w", ltxstore.ErrUnavailable, cause)
	case isMissing(err):
		return nil, cause
	case err == nil && found.Size == c.size && found.CRC32C == c.crc:
		return found, nil
	case !u.cfg.WriteOnce:
		return nil, cause
	case err != nil:
		return nil, fmt.Errorf("%w; whether the file exists is not known: %w", cause, err)
	case found.Size != c.size:
		return nil, u.exists(cause, fmt.Sprintf("with %d bytes: %d were to be written", found.Size, c.size))
	}
	return nil, u.exists(cause, fmt.Sprintf("with other content of the same size, CRC-32C %08x: %08x was to be written", found.CRC32C, c.crc))
}

func (u *upload) exists(cause error, how string) error {
	return &ltxstore.Error{Op: "write", Backend: backend, Key: u.key, Kind: fs.ErrExist,
		Err: fmt.Errorf("the name is taken, %s: %w", how, scrub.Error(cause))}
}
