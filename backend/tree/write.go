package tree

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"path"
	"strings"
	"time"

	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/backend"
	"github.com/ltxstore/ltxstore/backend/oplog"
	"github.com/ltxstore/ltxstore/internal/flow"
	"github.com/ltxstore/ltxstore/internal/ltxio"
)

const (
	// maxTries bounds how often a directory is made anew for one write while
	// another client deletes it.
	maxTries = 10

	// answerGrace is how long a publication, or the removal of a temporary,
	// goes on when the caller has given up: without its answer a file would
	// appear after its write was reported as failed.
	answerGrace = time.Second
)

// WriteLTXFile implements ltxstore.ReplicaClient. It costs a Create and a
// Rename, or a Link and a Remove with Store.WriteOnce. The first write of a
// level also makes its directory and lists it, for the sweep.
//
// A body of at most 256 KiB is kept in memory, and written again where that may
// help; so is a larger one that can be sought back. Another is written once.
func (c *Client) WriteLTXFile(ctx context.Context, level int, minTXID, maxTXID ltx.TXID, r io.Reader) (*ltx.FileInfo, error) {
	if err := backend.CheckFile(level, minTXID, maxTXID); err != nil {
		return nil, c.refuse("write", err)
	}
	if r == nil {
		return nil, backend.Invalid(c.cfg.Type, "write", "r", r, "want a body")
	}
	rep, err := c.init(ctx)
	if err != nil {
		return nil, err
	}
	op := c.log.Start(ctx, oplog.Op{Replica: c.cfg.Type, Name: "write",
		Level: level, MinTXID: minTXID, MaxTXID: maxTXID, Done: slog.LevelInfo})
	key := rep.Keys.File(level, minTXID, maxTXID)
	info := &ltx.FileInfo{Level: level, MinTXID: minTXID, MaxTXID: maxTXID}
	if err := rep.wrap("write", key, rep.write(ctx, key, info, r)); err != nil {
		op.End(err)
		return nil, err
	}
	op.End(nil, slog.Int64("size", info.Size))
	return info, nil
}

// write stores src and completes info.
func (r *replica) write(ctx context.Context, key string, info *ltx.FileInfo, src io.Reader) error {
	body, err := newBody(ctx, src, info.MinTXID, info.MaxTXID)
	if err != nil {
		return final{err}
	}
	defer body.free()
	t := &temp{replica: r, body: body, key: key, dir: path.Dir(key)}
	defer func() { t.release(ctx) }() // also when the body's reader panics
	if err := t.create(ctx); err != nil {
		return err
	}
	stored, err := t.publish(ctx)
	if err != nil {
		return flow.Ended(ctx, err)
	}
	info.Size, info.CreatedAt = body.read, body.Modified
	if info.CreatedAt.IsZero() && stored.Modified.IsZero() {
		if stored, err = r.stat(ctx, key); err != nil {
			return t.lost(err)
		}
	}
	if info.CreatedAt.IsZero() {
		info.CreatedAt = stored.Modified.UTC().Truncate(time.Millisecond)
	}
	return nil
}

// temp is a file on its way: a temporary beside the name it will have.
type temp struct {
	*replica
	body     *Body
	key, dir string
	name     string // the temporary's path; empty if there is none
	info     Info
}

// create writes the temporary.
func (t *temp) create(ctx context.Context) error {
	again := 0
	return t.do(ctx, func(ctx context.Context) error {
		for {
			err := t.makeDir(ctx, t.dir)
			if err == nil {
				err = t.try(ctx)
			}
			var once final
			switch {
			case err == nil, errors.As(err, &once):
				return err
			case !t.is(err, fs.ErrNotExist):
				return err
			}
			t.made.Delete(t.dir)
			if again++; again >= maxTries {
				return final{deleted(err)}
			}
		}
	})
}

// try writes the temporary once.
func (t *temp) try(ctx context.Context) (err error) {
	t.body.rewind() // whether it can was seen when the last try failed
	t.name = path.Join(t.dir, backend.TempName(path.Base(t.key)))
	t.info, err = t.Tree.Create(ctx, t.name, t.body)
	if err == nil {
		err = t.check()
	}
	if err == nil {
		return nil
	}
	t.release(ctx)
	if err = t.body.reason(err); !t.body.whole && t.body.read > 0 && t.body.source == nil {
		if t.is(err, fs.ErrNotExist) {
			err = deleted(err)
		}
		return final{err}
	}
	return err
}

// check compares what was stored with what was read.
func (t *temp) check() error {
	if err := flow.Err(t.body.ctx); err != nil {
		return err
	}
	if t.body.read == 0 { // a file that was truncated after its first bytes were looked at
		t.body.err = fmt.Errorf("body is empty: want an LTX file: %w", fs.ErrInvalid)
		return t.body.err
	}
	if wrong := ltxio.CheckSize(t.body.Size, t.body.read); wrong != nil {
		t.body.err = wrong
		return wrong
	}
	if t.info.Size >= 0 && t.info.Size != t.body.read {
		return fmt.Errorf("store has %d bytes after %d were written: %w", t.info.Size, t.body.read, ltxstore.ErrUnavailable)
	}
	return nil
}

// publish gives the file its name. The result is what is known of the file
// that has it now.
func (t *temp) publish(ctx context.Context) (Info, error) {
	move := t.Tree.Rename
	if t.WriteOnce {
		move = t.Tree.Link
	}
	tries := 0
	err := t.do(ctx, func(ctx context.Context) error {
		if err := flow.Err(ctx); err != nil {
			return err
		}
		longer, cancel := flow.Outlive(ctx, answerGrace)
		defer cancel()
		err := move(longer, t.name, t.key)
		if tries++; tries > 1 && t.is(err, fs.ErrNotExist) && t.moved(ctx) {
			return nil
		}
		return err
	})
	switch {
	case err == nil:
		if !t.WriteOnce || t.Traits.LinkMoves {
			t.name = ""
		}
		return t.info, nil
	case t.is(err, fs.ErrExist) && t.WriteOnce:
		return t.compare(ctx)
	case t.is(err, errors.ErrUnsupported) && t.WriteOnce:
		return Info{}, fmt.Errorf("WriteOnce needs hard links, which the server refuses: %w", err)
	}
	return Info{}, t.lost(err)
}

// moved reports whether a move that was repeated had been done before its
// answer was lost: the temporary is gone, and the name has a file of its size.
func (t *temp) moved(ctx context.Context) bool {
	info, err := t.Tree.Stat(ctx, t.key)
	return err == nil && info.Mode.IsRegular() && info.Size == t.body.read
}

// compare returns nil if the file that has the name is byte for byte ours.
func (t *temp) compare(ctx context.Context) (Info, error) {
	stored, err := t.stat(ctx, t.key)
	switch {
	case err != nil:
		return Info{}, t.lost(err)
	case !stored.Mode.IsRegular():
		return Info{}, fmt.Errorf("the name is not a file's: %w", fs.ErrExist)
	case stored.Size != t.body.read:
		return Info{}, fmt.Errorf("the file has %d bytes, and %d are being written: %w", stored.Size, t.body.read, fs.ErrExist)
	}
	ours, err := t.open(ctx, t.name, 0, 0)
	if err != nil {
		return Info{}, t.lost(err)
	}
	defer ours.Close()
	theirs, err := t.open(ctx, t.key, 0, 0)
	if err != nil {
		return Info{}, t.lost(err)
	}
	defer theirs.Close()
	same, err := ltxio.SameContent(ours, theirs)
	switch {
	case err != nil:
		err = fmt.Errorf("compare: %w", err)
	case !same:
		err = fmt.Errorf("the file has other content: %w", fs.ErrExist)
	}
	return stored, err
}

// release removes the temporary, unless it has become the file.
func (t *temp) release(ctx context.Context) {
	if t.name == "" {
		return
	}
	name := t.name
	t.name = ""
	longer, cancel := flow.Outlive(ctx, answerGrace)
	defer cancel()
	err := t.do(longer, func(ctx context.Context) error { return t.Tree.Remove(ctx, name) })
	if err != nil && !t.is(err, fs.ErrNotExist) {
		t.log.Get().Warn("ltx temporary file cannot be removed", "replica", t.Type, "key", name, "error", t.log.Secrets.Error(err))
	}
}

// lost is err, but for a file that is no longer there.
func (t *temp) lost(err error) error {
	if t.is(err, fs.ErrNotExist) {
		return deleted(err)
	}
	return err
}

// makeDir makes a level's directory, if it is not known to be there, and
// sweeps it.
func (r *replica) makeDir(ctx context.Context, dir string) error {
	if _, ok := r.made.Load(dir); ok {
		return nil
	}
	if err := r.Tree.MakeDir(ctx, strings.TrimPrefix(dir, ".")); err != nil {
		return err
	}
	if _, swept := r.made.Swap(dir, true); !swept {
		r.sweep(ctx, dir)
	}
	return nil
}
