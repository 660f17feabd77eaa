package backend

import (
	"fmt"
	"io/fs"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/internal/ltxio"
	"github.com/ltxstore/ltxstore/internal/settings"
)

const (
	ltxDir       = "ltx/"
	snapshotsDir = "snapshots/"
	fileExt      = ".ltx"
	txidDigits   = 16
)

// Keys builds and parses the keys of one replica for every backend. A key is
// relative to the bucket or root directory, and its segments are separated by
// slashes. The zero value is ltxstore.LayoutDefault at the store's root. Keys
// is comparable and safe for concurrent use.
type Keys struct {
	layout ltxstore.Layout
	prefix string // empty, or a path that ends with a slash
}

// NewKeys returns the keys of a replica with this layout below path, which is
// cleaned: keys have no leading or double slashes and no "." segments, and the empty
// path is the store's root. It fails with fs.ErrInvalid if the layout is unknown, or
// path has a ".." segment, a NUL byte or invalid UTF-8; see Refused for the field.
func NewKeys(layout ltxstore.Layout, path string) (Keys, error) {
	if _, err := layout.MarshalText(); err != nil {
		return Keys{}, &settings.FieldError{Field: "Layout", Err: err}
	}
	clean, err := CleanPath(path)
	if err != nil {
		return Keys{}, &settings.FieldError{Field: "Path", Err: err}
	}
	if clean != "" {
		clean += "/"
	}
	return Keys{layout: layout, prefix: clean}, nil
}

// KeysAt is like NewKeys, but for the keys of Litestream v0.5 in an object store:
// Litestream joins a path and a name without cleaning them. LayoutLitestreamS3 keeps
// the path verbatim: "", "/a", "a/" and "." become "/0000/…", "/a/0000/…",
// "a//0000/…" and "./0000/…". LayoutLitestream keeps a leading slash, LayoutDefault
// does not.
func KeysAt(layout ltxstore.Layout, path string) (Keys, error) {
	k, err := NewKeys(layout, path)
	switch {
	case err != nil:
	case layout == ltxstore.LayoutLitestreamS3:
		k.prefix = path + "/"
	case layout == ltxstore.LayoutLitestream && strings.HasPrefix(path, "/"):
		k.prefix = "/" + k.prefix
	}
	return k, err
}

// Layout returns the layout.
func (k Keys) Layout() ltxstore.Layout { return k.layout }

// Prefix returns the replica's path followed by a slash, or the empty string
// for a replica at the store's root. Every key starts with it.
func (k Keys) Prefix() string { return k.prefix }

// LevelPrefix returns the prefix of a level's keys. It ends with a slash, so that no
// other level shares it. Level must be 0 to ltxstore.MaxLevel (see CheckLevel).
func (k Keys) LevelPrefix(level int) string {
	return string(k.appendLevel(make([]byte, 0, len(k.prefix)+len(snapshotsDir)), level))
}

// File returns a file's key. The arguments must be valid for CheckFile.
func (k Keys) File(level int, minTXID, maxTXID ltx.TXID) string {
	var short [128]byte // long enough for most keys, and not allocated
	b := k.appendLevel(short[:0], level)
	b = appendTXID(b, minTXID)
	b = append(b, '-')
	b = appendTXID(b, maxTXID)
	return string(append(b, fileExt...))
}

// Seek returns a string that sorts after every key of the level with a lower MinTXID
// than seek, and before all others, for S3's StartAfter and GCS's StartOffset. It is
// not itself the key of a file.
func (k Keys) Seek(level int, seek ltx.TXID) string {
	b := make([]byte, 0, len(k.prefix)+len(snapshotsDir)+txidDigits)
	return string(appendTXID(k.appendLevel(b, level), seek))
}

// Parse is the inverse of File: ok is false for every string that File does not
// return.
func (k Keys) Parse(key string) (level int, minTXID, maxTXID ltx.TXID, ok bool) {
	rest, ok := strings.CutPrefix(key, k.prefix)
	if !ok {
		return 0, 0, 0, false
	}
	slash := strings.LastIndexByte(rest, '/')
	if level, ok = k.parseLevel(rest[:slash+1]); !ok {
		return 0, 0, 0, false
	}
	if minTXID, maxTXID, ok = ltxio.ParseFilename(rest[slash+1:]); !ok {
		return 0, 0, 0, false
	}
	return level, minTXID, maxTXID, true
}

// ParseLevel is the inverse of LevelPrefix.
func (k Keys) ParseLevel(prefix string) (level int, ok bool) {
	rest, ok := strings.CutPrefix(prefix, k.prefix)
	if !ok {
		return 0, false
	}
	return k.parseLevel(rest)
}

// Holders returns where the replica's files are, for deleting all of them: the
// prefixes directly below which its levels are, and the levels that are elsewhere.
func (k Keys) Holders() (holders, levels []string) {
	switch k.layout {
	case ltxstore.LayoutLitestreamS3:
		return []string{k.prefix}, nil
	case ltxstore.LayoutLitestream:
		return []string{k.prefix + ltxDir}, nil
	}
	return []string{k.prefix + ltxDir}, []string{k.LevelPrefix(ltxstore.SnapshotLevel)}
}

func (k Keys) appendLevel(b []byte, level int) []byte {
	b = append(b, k.prefix...)
	switch {
	case k.layout == ltxstore.LayoutLitestreamS3:
		return appendPadded(b, level, 16)
	case k.layout == ltxstore.LayoutLitestream:
		b = strconv.AppendInt(append(b, ltxDir...), int64(level), 10)
		return append(b, '/')
	case level == ltxstore.SnapshotLevel:
		return append(b, snapshotsDir...)
	}
	return appendPadded(append(b, ltxDir...), level, 10)
}

// appendPadded is fmt.Appendf(b, "%04d/", level), or "%04x/", without allocations,
// because a listing builds a key for every file.
func appendPadded(b []byte, level, base int) []byte {
	for limit := base * base * base; limit > max(level, 1); limit /= base {
		b = append(b, '0')
	}
	return append(strconv.AppendInt(b, int64(level), base), '/')
}

// parseLevel parses what appendLevel writes after the prefix. The number is parsed
// leniently, then formatted and compared, so that a level has only one spelling.
func (k Keys) parseLevel(dir string) (int, bool) {
	if k.layout == ltxstore.LayoutDefault && dir == snapshotsDir {
		return ltxstore.SnapshotLevel, true
	}
	digits, base := dir, 10
	if k.layout == ltxstore.LayoutLitestreamS3 {
		base = 16
	} else {
		digits = strings.TrimPrefix(dir, ltxDir)
	}
	n, err := strconv.ParseUint(strings.TrimSuffix(digits, "/"), base, 16)
	if err != nil || n > ltxstore.MaxLevel {
		return 0, false
	}
	level := int(n)
	var buf [len(snapshotsDir) + 8]byte
	if string(Keys{layout: k.layout}.appendLevel(buf[:0], level)) != dir {
		return 0, false
	}
	return level, true
}

func appendTXID(b []byte, id ltx.TXID) []byte {
	const digits = "0123456789abcdef"
	for shift := 60; shift >= 0; shift -= 4 {
		b = append(b, digits[id>>shift&0xf])
	}
	return b
}

// CleanPath returns the path of a replica in its store in the form that every
// backend uses: without leading, trailing or double slashes and "." segments. The
// path may be empty, which is the store's root. CleanPath fails with fs.ErrInvalid
// if path has a ".." segment, a NUL byte or invalid UTF-8.
func CleanPath(path string) (string, error) {
	switch {
	case !utf8.ValidString(path):
		return "", fmt.Errorf("path is %q: want UTF-8: %w", path, fs.ErrInvalid)
	case strings.ContainsRune(path, 0):
		return "", fmt.Errorf("path is %q: want no NUL byte: %w", path, fs.ErrInvalid)
	}
	kept := make([]string, 0, strings.Count(path, "/")+1)
	for segment := range strings.SplitSeq(path, "/") {
		switch segment {
		case "", ".":
		case "..":
			return "", fmt.Errorf("path is %q: want no %q segment: %w", path, "..", fs.ErrInvalid)
		default:
			kept = append(kept, segment)
		}
	}
	return strings.Join(kept, "/"), nil
}
