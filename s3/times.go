package s3

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/internal/ctxio"
	"github.com/ltxstore/ltxstore/internal/ltxio"
)

// timestampKey is the metadata in which a write leaves the header's timestamp.
const timestampKey = "litestream-timestamp"

// complete fills in what a listing does not tell of files: their timestamps if
// metadata is true, and a size or time that the store has left out. The first
// failure ends it.
func (r *replica) complete(ctx context.Context, files []listed, metadata bool) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var incomplete []*listed
	for i := range files {
		f := &files[i]
		torn := f.sized && f.Size == 0 // the iterator skips it, and needs no time for that
		if !torn && (metadata || !f.sized || f.CreatedAt.IsZero()) {
			incomplete = append(incomplete, f)
		}
	}
	var once sync.Once
	var failure error
	each(len(incomplete), r.cfg.MetadataConcurrency, func(i int) {
		f := incomplete[i]
		err := ctxio.Err(ctx)
		if err == nil {
			err = r.look(ctx, f, metadata)
		}
		switch {
		case err == nil:
		case isMissing(err):
			f.gone = true
		default:
			once.Do(func() { failure = fmt.Errorf("%s: %w", f.key, err) })
			cancel()
		}
	})
	return failure
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
		if at, ok := timestamp(now.metadata); ok {
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

// timestamp reads the timestamp from an object's metadata, whose names some
// stores write in their own case.
func timestamp(metadata map[string]string) (time.Time, bool) {
	for name, value := range metadata {
		if !strings.EqualFold(name, timestampKey) {
			continue
		}
		at, err := time.Parse(time.RFC3339Nano, strings.TrimSpace(value))
		if err == nil && !at.IsZero() {
			return at.UTC().Truncate(time.Millisecond), true
		}
	}
	return time.Time{}, false
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
