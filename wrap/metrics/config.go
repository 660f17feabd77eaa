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

// Config is the configuration of a Client.
type Config struct {
	// Registerer is the registry for the metrics. It is required. Several clients may
	// share it; the counts of those with the same Type are added up. Litestream's own
	// clients, whose metrics have the same names, may share it too.
	Registerer prometheus.Registerer `ltx:"-"`
}

// totalName is one of the metrics' names.
const totalName = "litestream_replica_operation_total"

// operations are the metrics of a client by the names of its operations, looked up once.
type operations map[string]operation

type operation struct {
	total, bytes prometheus.Counter
	seconds      prometheus.Observer
	failures     *prometheus.CounterVec // by code
}

// operations registers the metrics, or returns those registered before.
func (cfg Config) operations(typ string) (operations, error) {
	if cfg.Registerer == nil {
		return nil, backend.Invalid(typ, "init", "Registerer", nil, "want a registry, such as prometheus.NewRegistry()")
	}
	// Names, labels and help are Litestream's, which a shared registry requires.
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
			Err: fmt.Errorf("Registerer refuses the metrics or has different ones with these names: %w", err)}
	}
	of := func(name string) operation {
		return operation{
			total:    totals.WithLabelValues(typ, name),
			bytes:    sizes.WithLabelValues(typ, name),
			seconds:  durations.WithLabelValues(typ, name),
			failures: failed.MustCurryWith(prometheus.Labels{"replica_type": typ, "operation": name}),
		}
	}
	removal := of("DELETE")
	return operations{"write": of("PUT"), "open": of("GET"), "list": of("LIST"), "delete": removal, "delete all": removal}, nil
}

// register registers c, or returns the collector with its name that is registered already.
func register[C prometheus.Collector](to prometheus.Registerer, c C) (C, error) {
	err := to.Register(c)
	if already := new(prometheus.AlreadyRegisteredError); errors.As(err, already) {
		if there, ok := already.ExistingCollector.(C); ok {
			return there, nil
		}
	}
	return c, err
}

// codes are the labels of the kinds of errors.
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

// code returns the label of an error.
func code(err error) string {
	for _, c := range codes {
		if errors.Is(err, c.kind) {
			return c.code
		}
	}
	return "other"
}
