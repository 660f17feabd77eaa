// Package mock provides a replica client in memory, for the unit tests of
// programs that use ltxstore.
//
// Unless told otherwise it keeps the contract as an object store does, and
// passes the suite in package
// [github.com/ltxstore/ltxstore/testing/replicatest]. A test decides what goes
// wrong, and checks what happened:
//
//   - A Fault makes calls fail, delays them, or truncates or corrupts what they
//     return, by operation, level and TXIDs, from the nth matching call on. A Lag
//     makes listings stale. See ReplicaClient.Script, Inject and FailOn.
//   - The function fields of ReplicaClient replace methods.
//   - ReplicaClient.Calls returns the calls, and Store the stored files.
//
// Bodies are held in memory as a whole: the bound on memory in clause W5 does
// not apply.
package mock

import (
	"context"
	"io"

	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore"
)

// ReplicaClient is an ltxstore.ReplicaClient in memory. The zero value is ready
// to use, with a store of its own. It must not be copied after first use.
//
// A function field that is not nil replaces the method of that name, including
// the faults scripted for it; calls are still logged. A function may call the
// method that it replaces through Default. The fields must be set before the
// client is used by several goroutines.
type ReplicaClient struct {
	TypeFunc           func() string
	InitFunc           func(ctx context.Context) error
	CloseFunc          func() error
	LTXFilesFunc       func(ctx context.Context, level int, seek ltx.TXID, useMetadata bool) (ltx.FileIterator, error)
	OpenLTXFileFunc    func(ctx context.Context, level int, minTXID, maxTXID ltx.TXID, offset, size int64) (io.ReadCloser, error)
	WriteLTXFileFunc   func(ctx context.Context, level int, minTXID, maxTXID ltx.TXID, r io.Reader) (*ltx.FileInfo, error)
	DeleteLTXFilesFunc func(ctx context.Context, files []*ltx.FileInfo) error
	DeleteAllFunc      func(ctx context.Context) error

	memory
	callLog
}

var (
	_ ltxstore.ReplicaClient = (*ReplicaClient)(nil)
	_ ltxstore.Initializer   = (*ReplicaClient)(nil)
	_ ltxstore.LoggerSetter  = (*ReplicaClient)(nil)
	_ io.Closer              = (*ReplicaClient)(nil)
)

// NewReplicaClient returns a client with the configuration cfg, which is checked
// by Init or the first call of another method.
func NewReplicaClient(cfg Config) *ReplicaClient {
	c := &ReplicaClient{}
	c.memory.cfg = cfg
	if cfg.Logger != nil {
		c.memory.log.Set(cfg.Logger)
	}
	return c
}

// Default returns the client without its function fields and its call log. The
// scripted faults apply. A function field can call it to do what the method that
// it replaces would have done.
func (c *ReplicaClient) Default() ltxstore.ReplicaClient { return &c.memory }

// Type returns "mock", or the result of TypeFunc. Errors and log lines have
// "mock" in either case.
func (c *ReplicaClient) Type() string {
	if c.TypeFunc != nil {
		return c.TypeFunc()
	}
	return c.memory.Type()
}

// Init checks the Config. The first call of another method does so too, without
// InitFunc and without logging a Call.
func (c *ReplicaClient) Init(ctx context.Context) error {
	rec := c.begin(Call{Op: OpInit, Level: noLevel})
	f := c.InitFunc
	if f == nil {
		f = c.memory.Init
	}
	return rec.end(0, f(ctx))
}

// Close does nothing: the Store keeps its content, and the client may still
// be used.
func (c *ReplicaClient) Close() error {
	rec := c.begin(Call{Op: OpClose, Level: noLevel})
	f := c.CloseFunc
	if f == nil {
		f = c.memory.Close
	}
	return rec.end(0, f())
}

// LTXFiles lists a level; see ltxstore.ReplicaClient. Without useMetadata
// CreatedAt is the time at which the file was stored, as in S3, and not the
// header's, so that a test notices if a caller forgot useMetadata. Files that
// are added or deleted during the listing may or may not be listed; all others
// are listed once.
func (c *ReplicaClient) LTXFiles(ctx context.Context, level int, seek ltx.TXID, useMetadata bool) (ltx.FileIterator, error) {
	rec := c.begin(Call{Op: OpList, Level: level, Seek: seek, UseMetadata: useMetadata})
	f := c.LTXFilesFunc
	if f == nil {
		f = c.memory.LTXFiles
	}
	files, err := f(ctx, level, seek, useMetadata)
	if rec.end(0, err) != nil || files == nil {
		return files, err
	}
	return &recordedIterator{FileIterator: files, rec: rec}, nil
}

// OpenLTXFile opens a file, or a range of it; see ltxstore.ReplicaClient. The
// reader keeps reading the version that it opened, even if the file is replaced
// or deleted.
func (c *ReplicaClient) OpenLTXFile(ctx context.Context, level int, minTXID, maxTXID ltx.TXID, offset, size int64) (io.ReadCloser, error) {
	rec := c.begin(Call{Op: OpOpen, Level: level, MinTXID: minTXID, MaxTXID: maxTXID, Offset: offset, Size: size})
	f := c.OpenLTXFileFunc
	if f == nil {
		f = c.memory.OpenLTXFile
	}
	rc, err := f(ctx, level, minTXID, maxTXID, offset, size)
	if rec.end(0, err) != nil || rc == nil {
		return rc, err
	}
	return &recordedReader{rc: rc, rec: rec}, nil
}

// WriteLTXFile stores a file; see ltxstore.ReplicaClient. No lock is held while r
// is read, and the file becomes visible when r has ended.
func (c *ReplicaClient) WriteLTXFile(ctx context.Context, level int, minTXID, maxTXID ltx.TXID, r io.Reader) (*ltx.FileInfo, error) {
	rec := c.begin(Call{Op: OpWrite, Level: level, MinTXID: minTXID, MaxTXID: maxTXID})
	if f := c.WriteLTXFileFunc; f != nil {
		info, err := f(ctx, level, minTXID, maxTXID, r)
		var size int64
		if info != nil {
			size = info.Size
		}
		return info, rec.end(size, err)
	}
	info, n, err := c.memory.write(ctx, level, minTXID, maxTXID, r)
	return info, rec.end(n, err)
}

// DeleteLTXFiles deletes files; see ltxstore.ReplicaClient. Nothing is deleted
// if one of them is nil or has an impossible level or TXIDs.
func (c *ReplicaClient) DeleteLTXFiles(ctx context.Context, files []*ltx.FileInfo) error {
	rec := c.begin(Call{Op: OpDelete, Level: noLevel, Files: copyFiles(files)})
	f := c.DeleteLTXFilesFunc
	if f == nil {
		f = c.memory.DeleteLTXFiles
	}
	return rec.end(0, f(ctx, files))
}

// DeleteAll deletes the replica, unfinished uploads (Store.Leftovers)
// included; see ltxstore.ReplicaClient.
func (c *ReplicaClient) DeleteAll(ctx context.Context) error {
	rec := c.begin(Call{Op: OpDeleteAll, Level: noLevel})
	f := c.DeleteAllFunc
	if f == nil {
		f = c.memory.DeleteAll
	}
	return rec.end(0, f(ctx))
}
