package file

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/ltxstore/ltxstore/backend/rangeio"
	"github.com/ltxstore/ltxstore/backend/tree"
)

// Open implements tree.Dir.
func (dir *openDir) Open(ctx context.Context, name string, opts tree.OpenOptions) (tree.Content, error) {
	file, info, err := openRegular(dir.fsys, dir.root, name)
	if err != nil {
		return tree.Content{}, err
	}
	start, n := rangeio.Clamp(opts.Offset, opts.Size, info.Size())
	if start > 0 {
		if _, err := file.Seek(start, io.SeekStart); err != nil {
			file.Close()
			return tree.Content{}, bare("seek", err)
		}
	}
	return tree.Content{Info: infoOf(info), Body: &reader{ctx: ctx, file: file, dir: dir.name, name: name, left: n}}, nil
}

// openRegular opens a file for reading. It calls lstat first, so that it neither
// follows a link nor opens a device.
func openRegular(fsys fsys, dir *os.Root, name string) (*os.File, fs.FileInfo, error) {
	seen, err := fsys.lstat(dir, name)
	if err != nil {
		return nil, nil, bare("stat", err)
	}
	return openSeen(fsys, dir, name, seen)
}

// openSeen opens the file that was seen, or another regular file that has replaced
// it since. It compares the identities of both, because os.Root follows links within
// the root. On a file system without stable identities they never match, and
// after maxTries the open file is accepted.
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

// wantFile returns an fs.ErrNotExist if something other than a regular file has the
// name of a file.
func wantFile(info fs.FileInfo) error {
	if !info.Mode().IsRegular() {
		return fmt.Errorf("name is %s: %w", tree.Describe(info.Mode()), fs.ErrNotExist)
	}
	return nil
}
