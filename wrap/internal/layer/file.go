package layer

import (
	"errors"
	"fmt"
	"io/fs"

	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/backend"
	"github.com/ltxstore/ltxstore/backend/rangeio"
)

// File names a file of the replica.
type File struct {
	Level            int
	MinTXID, MaxTXID ltx.TXID
}

// FileOf returns the name of a listed file.
func FileOf(info *ltx.FileInfo) File { return File{info.Level, info.MinTXID, info.MaxTXID} }

// String returns the name for an error; a wrapper does not know the key in the store.
func (f File) String() string {
	return fmt.Sprintf("level %d %s", f.Level, ltx.FormatFilename(f.MinTXID, f.MaxTXID))
}

// Info returns a FileInfo with the name.
func (f File) Info() ltx.FileInfo {
	return ltx.FileInfo{Level: f.Level, MinTXID: f.MinTXID, MaxTXID: f.MaxTXID}
}

func (f File) check() error { return backend.CheckFile(f.Level, f.MinTXID, f.MaxTXID) }

func (f File) checkRange(offset, size int64) error {
	if err := f.check(); err != nil {
		return err
	}
	return rangeio.Check(offset, size)
}

// IsMissing reports whether err says that a file is missing. If the store is missing too,
// the file may exist.
func IsMissing(err error) bool {
	return errors.Is(err, fs.ErrNotExist) && !errors.Is(err, ltxstore.ErrStoreNotFound)
}
