package trace

import (
	"context"
	"errors"
	"io/fs"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/internal/scrub"
	"github.com/ltxstore/ltxstore/wrap/internal/layer"
)

// tracer makes the spans of a client.
type tracer struct {
	trace.Tracer
	replica string // the client's Type
}

// Begin implements layer.Observer. Attributes are made only if the span is recorded.
func (t tracer) Begin(ctx context.Context, op layer.Operation) (context.Context, trace.Span) {
	ctx, span := t.Start(ctx, "ltx "+op.Name, trace.WithSpanKind(trace.SpanKindClient))
	if span.IsRecording() {
		span.SetAttributes(t.attributes(op)...)
	}
	return ctx, span
}

// End implements layer.Observer.
func (t tracer) End(span trace.Span, op layer.Operation, bytes int64, files int, err error) {
	defer span.End()
	if !span.IsRecording() {
		return
	}
	switch op.Name {
	case "open", "write":
		span.SetAttributes(attribute.Int64("ltx.bytes", bytes))
	case "list", "delete":
		span.SetAttributes(attribute.Int("ltx.files", files))
	}
	fail(span, err)
}

func (t tracer) attributes(op layer.Operation) []attribute.KeyValue {
	all := []attribute.KeyValue{attribute.String("ltx.replica", t.replica)}
	if op.Name == "list" {
		return append(all, attribute.Int("ltx.level", op.File.Level), attribute.Stringer("ltx.seek", op.Seek))
	}
	if op.File != (layer.File{}) {
		all = append(all, attribute.Int("ltx.level", op.File.Level),
			attribute.Stringer("ltx.min_txid", op.File.MinTXID), attribute.Stringer("ltx.max_txid", op.File.MaxTXID))
	}
	if op.Name == "open" {
		all = append(all, attribute.Int64("ltx.offset", op.Offset), attribute.Int64("ltx.size", op.Size))
	}
	return all
}

// fail records the error of an operation, if it has one.
func fail(span trace.Span, err error) {
	if err == nil {
		return
	}
	redacted := scrub.Error(err)
	span.RecordError(redacted)
	answer := errors.Is(err, context.Canceled) || errors.Is(err, fs.ErrNotExist) && !errors.Is(err, ltxstore.ErrStoreNotFound)
	if !answer {
		span.SetStatus(codes.Error, redacted.Error())
	}
}
