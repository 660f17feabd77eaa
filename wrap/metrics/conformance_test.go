package metrics_test

import (
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/internal/testkit/wraptest"
	"github.com/ltxstore/ltxstore/wrap/metrics"
)

func counted() func(ltxstore.ReplicaClient) ltxstore.ReplicaClient {
	registry := prometheus.NewRegistry()
	return func(next ltxstore.ReplicaClient) ltxstore.ReplicaClient {
		return metrics.New(next, metrics.Config{Registerer: registry})
	}
}

func TestConformance(t *testing.T) { wraptest.Run(t, wraptest.Suite{Wrap: counted()}) }

func BenchmarkMetrics(b *testing.B) { wraptest.Bench(b, counted()) }
