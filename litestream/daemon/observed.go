package daemon

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"sync"
	"sync/atomic"
	"time"

	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore"
)

// observed is a client that records its last write and its last failure.
type observed struct {
	ltxstore.ReplicaClient
	place string // without secrets

	missed *atomic.Bool // set when a file was not written

	mu      sync.Mutex
	written time.Time
	txid    ltx.TXID // the last transaction that was written
	failed  time.Time
	failure string
	op      string // that failed
	passed  bool   // and has succeeded since
}

// Unwrap returns the replica's client.
func (o *observed) Unwrap() ltxstore.ReplicaClient { return o.ReplicaClient }

// Close closes the replica's client.
func (o *observed) Close() error { return ltxstore.Close(o.ReplicaClient) }

// note records the result of an operation, and returns it. A missing file and a
// canceled context are not failures.
func (o *observed) note(op string, err error) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	switch {
	case err == nil:
		o.passed = o.passed || op == o.op
	case !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, context.Canceled):
		o.failed, o.failure, o.op, o.passed = time.Now(), err.Error(), op, false
	}
	return err
}

// LTXFiles implements ltxstore.ReplicaClient.
func (o *observed) LTXFiles(ctx context.Context, level int, seek ltx.TXID, useMetadata bool) (ltx.FileIterator, error) {
	files, err := o.ReplicaClient.LTXFiles(ctx, level, seek, useMetadata)
	if err != nil {
		return nil, o.note("list", err)
	}
	return &observedFiles{files, o}, nil
}

// observedFiles is a listing whose result is recorded.
type observedFiles struct {
	ltx.FileIterator
	o *observed
}

// Close implements ltx.FileIterator.
func (f *observedFiles) Close() error { return f.o.note("list", f.FileIterator.Close()) }

// OpenLTXFile implements ltxstore.ReplicaClient.
func (o *observed) OpenLTXFile(ctx context.Context, level int, minTXID, maxTXID ltx.TXID, offset, size int64) (io.ReadCloser, error) {
	r, err := o.ReplicaClient.OpenLTXFile(ctx, level, minTXID, maxTXID, offset, size)
	return r, o.note("open", err)
}

// WriteLTXFile implements ltxstore.ReplicaClient.
func (o *observed) WriteLTXFile(ctx context.Context, level int, minTXID, maxTXID ltx.TXID, r io.Reader) (*ltx.FileInfo, error) {
	info, err := o.ReplicaClient.WriteLTXFile(ctx, level, minTXID, maxTXID, r)
	if err == nil {
		o.mu.Lock()
		defer o.mu.Unlock()
		o.written = time.Now()
		o.txid = max(o.txid, maxTXID)
		return info, nil
	}
	o.missed.Store(true)
	return nil, o.note("write", err)
}

// DeleteLTXFiles implements ltxstore.ReplicaClient.
func (o *observed) DeleteLTXFiles(ctx context.Context, files []*ltx.FileInfo) error {
	return o.note("delete", o.ReplicaClient.DeleteLTXFiles(ctx, files))
}

// DeleteAll implements ltxstore.ReplicaClient.
func (o *observed) DeleteAll(ctx context.Context) error {
	return o.note("delete all", o.ReplicaClient.DeleteAll(ctx))
}
