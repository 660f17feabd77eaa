// Package metrics counts a client's operations for Prometheus, under the names of
// Litestream's own metrics, so that its dashboards work. See package
// [github.com/ltxstore/ltxstore/wrap/trace] for OpenTelemetry spans.
//
// # Metrics
//
// All have the labels replica_type, the client's Type, and operation:
// PUT (WriteLTXFile), GET (OpenLTXFile), DELETE (DeleteLTXFiles and DeleteAll) and
// LIST (LTXFiles).
//
//   - litestream_replica_operation_total: operations, including failed ones.
//   - litestream_replica_operation_bytes: bytes read from bodies, by the store for PUT
//     and by the caller for GET. It does not include requests and listings.
//   - litestream_replica_operation_duration_seconds: a histogram of durations, for GET
//     and LIST until Close.
//   - litestream_replica_operation_errors_total: failed operations, with the additional
//     label code: canceled, checksum, deadline, exists, invalid, not_found,
//     other, permission, store_not_found, throttled, unavailable or unsupported. It
//     includes missing files, which an alert can leave out by their code.
//
// What is counted depends on the place among other wrappers: inside compress, bytes are
// those stored; inside retry, each attempt is an operation. Init and Close are not counted.
package metrics

import (
	"context"
	"io"
	"time"

	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/internal/flow"
	"github.com/ltxstore/ltxstore/wrap/internal/layer"
)

var _ ltxstore.ReplicaClient = (*Client)(nil)

// Client counts the operations of the next client. New returns one. It is safe for
// concurrent use.
type Client struct {
	*base
	next  ltxstore.ReplicaClient
	ops   *operations
	wrong error // what is wrong with the Config
}

type base = layer.Base[struct{}]

// New registers the metrics and returns a client that counts the operations of next. If
// the registry is nil or refuses the metrics, or next is nil, every method fails with
// fs.ErrInvalid.
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

// LTXFiles calls the next client. It is counted when the iterator is closed.
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
	return flow.Counted(files, func(_ int, err error) { c.ops.list.end(start, 0, err) }), nil
}

// OpenLTXFile calls the next client. It is counted when the reader is closed.
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

// WriteLTXFile calls the next client.
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

// DeleteLTXFiles calls the next client. It counts as one operation.
func (c *Client) DeleteLTXFiles(ctx context.Context, files []*ltx.FileInfo) error {
	if c.wrong != nil {
		return c.wrong
	}
	start := time.Now()
	err := c.next.DeleteLTXFiles(ctx, files)
	c.ops.remove.end(start, 0, err)
	return err
}

// DeleteAll calls the next client. It counts as one operation.
func (c *Client) DeleteAll(ctx context.Context) error {
	if c.wrong != nil {
		return c.wrong
	}
	start := time.Now()
	err := c.next.DeleteAll(ctx)
	c.ops.remove.end(start, 0, err)
	return err
}
