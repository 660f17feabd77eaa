package s3

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/internal/bounded"
	"github.com/ltxstore/ltxstore/internal/ltxio"
)

// complete fills in what a listing does not tell of files: their timestamps if
// metadata is true, and a size or time that the store has left out. The first
// failure ends it.
func (r *replica) complete(ctx context.Context, files []listed, metadata bool) error {
	var incomplete []*listed
	for i := range files {
		f := &files[i]
		torn := f.sized && f.Size == 0 // the iterator skips it, and needs no time for that
		if !torn && (metadata || !f.sized || f.CreatedAt.IsZero()) {
			incomplete = append(incomplete, f)
		}
	}
	return bounded.All(ctx, len(incomplete), r.cfg.MetadataConcurrency, func(ctx context.Context, i int) error {
		f := incomplete[i]
		switch err := r.look(ctx, f, metadata); {
		case err == nil:
		case isMissing(err):
			f.gone = true
		default:
			return fmt.Errorf("%s: %w", f.key, err)
		}
		return nil
	})
}

// look completes one file: a HEAD, and a GET if that does not tell the time.
func (r *replica) look(ctx context.Context, f *listed, metadata bool) error {
	now, err := r.head(ctx, f.key, "")
	if err != nil {
		return err
	}
	f.Size, f.sized = now.size, true
	if !now.modified.IsZero() {
		f.CreatedAt = now.modified
	}
	if f.Size == 0 {
		return nil
	}
	if metadata {
		if at, ok := ltxio.MetadataTime(now.metadata); ok {
			f.CreatedAt = at
			return nil
		}
	}
	if !metadata && !f.CreatedAt.IsZero() {
		return nil
	}
	at, isLTX, err := r.headerTime(ctx, f.key)
	switch {
	case err != nil:
		return err
	case isLTX:
		f.CreatedAt = at
	case f.CreatedAt.IsZero():
		return errors.New("store tells no time of a file that is no LTX file: want a Last-Modified")
	}
	return nil
}

// headerTime reads the timestamp from a file's header.
func (r *replica) headerTime(ctx context.Context, key string) (at time.Time, isLTX bool, err error) {
	body, err := r.openRange(ctx, key, 0, ltx.HeaderSize)
	if err != nil {
		return time.Time{}, false, err
	}
	defer body.Close()
	first, err := io.ReadAll(body)
	if err != nil {
		return time.Time{}, false, err
	}
	if at, isLTX, err = ltxio.Timestamp(first); err != nil {
		err = fmt.Errorf("%w: %w", ltxstore.ErrChecksum, err)
	}
	return at, isLTX, err
}
