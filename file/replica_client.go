// Package file keeps a replica's LTX files in a directory of a local or
// mounted file system.
//
// # Layout
//
// Files are named by an ltxstore.Layout below Config.Path. With
// ltxstore.LayoutLitestream the tree is the one that Litestream v0.5 writes
// and reads. A file's modification time is its LTX header's timestamp.
//
// # Guarantees
//
// A write creates a temporary file next to the target, sets its time, fsyncs, closes
// and renames it, and fsyncs the directory and every directory that it created. After
// a power failure, either the old or the new file is there, whole, and nothing that
// was acknowledged is lost, if the file system does what fsync promises. On systems
// that cannot fsync a directory (some network file systems, and Windows), the order of
// renames is up to the system. Each call that deletes files ends with an fsync too, so
// that files of a deleted replica do not reappear among those of its successor.
//
// Any number of clients and processes may use the same directory.
//
// # Confinement
//
// Nothing outside the root is touched. No symbolic link below the root is followed. A
// link, directory or device with the name of an LTX file is ignored: it is not listed,
// opened or deleted. Writing that name replaces the link, and never the file that it
// points to. This also holds if a file is replaced while it is being opened, and a
// named pipe in place of a file does not block.
//
// # Cost
//
// Directories are not sorted, so a listing reads all names of a level before its first
// item and keeps those from the seek position on, 16 bytes each. Only files that are
// returned cost a stat, and with useMetadata a read of 100 bytes.
//
// The client keeps up to two descriptors open for each level in use, at most 32; see
// Close.
package file

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/backend"
	"github.com/ltxstore/ltxstore/backend/oplog"
	"github.com/ltxstore/ltxstore/backend/tree"
)

const typeName = "file"

// ReplicaClient is a replica in a directory. NewReplicaClient returns one. It is safe
// for concurrent use.
//
// Init checks the configuration and removes temporary files that were left by dead
// writers (see Config.SweepAge). It creates no directory. The error is fs.ErrInvalid
// for a bad field, or if Path is not a directory or leads through a file, and
// ErrStoreNotFound for a missing root with Config.MustExist. A temporary file that
// cannot be removed is only logged.
//
// WriteLTXFile costs one fsync of the file and one of its directory. If possible, the
// kernel copies the body from a regular *os.File; other bodies pass through 32 KiB of
// memory. The file becomes visible, complete and fsynced, by a rename. If only the
// following fsync of the directory fails, the error is returned although the file is
// there: the older file is gone, and removing the name could remove the file of another
// writer. A power failure may still lose the file. Writing it again is always safe.
// Config.WriteOnce fails with errors.ErrUnsupported on file systems without hard links.
// A zero-byte file, which is a torn upload by another tool, is replaced, but with
// WriteOnce it is refused like any other file.
//
// The reader of OpenLTXFile continues with the file that was opened even if it is
// rewritten or deleted (clause O3). It implements io.WriterTo, so that io.Copy to a file
// or a socket can use the kernel. A Read that waits for the disk cannot be interrupted.
//
// DeleteLTXFiles costs one fsync for each level in files.
//
// Close releases the directories that the client has open. Readers, listings and the
// client itself can still be used; the client opens the directories again.
type ReplicaClient struct {
	*tree.Client
	given Config
	disk  *disk
}

// NewReplicaClient returns a client of the replica that cfg describes. It does not
// access the disk. If cfg is invalid, Init and every other method return the error.
func NewReplicaClient(cfg Config) *ReplicaClient {
	c := &ReplicaClient{given: cfg, disk: &disk{given: cfg, fsys: osFS{}, open: make(map[string]*openDir)}}
	c.Client = tree.New(tree.Config{Type: typeName, Retry: ltxstore.Retry{MaxAttempts: 1}, Logger: cfg.Logger, Connect: c.connect})
	return c
}

func (c *ReplicaClient) connect(context.Context, *oplog.Logger) (*tree.Store, error) {
	if err := c.given.validate(); err != nil {
		return nil, err
	}
	cfg := c.given.withDefaults()
	var err error
	if cfg.Path, err = filepath.Abs(cfg.Path); err != nil {
		return nil, backend.Refused(typeName, "init", "Path", err)
	}
	if err := checkRoot(cfg); err != nil {
		return nil, err
	}
	c.disk.cfg = cfg
	return &tree.Store{Disk: c.disk, Layout: cfg.Layout, Now: cfg.Clock, Close: c.disk.dropAll,
		Options: tree.Options{WriteOnce: cfg.WriteOnce, SweepAge: cfg.SweepAge, MetadataConcurrency: 1, DeleteConcurrency: 1}}, nil
}

// checkRoot returns an error if the root is not a directory and cannot be created as
// one.
func checkRoot(cfg Config) error {
	info, err := os.Stat(cfg.Path)
	switch {
	case err == nil && !info.IsDir():
		return invalid("Path", cfg.Path, "want a directory, not a file")
	case err == nil:
		return nil
	}
	if _, linkErr := os.Lstat(cfg.Path); linkErr == nil && errors.Is(err, fs.ErrNotExist) {
		return storeNotFound(fmt.Errorf("%s is a dangling symbolic link", cfg.Path))
	}
	for dir := filepath.Dir(cfg.Path); ; dir = filepath.Dir(dir) {
		info, statErr := os.Stat(dir)
		if statErr == nil && !info.IsDir() {
			return invalid("Path", cfg.Path, "want a directory, and "+dir+" is a file")
		}
		if statErr == nil || dir == filepath.Dir(dir) {
			break
		}
	}
	switch {
	case !errors.Is(err, fs.ErrNotExist):
		return bare("stat "+cfg.Path, err)
	case cfg.MustExist:
		return storeNotFound(fmt.Errorf("root directory %s does not exist", cfg.Path))
	}
	return nil
}
