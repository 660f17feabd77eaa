package file

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// makeRoot creates the missing root directory and its missing parents.
func (d *disk) makeRoot() error {
	above := d.cfg.Path
	for {
		above = filepath.Dir(above)
		root, err := d.fsys.openRoot(nil, above)
		if errors.Is(err, fs.ErrNotExist) && above != filepath.Dir(above) {
			continue
		}
		if err != nil {
			return bare("open "+above, err)
		}
		defer root.Close()
		rest, err := filepath.Rel(above, d.cfg.Path)
		if err != nil {
			return err
		}
		return d.makeAll(root, filepath.ToSlash(rest))
	}
}

// makeAll creates the directories of a slashed name one after another, and fsyncs
// the parent of each. It does so even if a directory exists, because another
// process may have created it a moment ago and crashed. A client calls makeAll
// once for each level that it writes.
func (d *disk) makeAll(root *os.Root, name string) error {
	_, model := d.models()
	for i := 0; i <= len(name); i++ {
		if i < len(name) && name[i] != '/' {
			continue
		}
		part := filepath.FromSlash(name[:i])
		err := wantDir(d.fsys, root, name[:i])
		if errors.Is(err, fs.ErrNotExist) {
			if err = d.fsys.mkdir(root, part, mode(d.given.DirMode, model, 0o700, d.cfg.DirMode)); errors.Is(err, fs.ErrExist) {
				err = wantDir(d.fsys, root, name[:i])
			} else if err != nil {
				err = bare("make directory", err)
			} else {
				giveAway(model, func(uid, gid int) error { return root.Lchown(part, uid, gid) })
			}
		}
		if err != nil {
			return err
		}
		if err := d.syncHolder(root, filepath.Dir(part)); err != nil {
			return err
		}
	}
	return nil
}

// syncHolder fsyncs a directory below root.
func (d *disk) syncHolder(root *os.Root, name string) error {
	dir, err := d.fsys.openDir(root, name)
	if err != nil {
		return bare("open directory", err)
	}
	defer dir.Close()
	return syncTolerant(d.fsys, dir)
}

// syncParent fsyncs the parent of the root, in case another process has just
// created the root. Errors are ignored: a client that created the root itself has
// already fsynced the parent, and one that found it may lack the right to read
// the parent.
func (d *disk) syncParent() {
	path, err := filepath.EvalSymlinks(d.cfg.Path)
	if err != nil {
		return
	}
	above, err := d.fsys.openRoot(nil, filepath.Dir(path))
	if err != nil {
		return
	}
	defer above.Close()
	_ = d.syncHolder(above, ".")
}

// syncTolerant fsyncs a directory. It returns nil if the file system cannot fsync
// directories, because nothing else can be done then.
func syncTolerant(fsys fsys, dir *os.File) error {
	err := fsys.syncDir(dir)
	if err == nil || refusesDirSync(err) {
		return nil
	}
	return fmt.Errorf("directory %s: %w", strings.TrimSuffix(filepath.Base(dir.Name()), string(filepath.Separator)), bare("fsync", err))
}
