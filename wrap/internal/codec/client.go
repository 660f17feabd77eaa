package codec

import (
	"cmp"
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
	// is stored; it may be nil.
	Encode(f layer.File, src *Source) (stored io.Reader, keep func(Known), err error)

	// Open opens a range of a file's body, as OpenLTXFile does.
	Open(ctx context.Context, f layer.File, offset, size int64) (io.ReadCloser, error)

	// CanList returns an error if the format cannot list, with metadata or without.
	CanList(metadata bool) error

	// SizeOf returns the size of a body if it follows from that of the stored file.
	SizeOf(stored int64) (size int64, ok bool)

	// Inspect reads what is known of a listed file, with its time if metadata is true. It
	// fails with fs.ErrNotExist if the file has been deleted since.
	Inspect(ctx context.Context, listed ltx.FileInfo, metadata bool) (Known, error)

	// Drop removes what the format remembers of a file, and Clear of all files: a Format
	// embeds a Cache.
	Drop(f layer.File)
	Clear()
}

// Client is embedded by a wrapper whose files are stored in a Format.
type Client = layer.Client[Files, *Files]

// New returns a client around next. A listing calls Inspect for concurrency files at once; 0 means 32.
// open returns the format, or what is wrong with the configuration, as an error that names typ,
// next's Type.
func New[F Format](next ltxstore.ReplicaClient, concurrency int, cacheSize int64, open func(typ string, next layer.Next) (F, error)) *Client {
	return layer.New(next, func(_ context.Context, next layer.Next) (*Files, error) {
		format, err := open(next.Type(), next)
		return &Files{format, next, NewCache[Known](cacheSize), cmp.Or(concurrency, 32)}, err
	})
}

// Files has the layer.Operations of a Client.
type Files struct {
	Format
	next        layer.Next
	known       *Cache[Known]
	concurrency int
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
	s.forget(f)
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
	s.known.Put(f, known, knownMemory)
	if keep != nil {
		keep(known)
	}
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
		s.forget(layer.FileOf(info))
	}
	return s.next.Delete(ctx, files)
}

// DeleteAll implements layer.Operations.
func (s *Files) DeleteAll(ctx context.Context) error {
	s.known.Clear()
	s.Format.Clear()
	return s.next.DeleteAll(ctx)
}

func (s *Files) forget(f layer.File) {
	s.known.Drop(f)
	s.Format.Drop(f)
}
