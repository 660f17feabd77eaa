package metrics_test

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"strings"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/internal/testkit/wraptest"
	"github.com/ltxstore/ltxstore/mock"
	"github.com/ltxstore/ltxstore/wrap/metrics"
)

// plain hides every method but Read.
type plain struct{ io.Reader }

// Every operation is counted, and what it transfers, under Litestream's names.
func TestCounts(t *testing.T) {
	registry := prometheus.NewRegistry()
	next := wraptest.Quiet()
	c := metrics.New(next, metrics.Config{Registerer: registry})
	require.NoError(t, c.Init(t.Context()))
	for i, r := range []io.Reader{strings.NewReader("0123456789"), plain{strings.NewReader("0123456789")}} {
		_, err := c.WriteLTXFile(t.Context(), 0, ltx.TXID(i+1), ltx.TXID(i+1), r)
		require.NoError(t, err)
	}
	broken := errors.New("broken")
	_, err := c.WriteLTXFile(t.Context(), 0, 3, 3, io.MultiReader(strings.NewReader("012"), iotest.ErrReader(broken)))
	require.ErrorIs(t, err, broken)

	for _, n := range []int64{100, 4} { // whole, and closed early
		rc, err := c.OpenLTXFile(t.Context(), 0, 1, 1, 0, 0)
		require.NoError(t, err)
		_, _ = io.CopyN(io.Discard, rc, n)
		require.NoError(t, rc.Close())
	}
	_, err = c.OpenLTXFile(t.Context(), 0, 9, 9, 0, 0)
	require.ErrorIs(t, err, fs.ErrNotExist)

	files, err := c.LTXFiles(t.Context(), 0, 0, false)
	require.NoError(t, err)
	require.NoError(t, files.Close())
	_, err = c.LTXFiles(t.Context(), -1, 0, false) // is not an operation
	require.ErrorIs(t, err, fs.ErrInvalid)

	require.NoError(t, c.DeleteLTXFiles(t.Context(), []*ltx.FileInfo{{MinTXID: 1, MaxTXID: 1}}))
	require.NoError(t, c.DeleteAll(t.Context()))

	assert.NoError(t, testutil.GatherAndCompare(registry, strings.NewReader(`
# HELP litestream_replica_operation_bytes The number of bytes used by replica operations
# TYPE litestream_replica_operation_bytes counter
litestream_replica_operation_bytes{operation="DELETE",replica_type="mock"} 0
litestream_replica_operation_bytes{operation="GET",replica_type="mock"} 14
litestream_replica_operation_bytes{operation="LIST",replica_type="mock"} 0
litestream_replica_operation_bytes{operation="PUT",replica_type="mock"} 20
# HELP litestream_replica_operation_errors_total Number of replica operation errors by type, operation, and error code
# TYPE litestream_replica_operation_errors_total counter
litestream_replica_operation_errors_total{code="not_found",operation="GET",replica_type="mock"} 1
litestream_replica_operation_errors_total{code="other",operation="PUT",replica_type="mock"} 1
# HELP litestream_replica_operation_total The number of replica operations performed
# TYPE litestream_replica_operation_total counter
litestream_replica_operation_total{operation="DELETE",replica_type="mock"} 2
litestream_replica_operation_total{operation="GET",replica_type="mock"} 3
litestream_replica_operation_total{operation="LIST",replica_type="mock"} 1
litestream_replica_operation_total{operation="PUT",replica_type="mock"} 3
`), "litestream_replica_operation_total", "litestream_replica_operation_bytes", "litestream_replica_operation_errors_total"))
}

// Durations are those of the whole operation: of a transfer or a listing, until it
// is closed.
func TestDurations(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		registry := prometheus.NewRegistry()
		next := wraptest.Quiet()
		c := metrics.New(next, metrics.Config{Registerer: registry})
		require.NoError(t, next.Inject(mock.Fault{Op: mock.OpWrite, Delay: 2 * time.Second}, mock.Fault{Op: mock.OpDelete, Delay: 3 * time.Second}))
		_, err := c.WriteLTXFile(t.Context(), 0, 1, 1, strings.NewReader("body"))
		require.NoError(t, err)
		rc, err := c.OpenLTXFile(t.Context(), 0, 1, 1, 0, 0)
		require.NoError(t, err)
		time.Sleep(7 * time.Second)
		require.NoError(t, rc.Close())
		files, err := c.LTXFiles(t.Context(), 0, 0, false)
		require.NoError(t, err)
		time.Sleep(11 * time.Second)
		require.NoError(t, files.Close())
		require.NoError(t, c.DeleteLTXFiles(t.Context(), []*ltx.FileInfo{{MinTXID: 1, MaxTXID: 1}}))

		families, err := registry.Gather()
		require.NoError(t, err)
		got := make(map[string]float64)
		for _, family := range families {
			if family.GetName() != "litestream_replica_operation_duration_seconds" {
				continue
			}
			for _, m := range family.GetMetric() {
				assert.Len(t, m.GetHistogram().GetBucket(), 9)
				got[m.GetLabel()[0].GetValue()] = m.GetHistogram().GetSampleSum()
			}
		}
		assert.Equal(t, map[string]float64{"PUT": 2, "GET": 7, "LIST": 11, "DELETE": 3}, got)
	})
}

// Each kind of failure has its code.
func TestCodes(t *testing.T) {
	registry := prometheus.NewRegistry()
	next := wraptest.Quiet()
	c := metrics.New(next, metrics.Config{Registerer: registry})
	for want, err := range map[string]error{
		"canceled": context.Canceled, "deadline": context.DeadlineExceeded, "store_not_found": ltxstore.ErrStoreNotFound,
		"throttled": ltxstore.ErrThrottled, "unavailable": ltxstore.ErrUnavailable, "checksum": ltxstore.ErrChecksum,
		"invalid": fs.ErrInvalid, "not_found": fs.ErrNotExist, "exists": fs.ErrExist, "permission": fs.ErrPermission,
		"unsupported": errors.ErrUnsupported, "other": errors.New("s3cr3t"),
	} {
		require.NoError(t, next.Inject(mock.Fault{Op: mock.OpDeleteAll, Err: err}))
		require.Error(t, c.DeleteAll(t.Context()))
		n, err := testutil.GatherAndCount(registry, "litestream_replica_operation_errors_total")
		require.NoError(t, err)
		assert.Positive(t, n)
		assert.Contains(t, text(t, registry), `code="`+want+`"`)
	}
	assert.NotContains(t, text(t, registry), "s3cr3t")
}

func text(t *testing.T, registry *prometheus.Registry) string {
	t.Helper()
	families, err := registry.Gather()
	require.NoError(t, err)
	var b strings.Builder
	for _, family := range families {
		for _, m := range family.GetMetric() {
			for _, label := range m.GetLabel() {
				b.WriteString(label.GetName() + `="` + label.GetValue() + "\" ")
			}
		}
	}
	return b.String()
}

// Clients share a registry, as do Litestream's collectors of these names.
func TestOneRegistry(t *testing.T) {
	registry := prometheus.NewRegistry()
	litestreams := prometheus.NewCounterVec(prometheus.CounterOpts{Name: "litestream_replica_operation_total",
		Help: "The number of replica operations performed"}, []string{"replica_type", "operation"})
	registry.MustRegister(litestreams)
	for range 2 {
		c := metrics.New(wraptest.Quiet(), metrics.Config{Registerer: registry})
		require.NoError(t, c.DeleteAll(t.Context()))
	}
	assert.EqualValues(t, 2, testutil.ToFloat64(litestreams.WithLabelValues("mock", "DELETE")))
}

// What is counted costs no memory where there is no reader to watch.
func TestCountingAllocatesNothing(t *testing.T) {
	next := still{}
	c := metrics.New(next, metrics.Config{Registerer: prometheus.NewRegistry()})
	assert.Zero(t, testing.AllocsPerRun(100, func() { _ = c.DeleteAll(t.Context()) }))
	body := strings.NewReader("body")
	assert.LessOrEqual(t, testing.AllocsPerRun(100, func() { _, _ = c.WriteLTXFile(t.Context(), 0, 1, 1, body) }), 2.0)
}

// still does nothing.
type still struct{ ltxstore.ReplicaClient }

func (still) Type() string                    { return "still" }
func (still) DeleteAll(context.Context) error { return nil }
func (still) WriteLTXFile(context.Context, int, ltx.TXID, ltx.TXID, io.Reader) (*ltx.FileInfo, error) {
	return nil, nil
}

func TestConfig(t *testing.T) {
	wraptest.Refused(t, metrics.New(wraptest.Quiet(), metrics.Config{}), "Registerer is <nil>: want a registry")
	wraptest.Refused(t, metrics.New(nil, metrics.Config{Registerer: prometheus.NewRegistry()}), "next is <nil>")

	other := prometheus.NewRegistry()
	other.MustRegister(prometheus.NewGauge(prometheus.GaugeOpts{Name: "litestream_replica_operation_bytes", Help: "of another"}))
	wraptest.Refused(t, metrics.New(wraptest.Quiet(), metrics.Config{Registerer: other}), "Registerer refuses the metrics or has different ones with these names")
	gauge := prometheus.NewRegistry()
	gauge.MustRegister(prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "litestream_replica_operation_bytes",
		Help: "The number of bytes used by replica operations"}, []string{"replica_type", "operation"}))
	wraptest.Refused(t, metrics.New(wraptest.Quiet(), metrics.Config{Registerer: gauge}), "Registerer refuses the metrics")
}
