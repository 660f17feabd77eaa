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
//   - litestream_replica_operation_bytes: bytes of the files stored by PUT, and bytes
//     that the caller has read of those opened by GET.
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
	"time"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/wrap/internal/layer"
)

// Client counts the operations of the next client. A call with invalid arguments, or with a context
// that has ended, does not count. New returns a Client. It is safe for concurrent use.
type Client struct{ *client }

type observed = layer.Observed[time.Time]

type client = layer.Client[observed, *observed]

// New registers the metrics and returns a client that counts the operations of next. If the registry
// is nil or rejects the metrics, or next is nil, every method fails with fs.ErrInvalid.
func New(next ltxstore.ReplicaClient, cfg Config) *Client {
	var ops operations
	var wrong error
	c := layer.New(next, func(_ context.Context, next layer.Next) (*observed, error) {
		return &observed{Next: next, Observer: ops}, wrong
	})
	ops, wrong = cfg.operations(c.Type())
	return &Client{c}
}

// Begin implements layer.Observer.
func (operations) Begin(ctx context.Context, _ layer.Operation) (context.Context, time.Time) {
	return ctx, time.Now()
}

// End implements layer.Observer.
func (o operations) End(start time.Time, op layer.Operation, bytes int64, _ int, err error) {
	counts := o[op.Name]
	counts.total.Inc()
	counts.bytes.Add(float64(bytes))
	counts.seconds.Observe(time.Since(start).Seconds())
	if err != nil {
		counts.failures.WithLabelValues(code(err)).Inc()
	}
}
