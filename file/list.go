package file

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"slices"

	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/backend"
	"github.com/ltxstore/ltxstore/backend/oplog"
	"github.com/ltxstore/ltxstore/internal/flow"
	"github.com/ltxstore/ltxstore/internal/ltxio"
)

// pageSize is how many files are looked at for one page.
const pageSize = 256

// LTXFiles implements ltxstore.ReplicaClient.
//
// The first Next reads the names of the whole level, because directories come
// in no order (clause L3), and keeps 16 bytes for each from seek on. Files are
// then looked at a page at a time; one deleted meanwhile is left out.
//
// Without useMetadata CreatedAt is the modification time, which a write sets
// to the header's. With it the header is read, so that a tree copied by a tool
// that does not keep times is listed right. A file that starts with the LTX
// magic and has no valid header ends the listing with ErrChecksum (clause T3).
func (c *ReplicaClient) LTXFiles(ctx context.Context, level int, seek ltx.TXID, useMetadata bool) (ltx.FileIterator, error) {
	if err := backend.CheckLevel(level); err != nil {
		return nil, wrap("list", "", err)
	}
	rep, err := c.init(ctx, "list")
	if err != nil {
		return nil, err
	}
	op := c.log.Start(ctx, oplog.Op{Replica: typeName, Name: "list", Level: level, Done: slog.LevelDebug})
	prefix := rep.keys.LevelPrefix(level)
	l := &listing{r: rep, level: level, prefix: prefix, seek: seek, headers: useMetadata}
	it := backend.NewPageIterator(ctx, l.page, backend.PageOptions{
		Seek:   seek,
		Wrap:   func(err error) error { return wrap("list", prefix, err) },
		Logger: c.log.Get(),
	})
	return op.Listing(it), nil
}

// span is a file's name.
type span struct{ minTXID, maxTXID ltx.TXID }

func compareSpans(a, b span) int {
	return cmp.Or(cmp.Compare(a.minTXID, b.minTXID), cmp.Compare(a.maxTXID, b.maxTXID))
}

// listing is one call of LTXFiles.
type listing struct {
	r       *replica
	level   int
	prefix  string
	seek    ltx.TXID
	headers bool

	named bool   // names has been filled
	names []span // those still to be looked at
}

// page is an backend.PageFunc.
func (l *listing) page(ctx context.Context) (files []ltx.FileInfo, more bool, err error) {
	dir, err := l.r.dirs.acquire(l.level)
	if isGone(err) {
		return nil, false, nil // never written to, or deleted since the last page
	}
	if err != nil {
		return nil, false, err
	}
	defer l.r.dirs.release(dir)

	if !l.named {
		if l.names, err = spans(ctx, l.r.fsys, dir, l.seek); err != nil {
			return nil, false, err
		}
		l.named = true
	}
	next := l.names[:min(pageSize, len(l.names))]
	files = make([]ltx.FileInfo, 0, len(next))
	for _, name := range next {
		if err := flow.Err(ctx); err != nil {
			return nil, false, err
		}
		switch info, err := l.look(dir.root, name); {
		case errors.Is(err, fs.ErrNotExist):
		case err != nil:
			return nil, false, err
		default:
			files = append(files, info)
		}
	}
	l.names = l.names[len(next):]
	return files, len(l.names) > 0, nil
}

// spans returns the names in a level from seek on, sorted.
func spans(ctx context.Context, fsys fsys, dir *levelDir, seek ltx.TXID) ([]span, error) {
	names, err := fsys.openDir(dir.root, ".") // with a position of its own
	if err != nil {
		return nil, bare("open directory", err)
	}
	defer names.Close()
	var found []span
	err = fsys.eachName(ctx, names, func(name string) {
		if minTXID, maxTXID, ok := backend.ParseFilename(name); ok && minTXID >= seek {
			found = append(found, span{minTXID, maxTXID})
		}
	})
	if err != nil {
		return nil, err
	}
	slices.SortFunc(found, compareSpans)
	return found, nil
}

// look returns what a listing says of a file; a stranger is fs.ErrNotExist. A
// zero-byte file is left to the iterator, which logs it.
func (l *listing) look(dir *os.Root, name span) (ltx.FileInfo, error) {
	key := l.r.keys.File(l.level, name.minTXID, name.maxTXID)
	base := key[len(l.prefix):]
	stat, err := l.r.fsys.lstat(dir, base)
	if err != nil {
		return ltx.FileInfo{}, fmt.Errorf("%s: %w", base, bare("stat", err))
	}
	if !stat.Mode().IsRegular() {
		return ltx.FileInfo{}, wantFile(stat)
	}
	info := ltx.FileInfo{Level: l.level, MinTXID: name.minTXID, MaxTXID: name.maxTXID,
		Size: stat.Size(), CreatedAt: stat.ModTime().UTC()}
	if l.headers && info.Size > 0 {
		if err := readHeader(l.r.fsys, dir, base, stat, &info); err != nil {
			return ltx.FileInfo{}, fmt.Errorf("%s: %w", base, err)
		}
	}
	return info, nil
}

// readHeader sets size and time to those of the file that it opens, which may
// be another than was looked at.
func readHeader(fsys fsys, dir *os.Root, name string, seen fs.FileInfo, info *ltx.FileInfo) error {
	file, stat, err := openSeen(fsys, dir, name, seen)
	if err != nil {
		return err
	}
	defer file.Close()
	var first [ltx.HeaderSize]byte
	n, err := file.ReadAt(first[:], 0)
	if err != nil && err != io.EOF {
		return bare("read header", err)
	}
	at, isLTX, err := ltxio.Timestamp(first[:n])
	if err != nil {
		return fmt.Errorf("%w: %w", ltxstore.ErrChecksum, err)
	}
	info.Size, info.CreatedAt = stat.Size(), stat.ModTime().UTC()
	if isLTX {
		info.CreatedAt = at
	}
	return nil
}
