package layer

import (
	"context"
	"io"

	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/internal/flow"
)

// Operation is a call of a client's method, as an observer sees it.
type Operation struct {
	Name         string   // as in ltxstore.Error, such as "delete all"
	File         File     // of a listing the Level alone; of a deletion only that of a single file
	Seek         ltx.TXID // of a listing
	Offset, Size int64    // of a file that is opened
}

// Observer observes operations. The next client gets the context of Begin. End gets what Begin
// returned, and the number of bytes of a body that were read, or of the files that were listed or
// to be deleted. A listing and a reader end with Close.
type Observer[T any] interface {
	Begin(ctx context.Context, op Operation) (context.Context, T)
	End(begun T, op Operation, bytes int64, files int, err error)
}

// Observed is embedded by wrappers that observe operations and change nothing.
type Observed[T any] struct {
	*Base[struct{}]
	next     ltxstore.ReplicaClient
	observer Observer[T]
}

var _ ltxstore.ReplicaClient = (*Observed[int])(nil)

// NewObserved returns the client of a wrapper around next. If wrong, which is about the
// configuration, is not nil, every method fails with it.
func NewObserved[T any](next ltxstore.ReplicaClient, wrong error, observer Observer[T]) *Observed[T] {
	b := NewBase(next, "", func(context.Context, ltxstore.ReplicaClient) (*struct{}, error) { return nil, wrong })
	return &Observed[T]{b, Failing(b.Unwrap(), wrong), observer}
}

// LTXFiles calls the next client.
func (c *Observed[T]) LTXFiles(ctx context.Context, level int, seek ltx.TXID, useMetadata bool) (ltx.FileIterator, error) {
	op := Operation{Name: "list", File: File{Level: level}, Seek: seek}
	ctx, begun := c.observer.Begin(ctx, op)
	files, err := c.next.LTXFiles(ctx, level, seek, useMetadata)
	if err != nil {
		c.observer.End(begun, op, 0, 0, err)
		return nil, err
	}
	return flow.Counted(files, func(n int, err error) { c.observer.End(begun, op, 0, n, err) }), nil
}

// OpenLTXFile calls the next client.
func (c *Observed[T]) OpenLTXFile(ctx context.Context, level int, minTXID, maxTXID ltx.TXID, offset, size int64) (io.ReadCloser, error) {
	op := Operation{Name: "open", File: File{level, minTXID, maxTXID}, Offset: offset, Size: size}
	ctx, begun := c.observer.Begin(ctx, op)
	rc, err := c.next.OpenLTXFile(ctx, level, minTXID, maxTXID, offset, size)
	if err != nil {
		c.observer.End(begun, op, 0, 0, err)
		return nil, err
	}
	return Transfer(rc, func(n int64, err error) { c.observer.End(begun, op, n, 0, err) }), nil
}

// WriteLTXFile calls the next client.
func (c *Observed[T]) WriteLTXFile(ctx context.Context, level int, minTXID, maxTXID ltx.TXID, r io.Reader) (*ltx.FileInfo, error) {
	op := Operation{Name: "write", File: File{level, minTXID, maxTXID}}
	ctx, begun := c.observer.Begin(ctx, op)
	body, sent := Count(r)
	info, err := c.next.WriteLTXFile(ctx, level, minTXID, maxTXID, body)
	c.observer.End(begun, op, sent(info), 0, err)
	return info, err
}

// DeleteLTXFiles calls the next client. It is one operation.
func (c *Observed[T]) DeleteLTXFiles(ctx context.Context, files []*ltx.FileInfo) error {
	op := Operation{Name: "delete"}
	if len(files) == 1 && files[0] != nil {
		op.File = FileOf(files[0])
	}
	ctx, begun := c.observer.Begin(ctx, op)
	err := c.next.DeleteLTXFiles(ctx, files)
	c.observer.End(begun, op, 0, len(files), err)
	return err
}

// DeleteAll calls the next client.
func (c *Observed[T]) DeleteAll(ctx context.Context) error {
	op := Operation{Name: "delete all"}
	ctx, begun := c.observer.Begin(ctx, op)
	err := c.next.DeleteAll(ctx)
	c.observer.End(begun, op, 0, 0, err)
	return err
}
