package gcs

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/internal/bounded"
	"github.com/ltxstore/ltxstore/internal/ltxio"
)

// listed is a file of a page.
type listed struct {
	ltx.FileInfo
	key      string
	metadata map[string]string
	gone     bool // deleted since it was listed
}

// complete sets the files' timestamps: those of their metadata, and if headers
// is true those of the headers where there is none. The first failure ends it.
func (r *replica) complete(ctx context.Context, files []listed, headers bool) error {
	var incomplete []*listed
	for i := range files {
		f := &files[i]
		if at, ok := ltxio.MetadataTime(f.metadata); ok {
			f.CreatedAt = at
		} else if headers && f.Size > 0 || f.CreatedAt.IsZero() {
			incomplete = append(incomplete, f)
		}
	}
	return bounded.All(ctx, len(incomplete), r.cfg.MetadataConcurrency, func(ctx context.Context, i int) error {
		f := incomplete[i]
		at, isLTX, err := r.headerTime(ctx, f.key)
		switch {
		case isMissing(err):
			f.gone = true
		case err != nil:
			return fmt.Errorf("%s: %w", f.key, err)
		case isLTX:
			f.CreatedAt = at
		case f.CreatedAt.IsZero():
			return fmt.Errorf("%s: service tells no time of a file that is no LTX file", f.key)
		}
		return nil
	})
}

// headerTime reads the timestamp from a file's header.
func (r *replica) headerTime(ctx context.Context, key string) (at time.Time, isLTX bool, err error) {
	body, err := r.open(ctx, key, 0, ltx.HeaderSize)
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
