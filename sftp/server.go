package sftp

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"hash/crc64"
	"io"
	"io/fs"
	"os"
	"path"
	"sync/atomic"
	"time"

	"github.com/pkg/sftp"
	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore/backend"
	"github.com/ltxstore/ltxstore/backend/rangeio"
	"github.com/ltxstore/ltxstore/backend/tree"
)

// server implements tree.Tree on an SFTP server.
type server struct {
	*connection
	root  string
	links atomic.Bool // whether Link has been tried
}

func (s *server) at(p string) string { return path.Join(s.root, ".", p) }

// infoOf converts the attributes of a file. Create sets the access time to when the
// file was completed, and the other to that of the header. A server without has 0.
func infoOf(info fs.FileInfo) tree.Info {
	i := tree.Info{Mode: info.Mode().Type(), Size: info.Size()}
	if stat := info.Sys().(*sftp.FileStat); stat.Mtime != 0 {
		i.Modified, i.Changed = stat.ModTime(), stat.AccessTime()
	}
	return i
}

func (s *server) List(ctx context.Context, dir string, visit func(tree.Entry)) error {
	return s.call(ctx, func(c *session) error {
		infos, err := c.ReadDirContext(ctx, s.at(dir))
		if err != nil {
			return err
		}
		for _, info := range infos {
			visit(tree.Entry{Name: info.Name(), Info: infoOf(info)})
		}
		return nil
	})
}

func (s *server) Stat(ctx context.Context, p string) (info tree.Info, err error) {
	err = s.call(ctx, func(c *session) error {
		info, err = c.stat(s.at(p))
		return err
	})
	return info, err
}

func (c *session) stat(p string) (tree.Info, error) {
	info, err := c.Lstat(p)
	if err != nil {
		return tree.Info{}, err
	}
	return infoOf(info), nil
}

func (s *server) Open(ctx context.Context, p string, opts tree.OpenOptions) (content tree.Content, err error) {
	err = s.call(ctx, func(c *session) error {
		// Lstat first: opening a link would follow it, and a pipe would block.
		info, err := c.stat(s.at(p))
		if err != nil {
			return err
		}
		if !info.Mode.IsRegular() {
			return fmt.Errorf("name is not a file: %w", fs.ErrNotExist)
		}
		f, err := c.Open(s.at(p))
		if err != nil {
			return err
		}
		if content, err = c.open(ctx, f, opts); err != nil {
			f.Close()
		}
		return err
	})
	return content, err
}

// open returns the content of an open file, which may have replaced the one that
// Lstat found.
func (c *session) open(ctx context.Context, f *sftp.File, opts tree.OpenOptions) (tree.Content, error) {
	info, err := f.Stat()
	if err != nil {
		return tree.Content{}, err
	}
	content := tree.Content{Info: infoOf(info)}
	if !content.Mode.IsRegular() {
		return tree.Content{}, fmt.Errorf("name is not a file: %w", fs.ErrNotExist)
	}
	start, n := rangeio.Clamp(opts.Offset, opts.Size, content.Size)
	if n > smallRange || opts.Version != "" {
		if content.Version, err = version(f, content.Info); err != nil {
			return tree.Content{}, err
		}
		if opts.Version != "" && opts.Version != content.Version {
			return tree.Content{}, tree.ErrReplaced
		}
	}
	if n > smallRange {
		h := &handle{c, ctx, f}
		content.Body = struct {
			io.Reader
			io.Closer
		}{bufio.NewReaderSize(io.NewSectionReader(h, start, n), int(min(n, chunkSize))), h}
		return content, nil
	}
	small := make([]byte, n)
	if read, err := f.ReadAt(small, start); int64(read) < n {
		return tree.Content{}, err // io.EOF: it was truncated after Stat; a retry finds its new size
	}
	content.Body = io.NopCloser(bytes.NewReader(small))
	return content, f.Close()
}

// version returns a string that distinguishes a file from others of the same name:
// an LTX file has its time in the header and its checksum in the last 16 bytes.
func version(f *sftp.File, info tree.Info) (string, error) {
	sum := crc64.New(crc64.MakeTable(crc64.ECMA))
	tail := int64(ltx.TrailerSize)
	for _, part := range []struct{ at, n int64 }{{0, min(ltx.HeaderSize, info.Size)}, {max(info.Size-tail, 0), min(tail, info.Size)}} {
		if _, err := io.Copy(sum, io.NewSectionReader(f, part.at, part.n)); err != nil {
			return "", err
		}
	}
	return fmt.Sprintf("%d %d %x", info.Size, info.Modified.Unix(), sum.Sum64()), nil
}

// handle is an open file, whose requests end with the context.
type handle struct {
	*session
	ctx  context.Context
	file *sftp.File
}

func (h *handle) ReadAt(p []byte, offset int64) (n int, err error) {
	err = h.run(h.ctx, func() (err error) {
		n, err = h.file.ReadAt(p, offset)
		return err
	})
	return n, err
}

func (h *handle) Write(p []byte) (n int, err error) {
	err = h.run(h.ctx, func() (err error) {
		n, err = h.file.Write(p)
		return err
	})
	return n, err
}

// Close implements io.Closer. It closes the handle even if the context has ended.
func (h *handle) Close() error { return h.finish(h.ctx, h.file.Close) }

func (s *server) Create(ctx context.Context, p string, from *tree.Body) (info tree.Info, err error) {
	c, err := s.get(ctx)
	if err != nil {
		return info, err
	}
	var f *sftp.File
	err = c.run(ctx, func() (err error) {
		f, err = c.OpenFile(s.at(p), os.O_WRONLY|os.O_CREATE|os.O_EXCL)
		return err
	})
	if err != nil {
		return info, err
	}
	if err := c.copy(ctx, f, from); err != nil {
		_ = c.finish(ctx, f.Close)
		return info, err
	}
	err = c.run(ctx, func() error {
		if _, ok := c.HasExtension("fsync@openssh.com"); ok {
			if err := f.Sync(); err != nil {
				return errors.Join(fmt.Errorf("fsync: %w", err), f.Close())
			}
		}
		if err := f.Close(); err != nil {
			return fmt.Errorf("close: %w", err)
		}
		if !from.Modified.IsZero() {
			// The access time tells a sweep that the file is new. Some servers set no times.
			if err := c.Chtimes(s.at(p), time.Now(), from.Modified); err != nil && kindOf(err) != errors.ErrUnsupported {
				return fmt.Errorf("set time: %w", err)
			}
		}
		info, err = c.stat(s.at(p))
		return err
	})
	return info, err
}

// copy writes the body. It reads the caller's reader only in this goroutine, and not
// while waiting for the connection.
func (c *session) copy(ctx context.Context, f *sftp.File, from *tree.Body) error {
	to := bufio.NewWriterSize(&handle{c, ctx, f}, bufferSize(from.Size))
	if _, err := to.ReadFrom(from); err != nil {
		return err
	}
	return to.Flush()
}

// bufferSize returns how much of a body of size bytes, or -1 if unknown, is in memory.
func bufferSize(size int64) int {
	if size < 0 {
		return writeSize
	}
	return int(min(size, writeSize))
}

// Rename implements tree.Tree. A server without the extension can give a file a new
// name, but not replace another.
func (s *server) Rename(ctx context.Context, from, to string) error {
	return s.call(ctx, func(c *session) error {
		err := c.PosixRename(s.at(from), s.at(to))
		if err != nil && kindOf(err) == errors.ErrUnsupported {
			err = c.Client.Rename(s.at(from), s.at(to))
		}
		return err
	})
}

// Link implements tree.Tree. After a failure it checks whether the name exists,
// for which SFTP has no error. Before its first link it checks that the server really
// creates links.
func (s *server) Link(ctx context.Context, from, to string) error {
	return s.call(ctx, func(c *session) error {
		if !s.links.Load() {
			if err := c.tryLink(s.at(from), path.Base(to)); err != nil {
				return err
			}
			s.links.Store(true)
		}
		err := c.Link(s.at(from), s.at(to))
		if err == nil {
			return nil
		}
		switch _, missing := c.Lstat(s.at(to)); {
		case missing == nil:
			err = fmt.Errorf("%w: %w", fs.ErrExist, err)
		case !errors.Is(missing, fs.ErrNotExist):
			err = missing
		}
		return err
	})
}

// tryLink links a temporary file to a new name. Some servers, such as rclone, create
// no link, or rename the file instead: a file would be lost or replaced.
func (c *session) tryLink(name, final string) error {
	probe := path.Join(path.Dir(name), backend.TempName(final))
	if err := c.Link(name, probe); err != nil {
		return err
	}
	if _, err := c.Lstat(name); errors.Is(err, fs.ErrNotExist) {
		return errors.Join(fmt.Errorf("server renames instead of linking: %w", errors.ErrUnsupported), c.PosixRename(probe, name))
	}
	err := c.Remove(probe)
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("server acknowledges a link without creating it: %w", errors.ErrUnsupported)
	}
	return err
}

func (s *server) Remove(ctx context.Context, p string) error {
	return s.call(ctx, func(c *session) error { return c.Remove(s.at(p)) })
}

func (s *server) MakeDir(ctx context.Context, p string) error {
	return s.call(ctx, func(c *session) error { return c.MkdirAll(s.at(p)) })
}

// RemoveDir implements tree.Tree. It first checks that p is a directory, because some
// servers would remove a file or a link.
func (s *server) RemoveDir(ctx context.Context, p string) error {
	return s.call(ctx, func(c *session) error {
		info, err := c.stat(s.at(p))
		switch {
		case err != nil:
			return err
		case !info.Mode.IsDir():
			return fs.ErrNotExist
		}
		err = c.RemoveDirectory(s.at(p))
		if err == nil || errors.Is(err, fs.ErrNotExist) {
			return err
		}
		if names, lookErr := c.ReadDirContext(ctx, s.at(p)); lookErr == nil && len(names) > 0 {
			err = fmt.Errorf("%w: %w", fs.ErrExist, err)
		}
		return err
	})
}
