package file

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path"
	"sync/atomic"

	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore/backend"
	"github.com/ltxstore/ltxstore/backend/oplog"
	"github.com/ltxstore/ltxstore/backend/rangeio"
	"github.com/ltxstore/ltxstore/internal/flow"
)

// OpenLTXFile implements ltxstore.ReplicaClient. The reader stays on the file
// that was opened, also if it is rewritten or deleted meanwhile (clause O3). It
// is an io.WriterTo: io.Copy to a file or a socket lets the kernel copy, where
// it can. A Read that waits for the disk cannot be interrupted.
//
// What LTXFiles does not list is fs.ErrNotExist: a zero-byte file (a torn
// upload), a directory, a symbolic link.
func (c *ReplicaClient) OpenLTXFile(ctx context.Context, level int, minTXID, maxTXID ltx.TXID, offset, size int64) (io.ReadCloser, error) {
	if err := backend.CheckFile(level, minTXID, maxTXID); err != nil {
		return nil, wrap("open", "", err)
	}
	if err := rangeio.Check(offset, size); err != nil {
		return nil, wrap("open", "", err)
	}
	rep, err := c.init(ctx, "open")
	if err != nil {
		return nil, err
	}
	op := c.log.Start(ctx, oplog.Op{Replica: typeName, Name: "open",
		Level: level, MinTXID: minTXID, MaxTXID: maxTXID, Done: slog.LevelDebug})
	key := rep.keys.File(level, minTXID, maxTXID)

	r, err := rep.open(ctx, level, key, offset, size)
	op.End(err)
	if err != nil {
		return nil, err
	}
	return r, nil
}

func (r *replica) open(ctx context.Context, level int, key string, offset, size int64) (*reader, error) {
	dir, err := r.dirs.acquire(level)
	if err != nil {
		return nil, wrap("open", key, err)
	}
	defer r.dirs.release(dir)
	return r.openIn(ctx, dir.root, "open", key, offset, size)
}

// openIn opens the file of that key in its directory.
func (r *replica) openIn(ctx context.Context, dir *os.Root, op, key string, offset, size int64) (*reader, error) {
	file, info, err := openRegular(r.fsys, dir, path.Base(key))
	if err != nil {
		return nil, wrap(op, key, err)
	}
	start, n := rangeio.Clamp(offset, size, info.Size())
	if start > 0 {
		if _, err := file.Seek(start, io.SeekStart); err != nil {
			file.Close()
			return nil, wrap(op, key, bare("seek", err))
		}
	}
	return &reader{ctx: ctx, file: file, key: key, left: n}, nil
}

// openRegular opens a file for reading. It looks before it opens: a link is not
// followed, and a device not touched.
func openRegular(fsys fsys, dir *os.Root, name string) (*os.File, fs.FileInfo, error) {
	seen, err := fsys.lstat(dir, name)
	if err != nil {
		return nil, nil, bare("stat", err)
	}
	return openSeen(fsys, dir, name, seen)
}

// openSeen opens the file that was seen, or another regular one that has taken
// its place since. It compares the two, because os.Root follows a link within
// the root; a file system on which nothing has a lasting identity is believed
// in the end.
func openSeen(fsys fsys, dir *os.Root, name string, seen fs.FileInfo) (*os.File, fs.FileInfo, error) {
	for try := 1; ; try++ {
		if err := wantFile(seen); err != nil {
			return nil, nil, err
		}
		file, info, err := openStat(fsys, dir, name)
		if err == nil && (os.SameFile(seen, info) || try == maxTries) {
			if err := wantFile(info); err != nil {
				file.Close()
				return nil, nil, err
			}
			return file, info, nil
		}
		if err == nil {
			file.Close()
		}
		now, lookErr := fsys.lstat(dir, name)
		switch {
		case err != nil && (lookErr != nil || os.SameFile(seen, now) || try == maxTries):
			return nil, nil, err
		case lookErr != nil:
			return nil, nil, bare("stat", lookErr)
		}
		seen = now
	}
}

func openStat(fsys fsys, dir *os.Root, name string) (*os.File, fs.FileInfo, error) {
	file, err := fsys.open(dir, name)
	if err != nil {
		return nil, nil, bare("open", err)
	}
	info, err := file.Stat()
	if err != nil {
		file.Close()
		return nil, nil, bare("stat", err)
	}
	return file, info, nil
}

// wantFile returns an error unless LTXFiles would list the file.
func wantFile(info fs.FileInfo) error {
	switch {
	case !info.Mode().IsRegular():
		return stranger("the name is " + describe(info.Mode()) + "'s")
	case info.Size() == 0:
		return stranger("the file is empty, a torn upload")
	}
	return nil
}

// stranger says why what has an LTX file's name is none. It is a missing file.
type stranger string

func (s stranger) Error() string { return string(s) }

func (stranger) Unwrap() error { return fs.ErrNotExist }

// reader yields a range of a file.
type reader struct {
	ctx    context.Context
	file   *os.File
	key    string
	left   int64 // what the range still has
	closed atomic.Bool
}

// Read implements io.Reader.
func (r *reader) Read(p []byte) (int, error) {
	if err := r.usable(); err != nil {
		return 0, err
	}
	if r.left == 0 {
		return 0, io.EOF
	}
	if int64(len(p)) > r.left {
		p = p[:r.left]
	}
	n, err := r.file.Read(p)
	r.left -= int64(n)
	if err == io.EOF {
		return n, r.short()
	}
	if err != nil {
		return n, wrap("read", r.key, bare("read", err))
	}
	return n, nil
}

// WriteTo implements io.WriterTo. The context is looked at every 16 MiB, or
// before each read where w cannot take a file from the kernel.
func (r *reader) WriteTo(w io.Writer) (total int64, err error) {
	to, ok := w.(io.ReaderFrom)
	if !ok {
		buf := buffers.Get().(*[bufferSize]byte)
		defer buffers.Put(buf)
		return io.CopyBuffer(w, onlyReader{r}, buf[:])
	}
	if err := r.usable(); err != nil {
		return 0, err
	}
	for r.left > 0 {
		if err := r.usable(); err != nil {
			return total, err
		}
		chunk := io.LimitedReader{R: r.file, N: min(copyChunk, r.left)}
		want := chunk.N
		n, err := to.ReadFrom(&chunk)
		total += n
		r.left -= want - chunk.N
		if err != nil {
			return total, wrap("read", r.key, fmt.Errorf("copy: %w", err))
		}
		if chunk.N > 0 {
			return total, r.short()
		}
	}
	return total, nil
}

// Close implements io.Closer. It returns nil, and may be called again.
func (r *reader) Close() error {
	if !r.closed.Swap(true) {
		r.file.Close() // nothing was written: nothing can be lost
	}
	return nil
}

func (r *reader) usable() error {
	if r.closed.Load() {
		return wrap("read", r.key, fs.ErrClosed)
	}
	if err := flow.Err(r.ctx); err != nil {
		return wrap("read", r.key, err)
	}
	return nil
}

// short is the error of a file that was truncated after it was opened.
func (r *reader) short() error {
	return wrap("read", r.key, fmt.Errorf("file ends %d bytes before the end that it had: %w", r.left, io.ErrUnexpectedEOF))
}

// onlyReader hides WriteTo from io.CopyBuffer.
type onlyReader struct{ io.Reader }
