package file

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path"

	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/backend"
	"github.com/ltxstore/ltxstore/backend/oplog"
	"github.com/ltxstore/ltxstore/internal/flow"
	"github.com/ltxstore/ltxstore/internal/ltxio"
)

// maxTries bounds how often a directory is made anew for one write while
// another client deletes it.
const maxTries = 10

// WriteLTXFile implements ltxstore.ReplicaClient. It costs one fsync of the
// file and one of its directory. A regular *os.File is copied by the kernel,
// where it can; any other body passes through 64 KiB of memory.
//
// The file is visible when it is complete and fsynced, by a rename. If only
// the fsync of the directory that comes after it fails, the file is there,
// whole, beside the error: the rename cannot be taken back, because the older
// file is gone, and removing the name could remove another writer's file. It
// may be lost in a power failure. Writing it again is always right.
//
// With Config.WriteOnce a file system without hard links is
// errors.ErrUnsupported. A zero-byte file, a torn upload of another tool, is
// replaced without WriteOnce, and refused like any other with it.
func (c *ReplicaClient) WriteLTXFile(ctx context.Context, level int, minTXID, maxTXID ltx.TXID, r io.Reader) (*ltx.FileInfo, error) {
	if err := backend.CheckFile(level, minTXID, maxTXID); err != nil {
		return nil, wrap("write", "", err)
	}
	rep, err := c.init(ctx, "write")
	if err != nil {
		return nil, err
	}
	op := c.log.Start(ctx, oplog.Op{Replica: typeName, Name: "write",
		Level: level, MinTXID: minTXID, MaxTXID: maxTXID, Done: slog.LevelInfo})
	key := rep.keys.File(level, minTXID, maxTXID)

	info := &ltx.FileInfo{Level: level, MinTXID: minTXID, MaxTXID: maxTXID}
	if err := wrap("write", key, rep.write(ctx, key, info, r)); err != nil {
		op.End(err)
		return nil, err
	}
	op.End(nil, slog.Int64("size", info.Size))
	return info, nil
}

// write stores r and completes info.
func (r *replica) write(ctx context.Context, key string, info *ltx.FileInfo, src io.Reader) error {
	body, err := ltxio.Peek(ctx, src, info.MinTXID, info.MaxTXID)
	if err != nil {
		return err
	}
	temp, err := r.createTemp(ctx, info, path.Base(key))
	if err != nil {
		return err
	}
	defer temp.release() // also when the body's reader panics

	if err := temp.fill(ctx, body); err != nil {
		return err
	}
	if err := flow.Err(ctx); err != nil {
		return err
	}
	return temp.publish(ctx)
}

// temp is a file on its way: a temporary beside the name it will have.
type temp struct {
	r    *replica
	dir  *levelDir
	file *os.File

	info  *ltx.FileInfo
	isLTX bool

	name, final string
	exists      bool // name is on the disk
}

func (r *replica) createTemp(ctx context.Context, info *ltx.FileInfo, final string) (*temp, error) {
	for try := 1; ; try++ {
		if err := flow.Err(ctx); err != nil {
			return nil, err
		}
		dir, err := r.dirs.acquireMade(info.Level)
		if err == nil {
			t := &temp{r: r, dir: dir, info: info, name: backend.TempName(final), final: final, exists: true}
			if t.file, err = r.fsys.create(dir.root, t.name, r.cfg.FileMode); err == nil {
				return t, nil
			}
			err = bare("create temporary", err)
			if isGone(err) {
				r.dirs.drop(dir)
			}
			r.dirs.release(dir)
		}
		switch again := isGone(err) || errors.Is(err, fs.ErrExist); {
		case again && try == maxTries:
			return nil, fmt.Errorf("directory cannot be made, or another client keeps deleting it: %w: %v", ltxstore.ErrUnavailable, err)
		case !again:
			return nil, err
		}
	}
}

// fill writes the body, sets its time and makes both durable.
func (t *temp) fill(ctx context.Context, body *ltxio.Body) (err error) {
	fsys, info := t.r.fsys, t.info
	t.isLTX = body.IsLTX
	if info.Size, err = copyBody(ctx, fsys, t.file, body); err != nil {
		return err
	}
	if info.Size == 0 { // a file that was truncated after its first bytes were looked at
		return fmt.Errorf("body is empty: want an LTX file: %w", fs.ErrInvalid)
	}
	// The time goes in before the fsync, so that no crash and no listing finds
	// the file with another.
	if body.IsLTX {
		info.CreatedAt = body.Time()
		if err := fsys.setTime(t.dir.root, t.name, t.file, info.CreatedAt); err != nil {
			return t.lost("set time", err)
		}
	}
	if err := fsys.sync(t.file); err != nil {
		return bare("fsync", err)
	}
	stat, err := t.file.Stat()
	if err != nil {
		return bare("stat", err)
	}
	if stat.Size() != info.Size {
		return fmt.Errorf("file has %d bytes after %d were written: %w", stat.Size(), info.Size, io.ErrShortWrite)
	}
	if !body.IsLTX {
		info.CreatedAt = stat.ModTime().UTC()
	}
	if err := fsys.close(t.file); err != nil {
		return bare("close", err)
	}
	return nil
}

// publish gives the file its name and makes that durable.
func (t *temp) publish(ctx context.Context) error {
	if t.r.cfg.WriteOnce {
		if err := t.link(ctx); err != nil {
			return err
		}
		// The file is there: a temporary that stays is left to the sweep.
		t.remove()
	} else {
		if err := t.r.fsys.rename(t.dir.root, t.name, t.final); err != nil {
			return t.lost("rename", err)
		}
		t.exists = false
	}
	return syncTolerant(t.r.fsys, t.dir.file)
}

// release removes the temporary, unless it has become the file.
func (t *temp) release() {
	if t.exists {
		t.file.Close() // again, perhaps: Windows removes no open file
		t.remove()
	}
	t.r.dirs.release(t.dir)
}

func (t *temp) remove() {
	t.exists = false
	if err := t.r.fsys.remove(t.dir.root, t.name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.r.log.Get().Warn("ltx temporary file cannot be removed", "replica", typeName,
			"key", t.r.keys.LevelPrefix(t.dir.level)+t.name, "error", bare("remove", err))
	}
}

// lost is bare, but for a temporary that is no longer there.
func (t *temp) lost(doing string, err error) error {
	if err = bare(doing, err); isGone(err) {
		return deleted(err)
	}
	return err
}

// deleted is the error of a write from under which another client has deleted
// the replica. It does not wrap err, which would say that a file is missing
// (clause O2), and it is retryable.
func deleted(err error) error {
	return fmt.Errorf("another client deletes the replica or sweeps its temporary files: %w: %v", ltxstore.ErrUnavailable, err)
}
