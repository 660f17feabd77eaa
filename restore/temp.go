package restore

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/fnv"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
	"unicode/utf8"
)

// A temporary is called <stem>.<16 hexadecimal digits>.restore, where the
// stem is the name of the database, shortened if necessary so that the name
// with SQLite's suffixes fits in every file system.
const (
	tempSuffix = ".restore"
	tempDigits = 16
	maxStem    = 80
)

// leftoverAge is the age from which a temporary counts as that of a killed
// restore, if there are no locks or it belongs to another database.
const leftoverAge = 24 * time.Hour

func dirOf(path string) string { return filepath.Dir(path) }

// stemOf returns the start of the names of a database's temporaries.
func stemOf(path string) string {
	base := filepath.Base(path)
	if len(base) <= maxStem {
		return base
	}
	sum := fnv.New32a()
	sum.Write([]byte(base))
	const hash = 1 + 8
	cut := maxStem - hash
	for cut > maxStem-hash-utf8.UTFMax && !utf8.RuneStart(base[cut]) {
		cut--
	}
	return fmt.Sprintf("%s~%08x", base[:cut], sum.Sum32())
}

// createTemp creates a temporary for a database and locks it, if the system
// has locks. A temporary that is not locked is that of a killed restore.
func createTemp(path string, lock func(*os.File) (locked, known bool)) (*os.File, string, error) {
	for attempt := 1; ; attempt++ {
		var digits [tempDigits / 2]byte
		_, _ = rand.Read(digits[:]) // never fails
		name := filepath.Join(dirOf(path), stemOf(path)+"."+hex.EncodeToString(digits[:])+tempSuffix)
		file, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
		if err != nil {
			return nil, "", err
		}
		// Another restore may have locked it first, to remove it.
		if locked, known := lock(file); (locked || !known) && stillAt(file, name) {
			return file, name, nil
		}
		file.Close()
		_ = os.Remove(name) // unless the other restore did
		if attempt == maxAttempts {
			return nil, "", fmt.Errorf("%s was immediately removed by another restore", name)
		}
	}
}

// stillAt reports whether the open file has the given name.
func stillAt(file *os.File, name string) bool {
	opened, err := file.Stat()
	if err != nil {
		return false
	}
	there, err := os.Lstat(name)
	return err == nil && os.SameFile(opened, there)
}

// leftover is the name of a file that a restore created.
type leftover struct {
	temp string // name of the temporary, which may no longer exist
	stem string
	rest string // what follows the name of the temporary, or empty
}

// parseLeftover parses the name of a leftover. It is strict, because other programs
// may use the suffix .restore too.
func parseLeftover(name string) (l leftover, ok bool) {
	at := strings.LastIndex(name, tempSuffix)
	if at < tempDigits+2 {
		return l, false
	}
	end := at + len(tempSuffix)
	l = leftover{temp: name[:end], stem: name[:at-tempDigits-1], rest: name[end:]}
	digits := name[at-tempDigits : at]
	for _, c := range digits {
		if (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return l, false
		}
	}
	if name[at-tempDigits-1] != '.' {
		return l, false
	}
	rest := strings.TrimPrefix(l.rest, asideInfix)
	ok = rest == ""
	for _, suffix := range beside {
		ok = ok || rest == suffix
	}
	return l, ok && l.rest != asideInfix
}

// sweep removes the files of killed restores: those of this database immediately, and
// those of others in its directory after a day. It keeps files that a running restore
// has locked. If a database was not replaced, sweep first puts back its files that
// were set aside.
func sweep(path string) error {
	dir, err := os.Open(dirOf(path))
	if err != nil {
		return err
	}
	names, err := dir.Readdirnames(-1)
	dir.Close()
	if err != nil {
		return err
	}
	var companions []leftover
	for _, name := range names {
		l, ok := parseLeftover(name)
		switch {
		case !ok:
		case l.rest != "":
			companions = append(companions, l)
		default:
			err = errors.Join(err, removeLeftover(path, l))
		}
	}
	for _, l := range companions {
		err = errors.Join(err, removeBeside(path, l))
	}
	return err
}

// removeLeftover removes the temporary of a killed restore.
func removeLeftover(path string, l leftover) error {
	name := filepath.Join(dirOf(path), l.temp)
	stat, err := os.Lstat(name)
	if err != nil || !stat.Mode().IsRegular() {
		return ignore(err, fs.ErrNotExist)
	}
	file, err := os.OpenFile(name, os.O_RDWR|openNonblock, 0)
	if err != nil {
		return ignore(ignore(err, fs.ErrNotExist), fs.ErrPermission) // already removed, or owned by another user
	}
	defer file.Close()
	locked, known := tryLock(file)
	if known && !locked || !stillAt(file, name) {
		return nil
	}
	ours := l.stem == stemOf(path)
	if old := time.Since(stat.ModTime()) > leftoverAge; !old && (!ours || !known) {
		return nil
	}
	database := path
	if !ours {
		database = filepath.Join(dirOf(path), l.stem)
	}
	if err := recoverAsides(name, stat, database); err != nil {
		return fmt.Errorf("files that a killed restore set aside cannot be put back: %w", err)
	}
	return ignore(os.Remove(name), fs.ErrNotExist)
}

// removeBeside removes files of a temporary that no longer exists: a log that was set
// aside for a database that was then replaced, or a file that Config.Check created.
func removeBeside(path string, l leftover) error {
	dir := dirOf(path)
	if _, err := os.Lstat(filepath.Join(dir, l.temp)); !errors.Is(err, fs.ErrNotExist) {
		return ignore(err, fs.ErrNotExist)
	}
	name := filepath.Join(dir, l.temp+l.rest)
	if l.stem != stemOf(path) {
		stat, err := os.Lstat(name)
		if err != nil || time.Since(stat.ModTime()) <= leftoverAge {
			return ignore(err, fs.ErrNotExist)
		}
	}
	return ignore(ignore(os.Remove(name), fs.ErrNotExist), fs.ErrPermission)
}
