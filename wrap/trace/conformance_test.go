package trace_test

import (
	"testing"

	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace/noop"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/internal/testkit/wraptest"
	"github.com/ltxstore/ltxstore/wrap/trace"
)

func with(cfg trace.Config) func(ltxstore.ReplicaClient) ltxstore.ReplicaClient {
	return func(next ltxstore.ReplicaClient) ltxstore.ReplicaClient { return trace.New(next, cfg) }
}

func TestConformance(t *testing.T) {
	wraptest.Run(t, wraptest.Suite{Wrap: with(trace.Config{TracerProvider: sdk.NewTracerProvider()})})
}

func BenchmarkTrace(b *testing.B) {
	b.Run("recorded", func(b *testing.B) { wraptest.Bench(b, with(trace.Config{TracerProvider: sdk.NewTracerProvider()})) })
	b.Run("off", func(b *testing.B) { wraptest.Bench(b, with(trace.Config{TracerProvider: noop.NewTracerProvider()})) })
}
