package layer

import (
	"context"
	"io"

	"github.com/superfly/ltx"

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
// returned, and the number of bytes that were stored or read, or of the files that were listed or to
// be deleted. A listing and a reader end with Close.
type Observer[T any] interface {
	Begin(ctx context.Context, op Operation) (context.Context, T)
	End(begun T, op Operation, bytes int64, files int, err error)
}

// Observed are the Operations of a wrapper that observes those of the next client and changes nothing.
type Observed[T any] struct {
	Next
	Observer[T]
}

// List implements Operations.
func (o *Observed[T]) List(ctx context.Context, level int, seek ltx.TXID, useMetadata bool) (ltx.FileIterator, error) {
	op := Operation{Name: "list", File: File{Level: level}, Seek: seek}
	ctx, begun := o.Begin(ctx, op)
	files, err := o.Next.List(ctx, level, seek, useMetadata)
	if err != nil {
		o.End(begun, op, 0, 0, err)
		return nil, err
	}
	return flow.Counted(files, func(n int, err error) { o.End(begun, op, 0, n, err) }), nil
}

// Open implements Operations.
func (o *Observed[T]) Open(ctx context.Context, f File, offset, size int64) (io.ReadCloser, error) {
	op := Operation{Name: "open", File: f, Offset: offset, Size: size}
	ctx, begun := o.Begin(ctx, op)
	rc, err := o.Next.Open(ctx, f, offset, size)
	if err != nil {
		o.End(begun, op, 0, 0, err)
		return nil, err
	}
	return Transfer(rc, func(n int64, err error) { o.End(begun, op, n, 0, err) }), nil
}

// Write implements Operations.
func (o *Observed[T]) Write(ctx context.Context, f File, r io.Reader) (*ltx.FileInfo, error) {
	op := Operation{Name: "write", File: f}
	ctx, begun := o.Begin(ctx, op)
	info, err := o.Next.Write(ctx, f, r)
	var stored int64
	if info != nil && err == nil {
		stored = info.Size
	}
	o.End(begun, op, stored, 0, err)
	return info, err
}

// Delete implements Operations. It is one operation, however many files there are.
func (o *Observed[T]) Delete(ctx context.Context, files []*ltx.FileInfo) error {
	op := Operation{Name: "delete"}
	if len(files) == 1 {
		op.File = FileOf(files[0])
	}
	ctx, begun := o.Begin(ctx, op)
	err := o.Next.Delete(ctx, files)
	o.End(begun, op, 0, len(files), err)
	return err
}

// DeleteAll implements Operations.
func (o *Observed[T]) DeleteAll(ctx context.Context) error {
	op := Operation{Name: "delete all"}
	ctx, begun := o.Begin(ctx, op)
	err := o.Next.DeleteAll(ctx)
	o.End(begun, op, 0, 0, err)
	return err
}
