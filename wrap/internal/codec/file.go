// Package codec has what wrappers share that store files in another form than the caller's: a
// [Client] over a [Format], which writes bodies, lists their original sizes and times, and
// remembers what is known of files. See package
// [github.com/ltxstore/ltxstore/wrap/internal/layer] for what all wrappers share.
package codec

import (
	"context"
	"fmt"
	"io"
	"io/fs"

	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/internal/ltxio"
	"github.com/ltxstore/ltxstore/wrap/internal/layer"
)

// Corrupt returns an error of kind ltxstore.ErrChecksum.
func Corrupt(format string, args ...any) error {
	return fmt.Errorf("%w: %w", ltxstore.ErrChecksum, fmt.Errorf(format, args...))
}

// ErrEmpty is the error of opening a file without content, which counts as missing and is
// not listed (clauses O2 and L4).
var ErrEmpty = fmt.Errorf("the file is empty: %w", fs.ErrNotExist)

// Stat returns a file as the store lists it, by a listing that starts at its first
// transaction. It fails with fs.ErrNotExist if the file is missing.
func Stat(ctx context.Context, next layer.Next, f layer.File) (info ltx.FileInfo, err error) {
	files, err := next.List(ctx, f.Level, f.MinTXID, false)
	if err != nil {
		return ltx.FileInfo{}, err
	}
	defer func() {
		if closeErr := files.Close(); err == nil && closeErr != nil {
			err = closeErr
		}
	}()
	for files.Next() {
		switch item := files.Item(); {
		case layer.FileOf(item) == f:
			return *item, nil
		case item.MinTXID > f.MinTXID:
			return ltx.FileInfo{}, errGone
		}
	}
	if err := files.Err(); err != nil {
		return ltx.FileInfo{}, err
	}
	return ltx.FileInfo{}, errGone
}

var errGone = fmt.Errorf("the file is not listed: %w", fs.ErrNotExist)

// Read returns size bytes from offset of a stored file, or fewer if the file ends before.
func Read(ctx context.Context, next layer.Next, f layer.File, offset, size int64) (b []byte, err error) {
	rc, err := next.Open(ctx, f, offset, size)
	if err != nil {
		return nil, err
	}
	defer rc.Close()
	b = make([]byte, size)
	n, err := ltxio.ReadFull(rc, b)
	if err != nil && err != io.EOF {
		return nil, err
	}
	return b[:n], nil
}
