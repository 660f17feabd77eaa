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
	"log/slog"
	"os"
	"path/filepath"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/backend"
	"github.com/ltxstore/ltxstore/backend/oplog"
	"github.com/ltxstore/ltxstore/internal/flow"
)

const typeName = "file"

var (
	_ ltxstore.ReplicaClient = (*ReplicaClient)(nil)
	_ ltxstore.Initializer   = (*ReplicaClient)(nil)
	_ ltxstore.LoggerSetter  = (*ReplicaClient)(nil)
)

// ReplicaClient is a replica in a directory. It is made by NewReplicaClient
// and safe for concurrent use.
type ReplicaClient struct {
	given Config
	fsys  fsys
	log   oplog.Logger

	ready flow.Lazy[replica]
}

// replica is what a successful Init has found: from then on it is constant.
type replica struct {
	cfg  Config
	keys backend.Keys
	fsys fsys
	log  *oplog.Logger
	dirs *dirs
}

// NewReplicaClient returns a client of the replica that cfg describes. It does
// not touch the disk and cannot fail: Init, which every method calls, tells
// what is wrong with cfg.
func NewReplicaClient(cfg Config) *ReplicaClient {
	c := &ReplicaClient{given: cfg, fsys: osFS{}}
	if cfg.Logger != nil {
		c.log.Set(cfg.Logger)
	}
	return c
}

// Type returns "file".
func (c *ReplicaClient) Type() string { return typeName }

// SetLogger implements ltxstore.LoggerSetter.
func (c *ReplicaClient) SetLogger(logger *slog.Logger) { c.log.Set(logger) }

// Init checks the configuration and removes the temporary files that writers
// killed long ago have left (see Config.SweepAge). It makes no directory.
//
// A bad field, and a Path that is or leads through something else than a
// directory, is fs.ErrInvalid; a missing root is ErrStoreNotFound where
// Config.MustExist says so. A leftover that cannot be removed is logged and
// does not keep the replica from being used. After the first success Init does
// nothing.
func (c *ReplicaClient) Init(ctx context.Context) error {
	_, err := c.init(ctx, "init")
	return err
}

// Close releases the directories that the client has open. Readers and
// listings stay usable, and so does the client, which opens them again.
func (c *ReplicaClient) Close() error {
	if r := c.ready.Load(); r != nil {
		r.dirs.dropAll()
	}
	return nil
}

// init is how every method, op, begins: it fails under a context already done.
func (c *ReplicaClient) init(ctx context.Context, op string) (*replica, error) {
	r, err := c.ready.Get(ctx, func(ctx context.Context) (*replica, error) {
		r, err := c.prepare()
		if err != nil {
			return nil, err
		}
		return r, r.sweep(ctx)
	})
	return r, wrap(op, "", err)
}

func (c *ReplicaClient) prepare() (*replica, error) {
	if err := c.given.validate(); err != nil {
		return nil, err
	}
	cfg := c.given.withDefaults()
	keys, err := backend.NewKeys(cfg.Layout, "")
	if err != nil {
		return nil, backend.Refused(typeName, "init", "", err)
	}
	if cfg.Path, err = filepath.Abs(cfg.Path); err != nil {
		return nil, backend.Refused(typeName, "init", "Path", err)
	}
	if err := checkRoot(cfg); err != nil {
		return nil, err
	}
	return &replica{cfg: cfg, keys: keys, fsys: c.fsys, log: &c.log, dirs: newDirs(cfg, keys, c.fsys)}, nil
}

// checkRoot refuses a root that is no directory, or can never be made one.
func checkRoot(cfg Config) error {
	info, err := os.Stat(cfg.Path)
	switch {
	case err == nil && !info.IsDir():
		return invalid("Path", cfg.Path, "want a directory, not a file")
	case err == nil:
		return nil
	}
	if _, linkErr := os.Lstat(cfg.Path); linkErr == nil && errors.Is(err, fs.ErrNotExist) {
		return storeNotFound("init", fmt.Errorf("%s is a symbolic link to what is not there", cfg.Path))
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
		return wrap("init", "Path", bare("stat "+cfg.Path, err))
	case cfg.MustExist:
		return storeNotFound("init", fmt.Errorf("root directory %s is not there", cfg.Path))
	}
	return nil
}
