package tree

import (
	"context"
	"io"
	"io/fs"
	"log/slog"

	"github.com/ltxstore/ltxstore/backend"
	"github.com/ltxstore/ltxstore/backend/rangeio"
	"github.com/ltxstore/ltxstore/internal/flow"
)

const (
	opListRaw = "list raw"
	opOpenRaw = "open raw"
)

// ListRaw implements backend.RawLister. It costs one List, whose names it keeps in memory,
// so that no file is visited twice if the call is repeated. Symbolic links and special
// files are left out.
func (c *Client) ListRaw(ctx context.Context, dir string, visit func(backend.RawFile) error) error {
	if err := backend.CheckRawDir(dir); err != nil {
		return c.refuse(opListRaw, err)
	}
	r, err := c.init(ctx, opListRaw)
	if err != nil {
		return err
	}
	op := r.start(ctx, opListRaw, slog.LevelDebug)
	at := dir
	if at == "." {
		at = ""
	}
	found, err := r.rawFiles(ctx, at)
	err = r.wrap(opListRaw, dir, flow.Ended(ctx, err))
	for i := 0; err == nil && i < len(found); i++ {
		err = visit(found[i])
	}
	op.End(err)
	return err
}

func (r *replica) rawFiles(ctx context.Context, at string) (found []backend.RawFile, err error) {
	err = r.do(ctx, func(ctx context.Context) error {
		found = nil
		dir, err := r.openDir(ctx, at, Scan)
		if err != nil {
			return err
		}
		defer dir.Close()
		entries, err := r.entries(ctx, dir, func(string) bool { return true })
		for _, e := range entries {
			switch {
			case e.Mode.IsDir():
				found = append(found, backend.RawFile{Name: e.Name, Folder: true})
			case e.Mode.IsRegular():
				found = append(found, backend.RawFile{Name: e.Name, Size: e.Size, Modified: e.Modified.UTC()})
			}
		}
		return err
	})
	if r.is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return found, err
}

// OpenRaw implements backend.RawOpener. It costs what OpenLTXFile does.
func (c *Client) OpenRaw(ctx context.Context, name string, offset, size int64) (io.ReadCloser, error) {
	if err := backend.CheckRaw(name, offset, size); err != nil {
		return nil, c.refuse(opOpenRaw, err)
	}
	r, err := c.init(ctx, opOpenRaw)
	if err != nil {
		return nil, err
	}
	op := r.start(ctx, opOpenRaw, slog.LevelDebug)
	body, err := r.open(ctx, name, Scan, offset, size)
	err = r.wrap(opOpenRaw, name, flow.Ended(ctx, err))
	op.End(err)
	if err != nil || r.Disk != nil {
		return body, err
	}
	return rangeio.WrapErrors(body, func(err error) error { return r.wrap("read", name, err) }), nil
}
