package backend

import (
	"fmt"
	"io/fs"

	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/internal/ltxio"
)

// CheckLevel returns an error of kind fs.ErrInvalid unless 0 ≤ level ≤
// ltxstore.MaxLevel (clause W8). Backends call it first in every method.
func CheckLevel(level int) error {
	switch {
	case level < 0:
		return fmt.Errorf("level is %d: want 0 or more: %w", level, fs.ErrInvalid)
	case level > ltxstore.MaxLevel:
		return fmt.Errorf("level is %d: want at most %d: %w", level, ltxstore.MaxLevel, fs.ErrInvalid)
	}
	return nil
}

// CheckFile returns the error of CheckLevel, or one of kind fs.ErrInvalid
// unless minTXID ≤ maxTXID (clause W8).
func CheckFile(level int, minTXID, maxTXID ltx.TXID) error {
	if err := CheckLevel(level); err != nil {
		return err
	}
	if minTXID > maxTXID {
		return fmt.Errorf("minTXID is %s: want at most maxTXID, %s: %w", minTXID, maxTXID, fs.ErrInvalid)
	}
	return nil
}

// CheckFiles calls CheckFile for every entry of a list of files to delete.
// The error names the entry. A nil entry is fs.ErrInvalid too.
func CheckFiles(files []*ltx.FileInfo) error {
	for i, info := range files {
		if info == nil {
			return fmt.Errorf("files[%d] is nil: want a file: %w", i, fs.ErrInvalid)
		}
		if err := CheckFile(info.Level, info.MinTXID, info.MaxTXID); err != nil {
			return fmt.Errorf("files[%d]: %w", i, err)
		}
	}
	return nil
}

// ParseFilename parses "<min>-<max>.ltx", where min and max have sixteen
// lower-case hexadecimal digits and min ≤ max. Unlike ltx.ParseFilename, it needs
// no regular expression and no error value, because listings call it for every
// name.
func ParseFilename(name string) (minTXID, maxTXID ltx.TXID, ok bool) {
	return ltxio.ParseFilename(name)
}
