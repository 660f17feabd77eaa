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
// A write makes a temporary beside the file, sets its time, fsyncs, closes and
// renames it, and fsyncs the directory, and every new directory up to one that
// was there. A power failure leaves the old file or the new one, whole, and
// loses nothing that was acknowledged, as far as the file system keeps its
// word; one that cannot fsync a directory (some network file systems, and
// Windows) is trusted to order the rename itself. A deletion is fsynced too,
// once a call, so that files of a deleted replica do not come back beside
// those of its successor.
//
// Any number of clients and processes may use one tree.
//
// # Confinement
//
// Nothing outside the root is touched. Below it no symbolic link is followed,
// wherever it points: a link, a directory or a device that has the name of an
// LTX file is a stranger, which is not listed, not opened and not deleted.
// Writing that name replaces a link, and never what it points to. That holds
// also for what takes a name while it is being opened; a named pipe in the place
// of a file blocks nothing.
//
// # Cost
//
// Directories come in no order, so that a listing reads the names of the whole
// level, 16 bytes of memory each from the sought one on, before its first
// item. Only files that are returned cost a stat, and with useMetadata a read
// of 100 bytes.
//
// The client keeps up to two descriptors open for each level in use (32 at
// most): see Close.
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
	"github.com/ltxstore/ltxstore/internal/realpath"
)

const typeName = "file"

// ReplicaClient is a replica in a directory. It is made by NewReplicaClient
// and safe for concurrent use.
//
// Init checks the configuration and removes the temporary files that writers
// killed long ago have left (see Config.SweepAge). It makes no directory. A bad
// field, and a Path that is or leads through something else than a directory, is
// fs.ErrInvalid; a missing root is ErrStoreNotFound where Config.MustExist says
// so. A leftover that cannot be removed is logged and does not keep the replica
// from being used.
//
// WriteLTXFile costs one fsync of the file and one of its directory. A regular
// *os.File is copied by the kernel, where it can; any other body passes through
// 64 KiB of memory. The file is visible when it is complete and fsynced, by a
// rename. If only the fsync of the directory that comes after it fails, the file
// is there, whole, beside the error: the rename cannot be taken back, because
// the older file is gone, and removing the name could remove another writer's
// file. It may be lost in a power failure. Writing it again is always right.
// With Config.WriteOnce a file system without hard links is
// errors.ErrUnsupported. A zero-byte file, a torn upload of another tool, is
// replaced without WriteOnce, and refused like any other with it.
//
// The reader of OpenLTXFile stays on the file that was opened, also if it is
// rewritten or deleted meanwhile (clause O3). It is an io.WriterTo: io.Copy to a
// file or a socket lets the kernel copy, where it can. A Read that waits for the
// disk cannot be interrupted.
//
// DeleteLTXFiles costs one fsync for each level in files.
//
// Close releases the directories that the client has open. Readers and listings
// stay usable, and so does the client, which opens them again.
type ReplicaClient struct {
	*tree.Client
	given Config
	disk  *disk
}

var _ backend.Locator = (*ReplicaClient)(nil)

// NewReplicaClient returns a client of the replica that cfg describes. It does
// not touch the disk and cannot fail: Init, which every method calls, tells
// what is wrong with cfg.
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
	return &tree.Store{Disk: c.disk, Layout: cfg.Layout, Place: []string{cfg.Path}, Now: cfg.Clock, Close: c.disk.dropAll,
		Options: tree.Options{WriteOnce: cfg.WriteOnce, SweepAge: cfg.SweepAge, MetadataConcurrency: 1, DeleteConcurrency: 1}}, nil
}

// Location implements backend.Locator, with the absolute path that symbolic links
// lead to, those above a root that is not there yet included. It cannot tell hosts
// from each other.
func (c *ReplicaClient) Location(ctx context.Context) (string, error) {
	if err := c.Init(ctx); err != nil {
		return "", err
	}
	return fmt.Sprintf("%q", []string{typeName, realpath.Of(c.disk.cfg.Path), c.given.Layout.String()}), nil
}

// checkRoot returns an error if the root is not a directory, or can never
// become one.
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
