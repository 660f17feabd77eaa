package file

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"log/slog"
	"path"

	"github.com/ltxstore/ltxstore/backend"
	"github.com/ltxstore/ltxstore/backend/oplog"
	"github.com/ltxstore/ltxstore/internal/flow"
)

const (
	opListRaw = "list raw"
	opOpenRaw = "open raw"
)

var (
	_ backend.RawLister = (*ReplicaClient)(nil)
	_ backend.RawOpener = (*ReplicaClient)(nil)
)

// ListRaw implements backend.RawLister. It reads the names of the directory, which it
// keeps, and looks at each. Symbolic links and special files are left out.
func (c *ReplicaClient) ListRaw(ctx context.Context, dir string, visit func(backend.RawFile) error) error {
	if err := backend.CheckRawDir(dir); err != nil {
		return wrap(opListRaw, "", err)
	}
	r, err := c.init(ctx, opListRaw)
	if err != nil {
		return err
	}
	op := c.log.Start(ctx, oplog.Op{Replica: typeName, Name: opListRaw, Level: -1, Done: slog.LevelDebug})
	var refused error
	err = r.eachRaw(ctx, dir, func(f backend.RawFile) error {
		refused = visit(f)
		return refused
	})
	if refused == nil {
		err = wrap(opListRaw, dir, err)
	}
	op.End(err)
	return err
}

func (r *replica) eachRaw(ctx context.Context, dir string, visit func(backend.RawFile) error) error {
	opened, err := r.dirs.openRaw(dir)
	if isGone(err) {
		return nil
	}
	if err != nil {
		return err
	}
	defer opened.close()
	var names []string
	err = r.fsys.eachName(ctx, opened.file, func(name string) {
		if name != "." && name != ".." {
			names = append(names, name)
		}
	})
	if err != nil {
		return err
	}
	for _, name := range names {
		if err := flow.Err(ctx); err != nil {
			return err
		}
		f := backend.RawFile{Name: name}
		switch stat, err := r.fsys.lstat(opened.root, name); {
		case errors.Is(err, fs.ErrNotExist):
			continue
		case err != nil:
			return bare("stat", err)
		case stat.IsDir():
			f.Folder = true
		case stat.Mode().IsRegular():
			f.Size, f.Modified = stat.Size(), stat.ModTime().UTC()
		default:
			continue
		}
		if err := visit(f); err != nil {
			return err
		}
	}
	return nil
}

// OpenRaw implements backend.RawOpener. The reader is as OpenLTXFile's.
func (c *ReplicaClient) OpenRaw(ctx context.Context, name string, offset, size int64) (io.ReadCloser, error) {
	if err := backend.CheckRaw(name, offset, size); err != nil {
		return nil, wrap(opOpenRaw, "", err)
	}
	r, err := c.init(ctx, opOpenRaw)
	if err != nil {
		return nil, err
	}
	op := c.log.Start(ctx, oplog.Op{Replica: typeName, Name: opOpenRaw, Level: -1, Done: slog.LevelDebug})
	rc, err := r.openRaw(ctx, name, offset, size)
	op.End(err)
	if err != nil {
		return nil, err
	}
	return rc, nil
}

func (r *replica) openRaw(ctx context.Context, name string, offset, size int64) (*reader, error) {
	dir, err := r.dirs.openRaw(path.Dir(name))
	if err != nil {
		return nil, wrap(opOpenRaw, name, err)
	}
	defer dir.close()
	return r.openIn(ctx, dir.root, opOpenRaw, name, offset, size)
}

// openRaw opens any directory of the replica. The caller closes it.
func (d *dirs) openRaw(name string) (*levelDir, error) {
	root, err := d.openRoot()
	if err != nil {
		return nil, err
	}
	defer root.Close()
	return openDir(d.fsys, root, name)
}

func (dir *levelDir) close() {
	dir.file.Close()
	dir.root.Close()
}
