package layer

import (
	"context"
	"io"
	"log/slog"

	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/backend"
	"github.com/ltxstore/ltxstore/internal/flow"
)

// Operations are what a wrapper does when a method of ltxstore.ReplicaClient is called with valid
// arguments. Their errors need not name the operation or the file.
type Operations interface {
	List(ctx context.Context, level int, seek ltx.TXID, useMetadata bool) (ltx.FileIterator, error)
	Open(ctx context.Context, f File, offset, size int64) (io.ReadCloser, error)
	Write(ctx context.Context, f File, r io.Reader) (*ltx.FileInfo, error)
	Delete(ctx context.Context, files []*ltx.FileInfo) error
	DeleteAll(ctx context.Context) error
}

// Next has the Operations of a client, the next one, for a wrapper that changes some of them.
type Next struct{ Client ltxstore.ReplicaClient }

// Type calls Type.
func (n Next) Type() string { return n.Client.Type() }

// List calls LTXFiles.
func (n Next) List(ctx context.Context, level int, seek ltx.TXID, useMetadata bool) (ltx.FileIterator, error) {
	return n.Client.LTXFiles(ctx, level, seek, useMetadata)
}

// Open calls OpenLTXFile.
func (n Next) Open(ctx context.Context, f File, offset, size int64) (io.ReadCloser, error) {
	return n.Client.OpenLTXFile(ctx, f.Level, f.MinTXID, f.MaxTXID, offset, size)
}

// Write calls WriteLTXFile.
func (n Next) Write(ctx context.Context, f File, r io.Reader) (*ltx.FileInfo, error) {
	return n.Client.WriteLTXFile(ctx, f.Level, f.MinTXID, f.MaxTXID, r)
}

// Delete calls DeleteLTXFiles.
func (n Next) Delete(ctx context.Context, files []*ltx.FileInfo) error {
	return n.Client.DeleteLTXFiles(ctx, files)
}

// DeleteAll calls DeleteAll.
func (n Next) DeleteAll(ctx context.Context) error { return n.Client.DeleteAll(ctx) }

// Client is embedded by every wrapper. It makes an ltxstore.ReplicaClient of its Operations, which its
// configuration becomes when the first method is called, and implements the optional interfaces,
// which act on the next client.
type Client[S any, O operations[S]] struct {
	next  ltxstore.ReplicaClient
	open  func(ctx context.Context, next Next) (*S, error) // a closure over the Config, which fmt does not print
	ready flow.Lazy[S]
}

type operations[S any] interface {
	*S
	Operations
}

// New returns a client of a wrapper around next. open returns the Operations, or what is wrong with the
// configuration, which every method returns then.
func New[S any, O operations[S]](next ltxstore.ReplicaClient, open func(ctx context.Context, next Next) (*S, error)) *Client[S, O] {
	if next == nil {
		next = missing{}
		open = func(context.Context, Next) (*S, error) { return nil, errMissing() }
	}
	return &Client[S, O]{next: next, open: open}
}

// Begin is called first by every method. It returns the Operations, or an error that the method
// returns as it is: wrong, which is about the arguments of op, that of ctx, or that of an invalid
// configuration.
func (c *Client[S, O]) Begin(ctx context.Context, op string, wrong error) (*S, error) {
	if wrong != nil {
		return nil, c.Wrap(op, wrong)
	}
	s, err := c.ready.Get(ctx, func(ctx context.Context) (*S, error) { return c.open(ctx, Next{c.next}) })
	return s, c.Wrap("init", err)
}

// Wrap is the function Wrap for this client.
func (c *Client[S, O]) Wrap(op string, err error) error { return Wrap(c.next, op, "", err) }

// Ready returns the Operations once a method has succeeded, and nil before.
func (c *Client[S, O]) Ready() *S { return c.ready.Load() }

// LTXFiles implements ltxstore.ReplicaClient.
func (c *Client[S, O]) LTXFiles(ctx context.Context, level int, seek ltx.TXID, useMetadata bool) (ltx.FileIterator, error) {
	s, err := c.Begin(ctx, "list", backend.CheckLevel(level))
	if err != nil {
		return nil, err
	}
	files, err := O(s).List(ctx, level, seek, useMetadata)
	return files, c.Wrap("list", err)
}

// OpenLTXFile implements ltxstore.ReplicaClient.
func (c *Client[S, O]) OpenLTXFile(ctx context.Context, level int, minTXID, maxTXID ltx.TXID, offset, size int64) (io.ReadCloser, error) {
	f := File{level, minTXID, maxTXID}
	s, err := c.Begin(ctx, "open", f.checkRange(offset, size))
	if err != nil {
		return nil, err
	}
	rc, err := O(s).Open(ctx, f, offset, size)
	return rc, WrapFile(c.next, "open", f, err)
}

// WriteLTXFile implements ltxstore.ReplicaClient.
func (c *Client[S, O]) WriteLTXFile(ctx context.Context, level int, minTXID, maxTXID ltx.TXID, r io.Reader) (*ltx.FileInfo, error) {
	f := File{level, minTXID, maxTXID}
	s, err := c.Begin(ctx, "write", f.check())
	if err != nil {
		return nil, err
	}
	info, err := O(s).Write(ctx, f, r)
	return info, WrapFile(c.next, "write", f, err)
}

// DeleteLTXFiles implements ltxstore.ReplicaClient.
func (c *Client[S, O]) DeleteLTXFiles(ctx context.Context, files []*ltx.FileInfo) error {
	s, err := c.Begin(ctx, "delete", backend.CheckFiles(files))
	if err != nil {
		return err
	}
	return c.Wrap("delete", O(s).Delete(ctx, files))
}

// DeleteAll implements ltxstore.ReplicaClient.
func (c *Client[S, O]) DeleteAll(ctx context.Context) error {
	s, err := c.Begin(ctx, "delete all", nil)
	if err != nil {
		return err
	}
	return c.Wrap("delete all", O(s).DeleteAll(ctx))
}

// Init checks the configuration and initializes the next client. It fails with fs.ErrInvalid if
// a field is invalid.
func (c *Client[S, O]) Init(ctx context.Context) error {
	if _, err := c.Begin(ctx, "init", nil); err != nil {
		return err
	}
	return ltxstore.Init(ctx, c.next)
}

// Unwrap returns the next client.
func (c *Client[S, O]) Unwrap() ltxstore.ReplicaClient { return c.next }

// Type returns the next client's Type.
func (c *Client[S, O]) Type() string { return c.next.Type() }

// SetLogger sets the next client's logger.
func (c *Client[S, O]) SetLogger(logger *slog.Logger) { SetLogger(c.next, logger) }

// Close closes the next client.
func (c *Client[S, O]) Close() error { return ltxstore.Close(c.next) }
