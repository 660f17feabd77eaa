package object

import (
	"context"
	"io"
	"log/slog"
	"path"
	"strings"

	"github.com/ltxstore/ltxstore/backend"
	"github.com/ltxstore/ltxstore/backend/rangeio"
	"github.com/ltxstore/ltxstore/internal/flow"
)

const (
	opListRaw = "list raw"
	opOpenRaw = "open raw"
)

// ListRaw implements backend.RawLister. It costs one request for each page.
func (c *Client) ListRaw(ctx context.Context, dir string, visit func(backend.RawFile) error) error {
	if err := backend.CheckRawDir(dir); err != nil {
		return c.refuse(opListRaw, err)
	}
	r, err := c.init(ctx)
	if err != nil {
		return err
	}
	op := r.start(ctx, opListRaw, slog.LevelDebug)
	prefix := r.Keys.Prefix()
	if dir != "." {
		prefix += dir + "/"
	}
	var refused error
	err = r.eachRaw(ctx, prefix, func(f backend.RawFile) error {
		refused = visit(f)
		return refused
	})
	if refused == nil {
		err = r.wrap(opListRaw, prefix, flow.Ended(ctx, err))
	}
	op.End(err)
	return err
}

func (r *replica) eachRaw(ctx context.Context, prefix string, visit func(backend.RawFile) error) error {
	pager := pager{replica: r, opts: ListOptions{Prefix: prefix, Limit: r.PageSize, Metadata: true}}
	for {
		page, err := pager.next(ctx)
		if err != nil {
			return err
		}
		for _, deeper := range page.Prefixes {
			if err := visit(backend.RawFile{Name: path.Base(deeper), Folder: true}); err != nil {
				return err
			}
		}
		for _, o := range page.Objects {
			name, ok := strings.CutPrefix(o.Key, prefix)
			if !ok || name == "" || strings.Contains(name, "/") {
				continue // such as the folder's own marker
			}
			f := backend.RawFile{Name: name, Size: o.Size, Modified: o.Modified.UTC()}
			if o.Size < 0 || o.Modified.IsZero() {
				now, err := r.head(ctx, o.Key, "")
				if err != nil {
					return err
				}
				f.Size, f.Modified = now.Size, now.Modified.UTC()
			}
			if err := visit(f); err != nil {
				return err
			}
		}
		if page.Next == "" {
			return nil
		}
	}
}

// OpenRaw implements backend.RawOpener. It costs what OpenLTXFile does.
func (c *Client) OpenRaw(ctx context.Context, name string, offset, size int64) (io.ReadCloser, error) {
	if err := backend.CheckRaw(name, offset, size); err != nil {
		return nil, c.refuse(opOpenRaw, err)
	}
	r, err := c.init(ctx)
	if err != nil {
		return nil, err
	}
	op := r.start(ctx, opOpenRaw, slog.LevelDebug)
	key := r.Keys.Prefix() + name
	body, err := r.open(ctx, key, offset, size)
	err = r.wrap(opOpenRaw, key, flow.Ended(ctx, err))
	op.End(err)
	if err != nil {
		return nil, err
	}
	return rangeio.WrapErrors(body, func(err error) error { return r.wrap("read", key, err) }), nil
}
