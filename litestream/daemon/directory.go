package daemon

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// expand returns the databases of a directory, which may be a symbolic link, each with
// its own replicas below those of the directory. It does not open databases for which known is true:
// closing a file that the engine has open would drop its locks. It skips symbolic
// links to a database in the same directory.
func (db DB) expand(known func(path string) bool) ([]DB, error) {
	var found []DB
	var links []string
	seen := make(map[string]bool)
	add := func(path string) {
		file := fileOf(path)
		if seen[file] || !known(file) && !isSQLite(file) {
			return
		}
		seen[file] = true
		one := db.at(path)
		one.Path = file
		found = append(found, one)
	}
	root := db.Dir + string(filepath.Separator) // follows a link
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil && path == root:
			return err
		case err != nil:
			return nil // it is gone, or we may not read it
		case entry.IsDir():
			if path != root && (!db.Recursive || strings.HasSuffix(entry.Name(), metaSuffix)) {
				return fs.SkipDir
			}
			return nil
		}
		if ok, _ := filepath.Match(db.Pattern, entry.Name()); !ok {
			return nil
		}
		if entry.Type()&fs.ModeSymlink != 0 {
			links = append(links, path)
			return nil
		}
		add(path)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("dir %s: %w", db.Dir, err)
	}
	for _, path := range links {
		add(path)
	}
	return found, nil
}

// fileOf returns the target if path is a symbolic link, and otherwise path. SQLite
// puts the WAL next to the file, but the engine looks for it next to the path.
func fileOf(path string) string {
	if info, err := os.Lstat(path); err != nil || info.Mode()&fs.ModeSymlink == 0 {
		return path
	}
	file, err := filepath.EvalSymlinks(path)
	if err != nil {
		return path
	}
	return file
}

// at returns the database at path in the directory. If it cannot be replicated, its
// field wrong says why.
func (db DB) at(path string) DB {
	one := db
	one.Path, one.Dir, one.Pattern, one.Recursive, one.Watch, one.of = path, "", "", false, false, db.Dir
	rel, err := filepath.Rel(db.Dir, path)
	one.MetaPath, one.MetaDir = db.metaPath(rel), ""
	one.Replicas = nil
	for _, r := range db.Replicas {
		below, subErr := r.Sub(filepath.ToSlash(rel))
		err = errors.Join(err, subErr)
		one.Replicas = append(one.Replicas, below)
	}
	if one.wrong = err; err == nil {
		one.wrong = one.check()
	}
	return one
}

// metaSuffix is the end of the name of the engine's folder for a database.
const metaSuffix = "-litestream"

// metaPath returns where Litestream keeps the engine's files for a database of a
// directory.
func (db DB) metaPath(rel string) string {
	switch dir, name := filepath.Split(rel); {
	case db.MetaDir != "":
		return filepath.Join(db.MetaDir, rel+metaSuffix)
	case db.MetaPath != "":
		return filepath.Join(db.MetaPath, dir, "."+name+metaSuffix)
	}
	return ""
}

// isSQLite reports whether path is a file, and a database. It does not open a pipe, which
// would wait for a writer.
func isSQLite(path string) bool {
	const magic = "SQLite format 3\x00"
	if info, err := os.Stat(path); err != nil || !info.Mode().IsRegular() {
		return false
	}
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	defer f.Close()
	header := make([]byte, len(magic))
	_, err = io.ReadFull(f, header)
	return err == nil && string(header) == magic
}
