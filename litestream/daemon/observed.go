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
}

// Unwrap returns the replica's client.
func (o *observed) Unwrap() ltxstore.ReplicaClient { return o.ReplicaClient }

// Close closes the replica's client.
func (o *observed) Close() error { return ltxstore.Close(o.ReplicaClient) }

// note records the result of an operation, and returns it. A missing file and a
// canceled context are not failures.
func (o *observed) note(err error) error {
	if err != nil && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, context.Canceled) {
		o.mu.Lock()
		defer o.mu.Unlock()
		o.failed, o.failure = time.Now(), err.Error()
	}
	return err
}

// LTXFiles implements ltxstore.ReplicaClient.
func (o *observed) LTXFiles(ctx context.Context, level int, seek ltx.TXID, useMetadata bool) (ltx.FileIterator, error) {
	files, err := o.ReplicaClient.LTXFiles(ctx, level, seek, useMetadata)
	if o.note(err) != nil {
		return nil, err
	}
	return &observedFiles{files, o}, nil
}

// observedFiles is a listing whose result is recorded.
type observedFiles struct {
	ltx.FileIterator
	o *observed
}

// Close implements ltx.FileIterator.
func (f *observedFiles) Close() error { return f.o.note(f.FileIterator.Close()) }

// OpenLTXFile implements ltxstore.ReplicaClient.
func (o *observed) OpenLTXFile(ctx context.Context, level int, minTXID, maxTXID ltx.TXID, offset, size int64) (io.ReadCloser, error) {
	r, err := o.ReplicaClient.OpenLTXFile(ctx, level, minTXID, maxTXID, offset, size)
	return r, o.note(err)
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
	return nil, o.note(err)
}

// DeleteLTXFiles implements ltxstore.ReplicaClient.
func (o *observed) DeleteLTXFiles(ctx context.Context, files []*ltx.FileInfo) error {
	return o.note(o.ReplicaClient.DeleteLTXFiles(ctx, files))
}

// DeleteAll implements ltxstore.ReplicaClient.
func (o *observed) DeleteAll(ctx context.Context) error {
	return o.note(o.ReplicaClient.DeleteAll(ctx))
}
