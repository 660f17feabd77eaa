// Package trace records an OpenTelemetry span for each operation of a client.
// See package [github.com/ltxstore/ltxstore/wrap/metrics] for Prometheus metrics.
//
// # Spans
//
// Spans are named "ltx init", "ltx list", "ltx open", "ltx write", "ltx delete" and
// "ltx delete all", and have the kind client. The spans of a listing and of a reader
// end with Close. The next client gets the span's context, so that spans of its
// own, such as those of HTTP requests, are children of it.
//
// # Attributes
//
//   - ltx.replica: the client's Type
//   - ltx.level, ltx.min_txid, ltx.max_txid: the file, also of a deletion of one file
//   - ltx.seek: the seek of a listing; ltx.offset and ltx.size: the range of an open
//   - ltx.bytes: the number of bytes read from a body
//   - ltx.files: the number of files listed or to be deleted
//
// An error is recorded in the span. It sets the status to Error unless the file is
// missing or the context was canceled, which are ordinary answers. Errors contain no
// secrets (clause C4), and text that looks like one is redacted.
package trace

import (
	"context"
	"io"

	"github.com/superfly/ltx"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/internal/flow"
	"github.com/ltxstore/ltxstore/wrap/internal/layer"
)

var _ ltxstore.ReplicaClient = (*Client)(nil)

// Config is the configuration of a Client.
type Config struct {
	// TracerProvider makes the tracer. Nil means the global one,
	// otel.GetTracerProvider().
	TracerProvider trace.TracerProvider `ltx:"-"`
}

// Client traces the operations of the next client. New returns one. It is safe for
// concurrent use.
type Client struct {
	*base
	next   ltxstore.ReplicaClient
	tracer trace.Tracer
}

type base = layer.Base[struct{}]

// New returns a client that traces the operations of next. If next is nil, every method
// fails with fs.ErrInvalid.
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

// LTXFiles calls the next client. Its span ends when the iterator is closed.
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
	return flow.Counted(files, func(n int, err error) { s.end(err, attribute.Int("ltx.files", n)) }), nil
}

// OpenLTXFile calls the next client. Its span ends when the reader is closed.
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

// WriteLTXFile calls the next client.
func (c *Client) WriteLTXFile(ctx context.Context, level int, minTXID, maxTXID ltx.TXID, r io.Reader) (*ltx.FileInfo, error) {
	ctx, s := c.start(ctx, "ltx write")
	s.file(level, minTXID, maxTXID)
	body, sent := layer.Count(r)
	info, err := c.next.WriteLTXFile(ctx, level, minTXID, maxTXID, body)
	s.end(err, attribute.Int64("ltx.bytes", sent(info)))
	return info, err
}

// DeleteLTXFiles calls the next client.
func (c *Client) DeleteLTXFiles(ctx context.Context, files []*ltx.FileInfo) error {
	ctx, s := c.start(ctx, "ltx delete")
	if len(files) == 1 && files[0] != nil {
		s.file(files[0].Level, files[0].MinTXID, files[0].MaxTXID)
	}
	err := c.next.DeleteLTXFiles(ctx, files)
	s.end(err, attribute.Int("ltx.files", len(files)))
	return err
}

// DeleteAll calls the next client.
func (c *Client) DeleteAll(ctx context.Context) error {
	ctx, s := c.start(ctx, "ltx delete all")
	err := c.next.DeleteAll(ctx)
	s.end(err)
	return err
}
