package daemon

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/ltxstore/ltxstore/config"
)

// expand returns the databases of a directory, each with its own replicas below
// those of the directory. It does not open databases for which known is true:
// closing a file that the engine has open would drop its locks. It skips symbolic
// links to a database in the same directory.
func (db DB) expand(known func(path string) bool) ([]DB, error) {
	var found []DB
	var links []string
	seen := make(map[string]bool)
	add := func(path string) error {
		file := fileOf(path)
		if seen[file] || !known(file) && !isSQLite(file) {
			return nil
		}
		seen[file] = true
		one, err := db.at(path)
		one.Path = file
		found = append(found, one)
		return err
	}
	err := filepath.WalkDir(db.Dir, func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil && path == db.Dir:
			return err
		case err != nil:
			return nil // it is gone, or we may not read it
		case entry.IsDir():
			if path != db.Dir && (!db.Recursive || strings.HasSuffix(entry.Name(), metaSuffix)) {
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
		return add(path)
	})
	for _, path := range links {
		err = errors.Join(err, add(path))
	}
	if err != nil {
		return nil, fmt.Errorf("dir %s: %w", db.Dir, err)
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

// at returns the database at path in the directory.
func (db DB) at(path string) (DB, error) {
	rel, err := filepath.Rel(db.Dir, path)
	if err != nil {
		return DB{}, err
	}
	one := db
	one.Path, one.Dir, one.Pattern, one.Recursive, one.Watch, one.of = path, "", "", false, false, db.Dir
	one.MetaPath, one.MetaDir = db.metaPath(rel), ""
	one.Replicas = make([]config.Replica, len(db.Replicas))
	for i, r := range db.Replicas {
		if one.Replicas[i], err = r.Sub(filepath.ToSlash(rel)); err != nil {
			return DB{}, fmt.Errorf("database %s: %w", path, err)
		}
	}
	return one, one.check()
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

// isSQLite reports whether a file is a database.
func isSQLite(path string) bool {
	const magic = "SQLite format 3\x00"
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	defer f.Close()
	header := make([]byte, len(magic))
	_, err = io.ReadFull(f, header)
	return err == nil && string(header) == magic
}
