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
//   - ltx.bytes: the size of a written file, or how many bytes of a file were read
//   - ltx.files: the number of files listed or to be deleted
//
// An error is recorded in the span. It sets the status to Error unless the file is
// missing or the context was canceled, which are ordinary answers. Errors contain no
// secrets (clause C4), and text that looks like one is redacted.
package trace

import (
	"context"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/trace"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/wrap/internal/layer"
)

// Config is the configuration of a Client.
type Config struct {
	// TracerProvider makes the tracer. Nil means the global one,
	// otel.GetTracerProvider().
	TracerProvider trace.TracerProvider `ltx:"-"`
}

// Client traces the operations of the next client. A call with invalid arguments, or with a context
// that has ended, has no span. New returns a Client. It is safe for concurrent use.
type Client struct{ *client }

type observed = layer.Observed[trace.Span]

type client = layer.Client[observed, *observed]

// New returns a client that traces the operations of next. If next is nil, every method
// fails with fs.ErrInvalid.
func New(next ltxstore.ReplicaClient, cfg Config) *Client {
	provider := cfg.TracerProvider
	if provider == nil {
		provider = otel.GetTracerProvider()
	}
	t := tracer{Tracer: provider.Tracer("github.com/ltxstore/ltxstore/wrap/trace")}
	return &Client{layer.New(next, func(_ context.Context, next layer.Next) (*observed, error) {
		t.replica = next.Type()
		return &observed{Next: next, Observer: t}, nil
	})}
}

// Init initializes the next client.
func (c *Client) Init(ctx context.Context) error {
	s, err := c.Begin(ctx, "init", nil)
	if err != nil {
		return err
	}
	op := layer.Operation{Name: "init"}
	ctx, span := s.Observer.Begin(ctx, op)
	err = ltxstore.Init(ctx, c.Unwrap())
	s.End(span, op, 0, 0, err)
	return err
}
