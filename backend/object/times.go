package object

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"time"

	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/internal/flow"
	"github.com/ltxstore/ltxstore/internal/ltxio"
)

// listed is a file of a page. The time in info is zero until it is known.
type listed struct {
	Object
	info ltx.FileInfo
	gone bool // deleted since it was listed
}

// complete adds what a listing does not contain: the timestamps of files if metadata is
// true, and missing sizes and times. It stops at the first failure.
func (r *replica) complete(ctx context.Context, files []listed, metadata bool) error {
	var incomplete []*listed
	for i := range files {
		f := &files[i]
		if at, ok := ltxio.MetadataTime(f.Metadata); ok {
			f.info.CreatedAt = at
			if f.Size >= 0 {
				continue
			}
		}
		torn := f.Size == 0 // the iterator skips it
		if !torn && (metadata || f.Size < 0 || f.info.CreatedAt.IsZero()) {
			incomplete = append(incomplete, f)
		}
	}
	return flow.All(ctx, len(incomplete), r.MetadataConcurrency, func(ctx context.Context, i int) error {
		f := incomplete[i]
		switch err := r.inquire(ctx, f, metadata); {
		case err == nil:
		case r.is(err, fs.ErrNotExist):
			f.gone = true
		default:
			return fmt.Errorf("%s: %w", f.Key, err)
		}
		return nil
	})
}

// inquire completes one file: from its properties, if these may contain more than the
// listing, and from its header if they do not contain the time.
func (r *replica) inquire(ctx context.Context, f *listed, metadata bool) error {
	_, told := ltxio.MetadataTime(f.Metadata) // which is in info
	if !r.Traits.ListsMetadata || f.Size < 0 {
		now, err := r.head(ctx, f.Key, "")
		if err != nil {
			return err
		}
		f.info.Size = now.Size
		if told {
			return nil
		}
		if !now.Modified.IsZero() {
			f.info.CreatedAt = now.Modified.UTC()
		}
		if at, ok := ltxio.MetadataTime(now.Metadata); ok && metadata {
			f.info.CreatedAt = at
			return nil
		}
	}
	if f.info.Size == 0 || !metadata && !f.info.CreatedAt.IsZero() {
		return nil
	}
	at, isLTX, err := r.headerTime(ctx, f.Key)
	switch {
	case err != nil:
		return err
	case isLTX:
		f.info.CreatedAt = at
	case f.info.CreatedAt.IsZero():
		return fmt.Errorf("store returned no time for a file without an LTX header")
	}
	return nil
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
		err = failed(ltxstore.ErrChecksum, "%w", err)
	}
	return at, isLTX, err
}
