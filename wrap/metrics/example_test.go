package metrics_test

import (
	"context"
	"fmt"
	"log"
	"strings"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/ltxstore/ltxstore/mock"
	"github.com/ltxstore/ltxstore/wrap/metrics"
)

func Example() {
	registry := prometheus.NewRegistry() // or prometheus.DefaultRegisterer
	store := mock.NewReplicaClient(mock.Config{})
	store.SetLogger(nil)
	client := metrics.New(store, metrics.Config{Registerer: registry})
	if _, err := client.WriteLTXFile(context.Background(), 0, 1, 1, strings.NewReader("a transaction")); err != nil {
		log.Fatal(err)
	}
	families, err := registry.Gather()
	if err != nil {
		log.Fatal(err)
	}
	for _, family := range families {
		fmt.Println(family.GetName())
	}
	// Output:
	// litestream_replica_operation_bytes
	// litestream_replica_operation_duration_seconds
	// litestream_replica_operation_total
}
