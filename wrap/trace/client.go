// Package trace makes an OpenTelemetry span of each operation of a client.
//
// # Spans
//
// Their names are "ltx init", "ltx list", "ltx open", "ltx write", "ltx delete" and
// "ltx delete all", their kind is client. The span of a listing and that of a reader
// end with Close. The next client is called with the span's context, so that what
// it traces itself, such as its HTTP requests, is below.
//
// # Attributes
//
//   - ltx.replica: the client's Type
//   - ltx.level, ltx.min_txid, ltx.max_txid: of the file, or of a deletion of one
//   - ltx.seek: of a listing; ltx.offset and ltx.size: of an open
//   - ltx.bytes: of a body, as many as were read
//   - ltx.files: how many were listed, or are to be deleted
//
// A failure is recorded, and makes the status an error, but for a missing file and
// for a caller that gave up: these are answers. Texts of errors have no secrets: the
// contract forbids them (C4), and what looks like one is taken off.
//
// # Optional abilities
//
// Client has Init, SetLogger and Close, which are the next client's. What else a
// client inside has is found by ltxstore.As.
package trace

import (
	"context"
	"io"

	"github.com/superfly/ltx"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/wrap/internal/layer"
)

var _ ltxstore.ReplicaClient = (*Client)(nil)

// Config says where the spans go.
type Config struct {
	// TracerProvider is OpenTelemetry's. Nil means the global one, as it is in all
	// instrumentation: otel.GetTracerProvider().
	TracerProvider trace.TracerProvider `ltx:"-"`
}

// Client traces what the next client does. It is made by New and safe for
// concurrent use.
type Client struct {
	*base
	next   ltxstore.ReplicaClient
	tracer trace.Tracer
}

type base = layer.Base[struct{}]

// New returns a client that traces what next does. A next that is nil is
// fs.ErrInvalid in every method.
func New(next ltxstore.ReplicaClient, cfg Config) *Client {
	provider := cfg.TracerProvider
	if provider == nil {
		provider = otel.GetTracerProvider()
	}
	b := layer.NewBase[struct{}](next, "", nil)
	return &Client{b, b.Unwrap(), provider.Tracer("github.com/ltxstore/ltxstore/wrap/trace")}
}

// Init initializes the next client.
func (c *Client) Init(ctx context.Context) error {
	ctx, s := c.start(ctx, "ltx init")
	err := ltxstore.Init(ctx, c.next)
	s.end(err)
	return err
}

// LTXFiles is the next client's. Its span ends when the iterator is closed.
func (c *Client) LTXFiles(ctx context.Context, level int, seek ltx.TXID, useMetadata bool) (ltx.FileIterator, error) {
	ctx, s := c.start(ctx, "ltx list")
	s.set(func() []attribute.KeyValue {
		return []attribute.KeyValue{attribute.Int("ltx.level", level), attribute.Stringer("ltx.seek", seek)}
	})
	files, err := c.next.LTXFiles(ctx, level, seek, useMetadata)
	if err != nil {
		s.end(err)
		return nil, err
	}
	return layer.Listing(files, func(n int, err error) { s.end(err, attribute.Int("ltx.files", n)) }), nil
}

// OpenLTXFile is the next client's. Its span ends when the reader is closed.
func (c *Client) OpenLTXFile(ctx context.Context, level int, minTXID, maxTXID ltx.TXID, offset, size int64) (io.ReadCloser, error) {
	ctx, s := c.start(ctx, "ltx open")
	s.file(level, minTXID, maxTXID)
	s.set(func() []attribute.KeyValue {
		return []attribute.KeyValue{attribute.Int64("ltx.offset", offset), attribute.Int64("ltx.size", size)}
	})
	rc, err := c.next.OpenLTXFile(ctx, level, minTXID, maxTXID, offset, size)
	if err != nil {
		s.end(err)
		return nil, err
	}
	return layer.Transfer(rc, func(n int64, err error) { s.end(err, attribute.Int64("ltx.bytes", n)) }), nil
}

// WriteLTXFile is the next client's.
func (c *Client) WriteLTXFile(ctx context.Context, level int, minTXID, maxTXID ltx.TXID, r io.Reader) (*ltx.FileInfo, error) {
	ctx, s := c.start(ctx, "ltx write")
	s.file(level, minTXID, maxTXID)
	body, sent := layer.Count(r)
	info, err := c.next.WriteLTXFile(ctx, level, minTXID, maxTXID, body)
	s.end(err, attribute.Int64("ltx.bytes", sent(info)))
	return info, err
}

// DeleteLTXFiles is the next client's.
func (c *Client) DeleteLTXFiles(ctx context.Context, files []*ltx.FileInfo) error {
	ctx, s := c.start(ctx, "ltx delete")
	if len(files) == 1 && files[0] != nil {
		s.file(files[0].Level, files[0].MinTXID, files[0].MaxTXID)
	}
	err := c.next.DeleteLTXFiles(ctx, files)
	s.end(err, attribute.Int("ltx.files", len(files)))
	return err
}

// DeleteAll is the next client's.
func (c *Client) DeleteAll(ctx context.Context) error {
	ctx, s := c.start(ctx, "ltx delete all")
	err := c.next.DeleteAll(ctx)
	s.end(err)
	return err
}
