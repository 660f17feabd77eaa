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
	// maxTries limits how often a directory is created again for one write while
	// another client deletes it.
	maxTries = 10

	// answerGrace is how long publishing a file, or removing a temporary, continues
	// after the context has ended. Without the response, a file could appear after
	// its write was reported as failed.
	answerGrace = time.Second
)

// WriteLTXFile implements ltxstore.ReplicaClient. It costs a Create and a Rename, or with
// Options.WriteOnce a Create, a Link and a Remove; on a Disk also a Sync. The first write
// of a level also creates its directory and lists it, for the sweep.
//
// A body of at most 256 KiB is kept in memory, so that writing it can be repeated. A
// larger body can only be repeated if it is seekable.
func (c *Client) WriteLTXFile(ctx context.Context, level int, minTXID, maxTXID ltx.TXID, r io.Reader) (*ltx.FileInfo, error) {
	if err := backend.CheckFile(level, minTXID, maxTXID); err != nil {
		return nil, c.refuse("write", err)
	}
	if r == nil {
		return nil, backend.Invalid(c.cfg.Type, "write", "r", r, "want a body")
	}
	rep, err := c.init(ctx, "write")
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
	body, err := newBody(ctx, src, info.MinTXID, info.MaxTXID, r.Disk == nil)
	if err != nil {
		return final{err}
	}
	defer body.free()
	t := &temp{replica: r, body: body, key: key}
	t.path, t.final = split(key)
	defer t.release(ctx) // even if the body's reader panics
	if err := t.retried(ctx, (*temp).create); err != nil {
		return err
	}
	stored, err := t.publish(ctx)
	if err != nil {
		return flow.Ended(ctx, err)
	}
	t.remove(ctx) // the file exists; if the temporary remains, a sweep removes it
	if err := t.dir.Sync(ctx); err != nil {
		return err
	}
	info.Size, info.CreatedAt = body.read, body.Modified
	if !info.CreatedAt.IsZero() {
		return nil
	}
	if stored.Modified.IsZero() {
		if stored, err = r.stat(ctx, t.dir, t.final); err != nil {
			return t.lost(err)
		}
	}
	if info.CreatedAt = stored.Modified.UTC(); r.Disk == nil {
		info.CreatedAt = info.CreatedAt.Truncate(time.Millisecond)
	}
	return nil
}

// split returns the directory and the name of a key.
func split(key string) (dir, name string) {
	slash := strings.LastIndexByte(key, '/')
	return key[:max(slash, 0)], key[slash+1:]
}

// temp is a file that is being written: a temporary in the same directory.
type temp struct {
	*replica
	body *Body
	key  string

	path  string // of the directory
	dir   Dir    // nil if it is not open
	final string // the file's name
	name  string // the temporary's; empty if there is none
	info  Info

	tries int // how often the directory was missing
	moves int // attempts of the move
}

// retried does a step of the write with retries. On a Disk, that costs no closure.
func (t *temp) retried(ctx context.Context, step func(*temp, context.Context) error) error {
	if t.Disk != nil {
		return step(t, ctx)
	}
	return t.do(ctx, func(ctx context.Context) error { return step(t, ctx) })
}

// create writes the temporary, and creates its directory again if it is deleted in the
// meantime.
func (t *temp) create(ctx context.Context) error {
	for {
		err := t.try(ctx)
		if err == nil {
			return nil
		}
		if once := new(final); errors.As(err, once) || !t.is(err, fs.ErrNotExist) {
			return err
		}
		t.made.Delete(t.path)
		if t.tries++; t.tries >= maxTries {
			return final{deleted(err)}
		}
	}
}

// try writes the temporary once.
func (t *temp) try(ctx context.Context) (err error) {
	if t.dir, err = t.openDir(ctx, t.path, Write); err != nil {
		t.dir = nil
		return err
	}
	if err := t.body.rewind(); err != nil {
		t.release(ctx)
		return final{err}
	}
	t.name = backend.TempName(t.final)
	t.info, err = t.dir.Create(ctx, t.name, t.body)
	if err == nil {
		err = t.check()
	}
	if err == nil {
		return nil
	}
	t.release(ctx)
	if err = t.body.reason(err); !t.body.whole && t.body.read > 0 && t.body.source == nil {
		return final{t.lost(err)}
	}
	return err
}

// check compares the stored size with that of the body.
func (t *temp) check() error {
	if err := flow.Err(t.body.ctx); err != nil {
		return err
	}
	if t.body.read == 0 { // a file that was truncated after its start was read
		t.body.err = fmt.Errorf("body is empty: want an LTX file: %w", fs.ErrInvalid)
		return t.body.err
	}
	if wrong := ltxio.CheckSize(t.body.Size, t.body.read); wrong != nil {
		t.body.err = wrong
		return wrong
	}
	if t.info.Size >= 0 && t.info.Size != t.body.read {
		return fmt.Errorf("store has %d bytes, but %d were written: %w", t.info.Size, t.body.read, ltxstore.ErrUnavailable)
	}
	return nil
}

// publish gives the file its name. It returns the properties of the file that now has it.
func (t *temp) publish(ctx context.Context) (Info, error) {
	for try := 1; ; try++ {
		t.moves = 0
		err := t.retried(ctx, (*temp).move)
		switch {
		case err == nil:
			if !t.WriteOnce || t.Traits.LinkMoves {
				t.name = ""
			}
			return t.info, nil
		case t.is(err, fs.ErrExist) && t.WriteOnce:
			stored, err := t.compare(ctx)
			if t.is(err, fs.ErrNotExist) && try < maxTries {
				continue // it was deleted in the meantime
			}
			return stored, t.lost(err)
		case t.is(err, errors.ErrUnsupported) && t.WriteOnce:
			return Info{}, fmt.Errorf("WriteOnce needs hard links, which the store does not support: %w", err)
		}
		return Info{}, t.lost(err)
	}
}

func (t *temp) move(ctx context.Context) (err error) {
	if err := flow.Err(ctx); err != nil {
		return err
	}
	longer, cancel := t.outlive(ctx)
	defer cancel()
	if t.WriteOnce {
		err = t.dir.Link(longer, t.name, t.final)
	} else {
		err = t.dir.Rename(longer, t.name, t.final)
	}
	if t.moves++; t.moves > 1 && t.is(err, fs.ErrNotExist) && t.moved(ctx) {
		return nil
	}
	return err
}

// moved reports whether a repeated move had been done before its response was lost: the
// temporary is gone, and a file with its size has the name.
func (t *temp) moved(ctx context.Context) bool {
	info, err := t.dir.Stat(ctx, t.final)
	return err == nil && info.Mode.IsRegular() && info.Size == t.body.read
}

// compare returns nil if the existing file equals the body byte for byte, and
// fs.ErrNotExist if it no longer exists.
func (t *temp) compare(ctx context.Context) (Info, error) {
	stored, err := t.stat(ctx, t.dir, t.final)
	switch {
	case err != nil:
		return Info{}, err
	case !stored.Mode.IsRegular():
		return Info{}, fmt.Errorf("name is %s: %w", Describe(stored.Mode), fs.ErrExist)
	case stored.Size == 0:
		return Info{}, fmt.Errorf("the file is empty (a torn upload): %w", fs.ErrExist)
	case stored.Size != t.body.read:
		return Info{}, fmt.Errorf("the file exists with %d bytes instead of %d: %w", stored.Size, t.body.read, fs.ErrExist)
	}
	ours, err := t.openIn(ctx, t.dir, t.name, 0, 0)
	if err != nil {
		return Info{}, t.lost(err)
	}
	defer ours.Close()
	theirs, err := t.openIn(ctx, t.dir, t.final, 0, 0)
	if err != nil {
		return Info{}, err
	}
	defer theirs.Close()
	same, err := ltxio.SameContent(ours, theirs)
	switch {
	case err != nil:
		err = fmt.Errorf("compare: %w", err)
	case !same:
		err = fmt.Errorf("the file exists with other content: %w", fs.ErrExist)
	}
	return stored, err
}

// outlive returns a context for a call whose response matters even if ctx ends. A Disk
// needs none, because its calls ignore the context.
func (r *replica) outlive(ctx context.Context) (context.Context, context.CancelFunc) {
	if r.Disk != nil {
		return ctx, func() {}
	}
	return flow.Outlive(ctx, answerGrace)
}

// release removes the temporary, unless it became the file, and closes the directory.
func (t *temp) release(ctx context.Context) {
	t.remove(ctx)
	if t.dir != nil {
		t.dir.Close()
	}
	t.dir = nil
}

func (t *temp) remove(ctx context.Context) {
	if t.name == "" {
		return
	}
	longer, cancel := t.outlive(ctx)
	defer cancel()
	err := t.retried(longer, func(t *temp, ctx context.Context) error { return t.dir.Remove(ctx, t.name) })
	if err != nil && !t.is(err, fs.ErrNotExist) {
		t.log.Get().Warn("ltx temporary file not removed", "replica", t.Type,
			"key", path.Join(t.path, t.name), "error", t.log.Secrets.Error(err))
	}
	t.name = ""
}

// lost returns deleted(err) if err means that a file is missing, and otherwise err.
func (t *temp) lost(err error) error {
	if t.is(err, fs.ErrNotExist) {
		return deleted(err)
	}
	return err
}

// makeDir creates a level's directory, unless it is known to exist, and sweeps it.
func (r *replica) makeDir(ctx context.Context, dir string) error {
	if _, ok := r.made.Load(dir); ok {
		return nil
	}
	if err := r.notBehindLink(ctx, dir); err != nil {
		return err
	}
	if err := r.Tree.MakeDir(ctx, dir); err != nil {
		return err
	}
	if _, swept := r.made.Swap(dir, true); !swept {
		r.sweep(ctx, dir)
	}
	return nil
}
