package tree

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"slices"

	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/backend"
	"github.com/ltxstore/ltxstore/backend/oplog"
	"github.com/ltxstore/ltxstore/internal/flow"
	"github.com/ltxstore/ltxstore/internal/ltxio"
)

// pageSize is how many files' headers are read for one page.
const pageSize = 256

// LTXFiles implements ltxstore.ReplicaClient.
//
// The first Next costs one List of the whole level, because directories are not sorted
// (clause L3), and keeps the properties of each file from seek on in memory.
//
// Without useMetadata, CreatedAt is the modification time, which some stores cannot set,
// and which has whole seconds in most. With it, or if the store does not tell that time,
// the header of each file is read, Options.MetadataConcurrency at a time, a page of 256
// files ahead of the caller. A file that is deleted in the meantime is left out, and one
// with the LTX magic but no valid header ends the listing with ErrChecksum (clause T3).
func (c *Client) LTXFiles(ctx context.Context, level int, seek ltx.TXID, useMetadata bool) (ltx.FileIterator, error) {
	if err := backend.CheckLevel(level); err != nil {
		return nil, c.refuse("list", err)
	}
	r, err := c.init(ctx, "list")
	if err != nil {
		return nil, err
	}
	op := c.log.Start(ctx, oplog.Op{Replica: c.cfg.Type, Name: "list", Level: level, Done: slog.LevelDebug})
	prefix := r.Keys.LevelPrefix(level)
	l := &listing{replica: r, level: level, seek: seek, headers: useMetadata}
	it := backend.NewPageIterator(ctx, l.page, backend.PageOptions{
		Seek:   seek,
		Wrap:   func(err error) error { return r.wrap("list", prefix, flow.Ended(ctx, err)) },
		Logger: c.log.Get(),
	})
	return op.Listing(it), nil
}

// span is the name of a file.
type span struct{ minTXID, maxTXID ltx.TXID }

// listing is one call of LTXFiles.
type listing struct {
	*replica
	level   int
	seek    ltx.TXID
	headers bool

	listed bool
	files  []ltx.FileInfo // in a Tree: files still to be returned
	spans  []span         // on a Disk: files whose properties are not read yet
}

// page is a backend.PageFunc.
func (l *listing) page(ctx context.Context) (files []ltx.FileInfo, more bool, err error) {
	dir, err := l.openDir(ctx, dirOf(l.Keys.LevelPrefix(l.level)), Read)
	if l.is(err, fs.ErrNotExist) {
		return nil, false, nil // never written to, or deleted since the last page
	}
	if err != nil {
		return nil, false, err
	}
	defer dir.Close()
	if !l.listed {
		if err := l.list(ctx, dir); err != nil {
			return nil, false, err
		}
		l.listed = true
	}
	if l.Disk != nil {
		return l.look(ctx, dir)
	}
	next := l.files[:min(pageSize, len(l.files))]
	l.files = l.files[len(next):]
	untimed := func(file ltx.FileInfo) bool { return file.CreatedAt.IsZero() }
	if !l.headers && !slices.ContainsFunc(next, untimed) {
		return next, len(l.files) > 0, nil
	}
	gone := make([]bool, len(next))
	err = flow.All(ctx, len(next), max(l.MetadataConcurrency, 1), func(ctx context.Context, i int) error {
		if next[i].Size == 0 || !l.headers && !untimed(next[i]) {
			return nil // the iterator reports empty files
		}
		err := l.readHeader(ctx, dir, &next[i])
		if gone[i] = l.is(err, fs.ErrNotExist); gone[i] {
			return nil
		}
		return err
	})
	if err != nil {
		return nil, false, err
	}
	for i, file := range next {
		if !gone[i] {
			files = append(files, file)
		}
	}
	return files, len(l.files) > 0, nil
}

// look is page for a Disk, which lists names only.
func (l *listing) look(ctx context.Context, dir Dir) (files []ltx.FileInfo, more bool, err error) {
	next := l.spans[:min(pageSize, len(l.spans))]
	files = make([]ltx.FileInfo, 0, len(next))
	for _, name := range next {
		if err := flow.Err(ctx); err != nil {
			return nil, false, err
		}
		file := ltx.FileInfo{Level: l.level, MinTXID: name.minTXID, MaxTXID: name.maxTXID}
		switch regular, err := l.lookAt(ctx, dir, &file); {
		case l.is(err, fs.ErrNotExist):
		case err != nil:
			return nil, false, err
		case regular:
			files = append(files, file)
		}
	}
	l.spans = l.spans[len(next):]
	return files, len(l.spans) > 0, nil
}

func (l *listing) lookAt(ctx context.Context, dir Dir, file *ltx.FileInfo) (regular bool, err error) {
	_, name := split(l.Keys.File(file.Level, file.MinTXID, file.MaxTXID))
	if l.headers {
		err := l.readHeader(ctx, dir, file)
		if !errors.Is(err, errTorn) {
			return true, err
		} // the iterator reports it
	}
	info, err := dir.Stat(ctx, name)
	if err != nil {
		return false, fmt.Errorf("%s: %w", name, err)
	}
	file.Size, file.CreatedAt = info.Size, info.Modified.UTC()
	return info.Mode.IsRegular(), nil
}

// list reads the level, sorted.
func (l *listing) list(ctx context.Context, dir Dir) error {
	err := l.do(ctx, func(ctx context.Context) error {
		l.files, l.spans = nil, nil
		return dir.List(ctx, func(e Entry) {
			minTXID, maxTXID, ok := backend.ParseFilename(e.Name)
			switch {
			case !ok || minTXID < l.seek:
			case e.Mode == NameOnly:
				l.spans = append(l.spans, span{minTXID, maxTXID})
			case e.Mode.IsRegular():
				l.files = append(l.files, ltx.FileInfo{Level: l.level, MinTXID: minTXID, MaxTXID: maxTXID,
					Size: e.Size, CreatedAt: e.Modified.UTC()})
			}
		})
	})
	if l.is(err, fs.ErrNotExist) {
		return nil // never written to, or deleted
	}
	slices.SortFunc(l.files, func(a, b ltx.FileInfo) int {
		return compareSpans(span{a.MinTXID, a.MaxTXID}, span{b.MinTXID, b.MaxTXID})
	})
	slices.SortFunc(l.spans, compareSpans)
	return err
}

func compareSpans(a, b span) int {
	return cmp.Or(cmp.Compare(a.minTXID, b.minTXID), cmp.Compare(a.maxTXID, b.maxTXID))
}

// readHeader sets a file's time to that of its LTX header, if it has one. On a Disk, it
// also sets the size, and the time of a file without a header.
func (r *replica) readHeader(ctx context.Context, dir Dir, info *ltx.FileInfo) error {
	_, name := split(r.Keys.File(info.Level, info.MinTXID, info.MaxTXID))
	var body io.ReadCloser
	var err error
	if r.Disk != nil {
		var c Content
		c, err = openFile(ctx, dir, name, OpenOptions{Size: ltx.HeaderSize})
		body, info.Size, info.CreatedAt = c.Body, c.Size, c.Modified.UTC()
	} else {
		body, err = r.openIn(ctx, dir, name, 0, ltx.HeaderSize)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	defer body.Close()
	var first [ltx.HeaderSize]byte
	n, err := ltxio.ReadFull(body, first[:])
	if err != nil && err != io.EOF {
		return fmt.Errorf("%s: %w", name, err)
	}
	at, isLTX, err := ltxio.Timestamp(first[:n])
	if err != nil {
		return fmt.Errorf("%s: %w: %w", name, ltxstore.ErrChecksum, err)
	}
	if isLTX {
		info.CreatedAt = at
	}
	return nil
}
