package trace

import (
	"context"
	"errors"
	"io/fs"

	"github.com/superfly/ltx"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/internal/scrub"
)

// span is the span of an operation. Attributes are made only if it is recorded.
type span struct{ trace.Span }

func (c *Client) start(ctx context.Context, name string) (context.Context, span) {
	ctx, s := c.tracer.Start(ctx, name, trace.WithSpanKind(trace.SpanKindClient))
	if s.IsRecording() {
		s.SetAttributes(attribute.String("ltx.replica", c.Type()))
	}
	return ctx, span{s}
}

func (s span) set(attributes func() []attribute.KeyValue) {
	if s.IsRecording() {
		s.SetAttributes(attributes()...)
	}
}

// file sets the attributes of a file.
func (s span) file(level int, minTXID, maxTXID ltx.TXID) {
	s.set(func() []attribute.KeyValue {
		return []attribute.KeyValue{attribute.Int("ltx.level", level),
			attribute.Stringer("ltx.min_txid", minTXID), attribute.Stringer("ltx.max_txid", maxTXID)}
	})
}

// end ends the span with the result of the operation.
func (s span) end(err error, attributes ...attribute.KeyValue) {
	defer s.End()
	if !s.IsRecording() {
		return
	}
	s.SetAttributes(attributes...)
	if err == nil {
		return
	}
	redacted := scrub.Error(err)
	s.RecordError(redacted)
	answer := errors.Is(err, context.Canceled) || errors.Is(err, fs.ErrNotExist) && !errors.Is(err, ltxstore.ErrStoreNotFound)
	if !answer {
		s.SetStatus(codes.Error, redacted.Error())
	}
}
