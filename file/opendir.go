package file

import (
	"os"
	"path/filepath"
	"strings"

	"github.com/ltxstore/ltxstore/backend/tree"
)

// maxTries is how often to open a file or directory that is being replaced.
const maxTries = 10

// openAt opens the directory with a slashed name, no part of which may be a link.
// It closes root unless that is the directory.
func (d *disk) openAt(root *os.Root, name string) (*openDir, error) {
	dir, end := root, 0
	for end < len(name) {
		part, _, _ := strings.Cut(name[end:], "/")
		end += len(part)
		sub, err := openPart(d.fsys, dir, part, name[:end])
		end += len("/")
		dir.Close()
		if err != nil {
			return nil, err
		}
		dir = sub
	}
	file, err := d.fsys.openDir(dir, ".")
	if err != nil {
		dir.Close()
		return nil, bare("open directory", err)
	}
	info, err := file.Stat()
	if err != nil {
		file.Close()
		dir.Close()
		return nil, bare("stat directory", err)
	}
	return &openDir{root: dir, file: file, info: info}, nil
}

// openPart opens a directory in dir; path is its name in errors. Like openSeen, it
// compares identities, because os.Root follows links within the root.
func openPart(fsys fsys, dir *os.Root, name, path string) (*os.Root, error) {
	for try := 1; ; try++ {
		seen, err := fsys.lstat(dir, name)
		if err != nil {
			return nil, bare("stat directory", err)
		}
		if err := tree.WantDirectory(path, seen.Mode()); err != nil {
			return nil, err
		}
		sub, err := fsys.openRoot(dir, name)
		if err != nil {
			return nil, bare("open directory", err)
		}
		info, err := fsys.lstat(sub, ".")
		if err == nil && (os.SameFile(seen, info) || try == maxTries) {
			return sub, nil
		}
		sub.Close()
		if err != nil {
			return nil, bare("stat directory", err)
		}
	}
}

func wantDir(fsys fsys, root *os.Root, name string) error {
	info, err := fsys.lstat(root, filepath.FromSlash(name))
	if err != nil {
		return bare("stat directory", err)
	}
	return tree.WantDirectory(name, info.Mode())
}
