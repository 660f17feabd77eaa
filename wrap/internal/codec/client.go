package codec

import (
	"context"
	"errors"
	"io"
	"io/fs"

	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/backend"
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

// Client is a replica whose files are stored in a Format. It is embedded by wrappers.
type Client struct{ *layer.Base[Format] }

var _ ltxstore.ReplicaClient = Client{}

// New returns a client around next. See layer.NewBase for name. open returns the format, or what is
// wrong with the configuration, as an error that names typ, next's Type.
func New[F Format](next ltxstore.ReplicaClient, name string, open func(typ string, next ltxstore.ReplicaClient) (F, error)) Client {
	return Client{layer.NewBase(next, name, func(_ context.Context, next ltxstore.ReplicaClient) (*Format, error) {
		format, err := open(next.Type(), next)
		if err != nil {
			return nil, err
		}
		var f Format = format
		return &f, nil
	})}
}

// LTXFiles implements ltxstore.ReplicaClient.
func (c Client) LTXFiles(ctx context.Context, level int, seek ltx.TXID, useMetadata bool) (ltx.FileIterator, error) {
	format, err := layer.Begin(ctx, c.Base, "list", backend.CheckLevel(level))
	if err != nil {
		return nil, err
	}
	files, err := list(ctx, c.Unwrap(), *format, level, seek, useMetadata)
	return files, layer.Wrap(c.Unwrap(), "list", "", err)
}

// OpenLTXFile implements ltxstore.ReplicaClient.
func (c Client) OpenLTXFile(ctx context.Context, level int, minTXID, maxTXID ltx.TXID, offset, size int64) (io.ReadCloser, error) {
	f := layer.File{Level: level, MinTXID: minTXID, MaxTXID: maxTXID}
	format, err := layer.Begin(ctx, c.Base, "open", f.CheckRange(offset, size))
	if err != nil {
		return nil, err
	}
	rc, err := (*format).Open(ctx, f, offset, size)
	if err != nil {
		return nil, layer.WrapFile(c.Unwrap(), "open", f, err)
	}
	return rc, nil
}

// WriteLTXFile implements ltxstore.ReplicaClient.
func (c Client) WriteLTXFile(ctx context.Context, level int, minTXID, maxTXID ltx.TXID, r io.Reader) (*ltx.FileInfo, error) {
	f := layer.File{Level: level, MinTXID: minTXID, MaxTXID: maxTXID}
	format, err := layer.Begin(ctx, c.Base, "write", f.CheckBody(c, r))
	if err != nil {
		return nil, err
	}
	info, err := c.write(ctx, *format, f, r)
	return info, layer.WrapFile(c.Unwrap(), "write", f, err)
}

func (c Client) write(ctx context.Context, format Format, f layer.File, r io.Reader) (*ltx.FileInfo, error) {
	src, err := NewSource(ctx, f, r)
	if err != nil {
		return nil, err
	}
	body, keep, err := format.Encode(f, src)
	if err != nil {
		return nil, err
	}
	format.Forget(f)
	stored, err := c.Unwrap().WriteLTXFile(ctx, f.Level, f.MinTXID, f.MaxTXID, body)
	if errors.Is(err, fs.ErrExist) {
		return c.compare(ctx, format, f, src, err)
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
func (c Client) compare(ctx context.Context, format Format, f layer.File, src *Source, refused error) (*ltx.FileInfo, error) {
	same, err := src.Equals(func() (io.ReadCloser, error) { return format.Open(ctx, f, 0, 0) })
	switch {
	case errors.Is(err, errors.ErrUnsupported), err == nil && !same:
		return nil, refused
	case err != nil:
		return nil, errors.Join(refused, err)
	}
	stored, err := Stat(ctx, c.Unwrap(), f)
	if err != nil {
		return nil, err
	}
	known := written(stored, src)
	return known.describe(f), nil
}

// DeleteLTXFiles implements ltxstore.ReplicaClient. It calls the next client.
func (c Client) DeleteLTXFiles(ctx context.Context, files []*ltx.FileInfo) error {
	format, err := layer.Begin(ctx, c.Base, "delete", backend.CheckFiles(files))
	if err != nil {
		return err
	}
	for _, info := range files {
		(*format).Forget(layer.FileOf(info))
	}
	return c.Unwrap().DeleteLTXFiles(ctx, files)
}

// DeleteAll implements ltxstore.ReplicaClient. It calls the next client.
func (c Client) DeleteAll(ctx context.Context) error {
	format, err := layer.Begin(ctx, c.Base, "delete all", nil)
	if err != nil {
		return err
	}
	(*format).Clear()
	return c.Unwrap().DeleteAll(ctx)
}
