package trace_test

import (
	"context"
	"fmt"
	"log"
	"strings"

	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/ltxstore/ltxstore/mock"
	"github.com/ltxstore/ltxstore/wrap/trace"
)

func Example() {
	spans := tracetest.NewInMemoryExporter() // or OTLP
	provider := sdk.NewTracerProvider(sdk.WithSyncer(spans))

	store := mock.NewReplicaClient(mock.Config{})
	store.SetLogger(nil)
	client := trace.New(store, trace.Config{TracerProvider: provider})
	if _, err := client.WriteLTXFile(context.Background(), 0, 1, 1, strings.NewReader("a transaction")); err != nil {
		log.Fatal(err)
	}
	for _, span := range spans.GetSpans() {
		fmt.Println(span.Name)
		for _, a := range span.Attributes {
			fmt.Println(" ", a.Key, a.Value.String())
		}
	}
	// Output:
	// ltx write
	//   ltx.replica mock
	//   ltx.level 0
	//   ltx.min_txid 0000000000000001
	//   ltx.max_txid 0000000000000001
	//   ltx.bytes 13
}
