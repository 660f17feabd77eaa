// Package metrics counts a client's operations for Prometheus, under the names that
// Litestream's dashboards ask for, of every backend and operation.
//
// # Metrics
//
// All have the labels replica_type, which is the client's Type, and operation:
// PUT (WriteLTXFile), GET (OpenLTXFile), DELETE (DeleteLTXFiles and DeleteAll) and
// LIST (LTXFiles).
//
//   - litestream_replica_operation_total: operations, those included that fail.
//   - litestream_replica_operation_bytes: bytes of bodies, as many as were read: by
//     the store for PUT, by the caller for GET, also of a body that is closed early.
//     Requests and listings are not in it.
//   - litestream_replica_operation_duration_seconds: a histogram; for GET and LIST
//     until Close.
//   - litestream_replica_operation_errors_total: failures by the further label code,
//     which is the kind: canceled, checksum, deadline, exists, invalid, not_found,
//     other, permission, store_not_found, throttled, unavailable or unsupported. A
//     missing file is among them, because an alarm may leave codes out.
//
// A client that wraps others counts what passes it: inside of compress the bytes
// that are stored, inside of retry every attempt.
//
// # Optional abilities
//
// Client has Init, SetLogger and Close, which are the next client's and not
// counted. What else a client inside has is found by ltxstore.As.
package metrics

import (
	"context"
	"io"
	"time"

	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/wrap/internal/layer"
)

var _ ltxstore.ReplicaClient = (*Client)(nil)

// Client counts what the next client does. It is made by New and safe for
// concurrent use.
type Client struct {
	*base
	next  ltxstore.ReplicaClient
	ops   *operations
	wrong error // with the Config
}

type base = layer.Base[struct{}]

// New returns a client that counts what next does. It registers the metrics. A
// registry that is nil or refuses them, and a next that is nil, are fs.ErrInvalid
// in every method.
func New(next ltxstore.ReplicaClient, cfg Config) *Client {
	c := &Client{}
	c.base = layer.NewBase(next, "", func(context.Context, ltxstore.ReplicaClient) (*struct{}, error) { return nil, c.wrong })
	c.next = c.Unwrap()
	c.ops, c.wrong = cfg.operations(c.Type())
	return c
}

// end counts an operation that began at start.
func (o *operation) end(start time.Time, n int64, err error) {
	o.total.Inc()
	o.bytes.Add(float64(n))
	o.seconds.Observe(time.Since(start).Seconds())
	if err != nil {
		o.failures.WithLabelValues(code(err)).Inc()
	}
}

// LTXFiles is the next client's. It is counted when the iterator is closed.
func (c *Client) LTXFiles(ctx context.Context, level int, seek ltx.TXID, useMetadata bool) (ltx.FileIterator, error) {
	if c.wrong != nil {
		return nil, c.wrong
	}
	start := time.Now()
	files, err := c.next.LTXFiles(ctx, level, seek, useMetadata)
	if err != nil {
		c.ops.list.end(start, 0, err)
		return nil, err
	}
	return layer.Listing(files, func(_ int, err error) { c.ops.list.end(start, 0, err) }), nil
}

// OpenLTXFile is the next client's. It is counted when the reader is closed.
func (c *Client) OpenLTXFile(ctx context.Context, level int, minTXID, maxTXID ltx.TXID, offset, size int64) (io.ReadCloser, error) {
	if c.wrong != nil {
		return nil, c.wrong
	}
	start := time.Now()
	rc, err := c.next.OpenLTXFile(ctx, level, minTXID, maxTXID, offset, size)
	if err != nil {
		c.ops.get.end(start, 0, err)
		return nil, err
	}
	return layer.Transfer(rc, func(n int64, err error) { c.ops.get.end(start, n, err) }), nil
}

// WriteLTXFile is the next client's.
func (c *Client) WriteLTXFile(ctx context.Context, level int, minTXID, maxTXID ltx.TXID, r io.Reader) (*ltx.FileInfo, error) {
	if c.wrong != nil {
		return nil, c.wrong
	}
	start := time.Now()
	body, sent := layer.Count(r)
	info, err := c.next.WriteLTXFile(ctx, level, minTXID, maxTXID, body)
	c.ops.put.end(start, sent(info), err)
	return info, err
}

// DeleteLTXFiles is the next client's: one operation, however many files.
func (c *Client) DeleteLTXFiles(ctx context.Context, files []*ltx.FileInfo) error {
	if c.wrong != nil {
		return c.wrong
	}
	start := time.Now()
	err := c.next.DeleteLTXFiles(ctx, files)
	c.ops.remove.end(start, 0, err)
	return err
}

// DeleteAll is the next client's: one operation.
func (c *Client) DeleteAll(ctx context.Context) error {
	if c.wrong != nil {
		return c.wrong
	}
	start := time.Now()
	err := c.next.DeleteAll(ctx)
	c.ops.remove.end(start, 0, err)
	return err
}
