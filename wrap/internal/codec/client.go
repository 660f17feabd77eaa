package codec

import (
	"context"
	"errors"
	"io"
	"io/fs"

	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/wrap/internal/layer"
)

// Format is the form in which a wrapper stores files. Its errors need not name the
// operation or the file.
type Format interface {
	// Encode returns the stored form of a body, and keep, which is called once the file
	// is stored.
	Encode(f layer.File, src *Source) (stored io.Reader, keep func(Known), err error)

	// Open opens a range of a file's body, as OpenLTXFile does.
	Open(ctx context.Context, f layer.File, offset, size int64) (io.ReadCloser, error)

	// Concurrency returns how many calls of FillStored a listing makes at once, or an
	// error if the format cannot list.
	Concurrency(metadata bool) (concurrency int, err error)

	// FillKnown changes info, a file as the store lists it, into the file as it was
	// written, and reports whether it could do so without a request.
	FillKnown(info *ltx.FileInfo, metadata bool) bool

	// FillStored does the same with requests. It fails with fs.ErrNotExist if the file
	// has been deleted since.
	FillStored(ctx context.Context, info *ltx.FileInfo, metadata bool) error

	// Forget drops what is known of a file, and Clear of all files.
	Forget(f layer.File)
	Clear()
}

// Client is embedded by a wrapper whose files are stored in a Format.
type Client = layer.Client[Files, *Files]

// New returns a client around next. open returns the format, or what is wrong
// with the configuration, as an error that names typ, next's Type.
func New[F Format](next ltxstore.ReplicaClient, open func(typ string, next layer.Next) (F, error)) *Client {
	return layer.New(next, func(_ context.Context, next layer.Next) (*Files, error) {
		format, err := open(next.Type(), next)
		return &Files{format, next}, err
	})
}

// Files has the layer.Operations of a Client.
type Files struct {
	Format
	next layer.Next
}

// List implements layer.Operations.
func (s *Files) List(ctx context.Context, level int, seek ltx.TXID, useMetadata bool) (ltx.FileIterator, error) {
	return list(ctx, s.next, s.Format, level, seek, useMetadata)
}

// Write implements layer.Operations.
func (s *Files) Write(ctx context.Context, f layer.File, r io.Reader) (*ltx.FileInfo, error) {
	src, err := NewSource(ctx, f, r)
	if err != nil {
		return nil, err
	}
	body, keep, err := s.Encode(f, src)
	if err != nil {
		return nil, err
	}
	s.Forget(f)
	stored, err := s.next.Write(ctx, f, body)
	if errors.Is(err, fs.ErrExist) {
		return s.compare(ctx, f, src, err)
	}
	if err == nil {
		err = src.Ended()
	}
	if err != nil {
		return nil, err
	}
	known := written(*stored, src)
	keep(known)
	return known.describe(f), nil
}

// compare returns the result of a write that was refused because the file exists: success if it
// has the same body (clause W6), and refused if not, or if this client cannot read it.
func (s *Files) compare(ctx context.Context, f layer.File, src *Source, refused error) (*ltx.FileInfo, error) {
	same, err := src.Equals(func() (io.ReadCloser, error) { return s.Open(ctx, f, 0, 0) })
	switch {
	case errors.Is(err, errors.ErrUnsupported), err == nil && !same:
		return nil, refused
	case err != nil:
		return nil, errors.Join(refused, err)
	}
	stored, err := Stat(ctx, s.next, f)
	if err != nil {
		return nil, err
	}
	known := written(stored, src)
	return known.describe(f), nil
}

// Delete implements layer.Operations.
func (s *Files) Delete(ctx context.Context, files []*ltx.FileInfo) error {
	for _, info := range files {
		s.Forget(layer.FileOf(info))
	}
	return s.next.Delete(ctx, files)
}

// DeleteAll implements layer.Operations.
func (s *Files) DeleteAll(ctx context.Context) error {
	s.Clear()
	return s.next.DeleteAll(ctx)
}
