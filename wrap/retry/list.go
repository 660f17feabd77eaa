package retry

import (
	"context"

	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore/backend"
	"github.com/ltxstore/ltxstore/wrap/internal/layer"
)

// List implements layer.Operations.
func (p *replica) List(ctx context.Context, level int, seek ltx.TXID, useMetadata bool) (ltx.FileIterator, error) {
	l := &listing{replica: p, level: level, seek: seek, useMetadata: useMetadata}
	wrap := func(err error) error { return layer.Wrap(p.Next, "list", "", err) }
	return backend.NewPageIterator(ctx, l.page, backend.PageOptions{Seek: seek, Wrap: wrap, Close: l.close}), nil
}

type listing struct {
	*replica
	level       int
	seek        ltx.TXID
	useMetadata bool

	files  ltx.FileIterator // nil if none is open
	last   *ltx.FileInfo    // the last file listed
	size   int              // of the page
	failed error            // after the files of the last page
}

// page is a backend.PageFunc. A page that fails has the files before its failure. The next page
// repeats it, and it counts as the first attempt.
func (l *listing) page(ctx context.Context) (files []ltx.FileInfo, more bool, err error) {
	l.size = layer.NextPage(l.size)
	err = l.policy.Do(ctx, func(context.Context) error {
		err := l.failed
		if l.failed = nil; err == nil {
			files, err = l.list(ctx)
		}
		if len(files) > 0 {
			l.failed, err = err, nil
		}
		return err
	})
	return files, l.failed != nil || len(files) == l.size, err
}

// list returns the files of a page that were not listed before.
func (l *listing) list(ctx context.Context) (files []ltx.FileInfo, err error) {
	if l.files == nil {
		if l.files, err = l.Next.List(ctx, l.level, l.seek, l.useMetadata); err != nil {
			return nil, err
		}
	}
	for len(files) < l.size && l.files.Next() {
		if item := l.files.Item(); l.last == nil || layer.Compare(l.last, item) < 0 {
			files, l.last, l.seek = append(files, *item), item, item.MinTXID
		}
	}
	if err = l.files.Err(); err != nil {
		_ = l.close() // it has failed already
	}
	return files, err
}

func (l *listing) close() error {
	if l.files == nil {
		return nil
	}
	err := l.files.Close()
	l.files = nil
	return err
}
