package metrics

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/backend"
)

// Config says where the metrics are.
type Config struct {
	// Registerer is the registry; nil is refused, because nobody would see them.
	// Several clients may have one, also of one Type: then their numbers are added.
	// So may Litestream's own clients, whose metrics have the same names.
	Registerer prometheus.Registerer `ltx:"-"`
}

// totalName is one of the metrics' names.
const totalName = "litestream_replica_operation_total"

// operations are a client's metrics: the series of each operation, found once.
type operations struct {
	put, get, remove, list operation
}

type operation struct {
	total, bytes prometheus.Counter
	seconds      prometheus.Observer
	failures     *prometheus.CounterVec // by code
}

// operations registers the metrics, or finds those that are there.
func (cfg Config) operations(typ string) (*operations, error) {
	if cfg.Registerer == nil {
		return nil, backend.Invalid(typ, "init", "Registerer", nil, "want a registry, such as prometheus.NewRegistry()")
	}
	// The names, labels and texts are Litestream's, so that its dashboards work and
	// its collectors may be on the same registry.
	labels := []string{"replica_type", "operation"}
	totals, err1 := register(cfg.Registerer, prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: totalName,
		Help: "The number of replica operations performed",
	}, labels))
	sizes, err2 := register(cfg.Registerer, prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "litestream_replica_operation_bytes",
		Help: "The number of bytes used by replica operations",
	}, labels))
	durations, err3 := register(cfg.Registerer, prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name:    "litestream_replica_operation_duration_seconds",
		Help:    "Duration of replica operations by type and operation",
		Buckets: []float64{0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30, 60},
	}, labels))
	failed, err4 := register(cfg.Registerer, prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "litestream_replica_operation_errors_total",
		Help: "Number of replica operation errors by type, operation, and error code",
	}, append(labels, "code")))
	if err := errors.Join(err1, err2, err3, err4); err != nil {
		return nil, &ltxstore.Error{Op: "init", Backend: typ, Kind: fs.ErrInvalid,
			Err: fmt.Errorf("Registerer refuses the metrics, or has others of these names: %w", err)}
	}
	of := func(name string) operation {
		return operation{
			total:    totals.WithLabelValues(typ, name),
			bytes:    sizes.WithLabelValues(typ, name),
			seconds:  durations.WithLabelValues(typ, name),
			failures: failed.MustCurryWith(prometheus.Labels{"replica_type": typ, "operation": name}),
		}
	}
	return &operations{put: of("PUT"), get: of("GET"), remove: of("DELETE"), list: of("LIST")}, nil
}

// register returns c, or the collector of that name that was registered before.
func register[C prometheus.Collector](to prometheus.Registerer, c C) (C, error) {
	err := to.Register(c)
	if already := new(prometheus.AlreadyRegisteredError); errors.As(err, already) {
		if there, ok := already.ExistingCollector.(C); ok {
			return there, nil
		}
	}
	return c, err
}

// codes are what the kinds of failure are called.
var codes = []struct {
	kind error
	code string
}{
	{context.Canceled, "canceled"},
	{context.DeadlineExceeded, "deadline"},
	{ltxstore.ErrStoreNotFound, "store_not_found"},
	{ltxstore.ErrThrottled, "throttled"},
	{ltxstore.ErrUnavailable, "unavailable"},
	{ltxstore.ErrChecksum, "checksum"},
	{fs.ErrInvalid, "invalid"},
	{fs.ErrNotExist, "not_found"},
	{fs.ErrExist, "exists"},
	{fs.ErrPermission, "permission"},
	{errors.ErrUnsupported, "unsupported"},
}

// code names the kind of a failure.
func code(err error) string {
	for _, c := range codes {
		if errors.Is(err, c.kind) {
			return c.code
		}
	}
	return "other"
}
