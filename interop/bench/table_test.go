// Package bench_test measures our clients, Litestream's and the plain calls on
// the same servers in one process: see BenchmarkTable, which `make bench` runs.
package bench_test

import (
	"flag"
	"fmt"
	"os"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ltxstore/ltxstore/interop/servers"
)

var (
	rounds = flag.Int("rounds", 7, "rounds of each row")
	scale  = flag.Int("scale", 0, "make the large rows this many times smaller than 1 GiB or all files; 0 is what each row has by default")
	only   = flag.String("rows", "", "a regular expression: the rows to run, by \"backend: title\"")
	write  = flag.Bool("write", false, "write docs/benchmarks.md and its charts")
)

const docs = "../../docs"

func TestMain(m *testing.M) {
	if upstream := os.Getenv(childVariable); upstream != "" {
		if err := runChild(upstream); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	servers.ForgetAWS()
	os.Exit(m.Run())
}

// line is a row that was run.
type line struct {
	row     row
	title   string
	server  string
	counted bool // the requests
	results []result
}

// runRow runs a row in a subtest, so that what it has made goes with it.
func runRow(tb testing.TB, makers map[string]maker, r row, rounds, scale int) line {
	ctx, size := tb.Context(), r.sized(scale)
	s := makers[r.backend](tb, "bench/db")
	require.NoError(tb, s.wire.set(ctx, 0, 0))
	contestants := r.work(tb, s, r, size)
	require.NoError(tb, s.wire.set(ctx, r.delay, r.bandwidth))
	results, err := race(ctx, s.wire, contestants, rounds, max(r.repeat, 1))
	require.NoError(tb, err)
	require.NoError(tb, s.wire.set(ctx, 0, 0))
	require.NoError(tb, s.fill.deleteAll(ctx, s.keys.Prefix()))
	return line{r, r.title(size), s.name, s.wire != nil, results}
}

type maker func(tb testing.TB, path string) *store

func newMakers(tb testing.TB) map[string]maker {
	return map[string]maker{
		"file": newDisk, "s3": newS3(tb, servers.Versitygw), "gcs": newGCS(tb), "abs": newABS(tb),
		"sftp": newSFTP(tb), "webdav": newWebDAV(tb), "nats": newNATS(tb), "oss": newOSS(tb),
	}
}

// TestRows: every row works, in its smallest form.
func TestRows(t *testing.T) {
	makers := newMakers(t)
	for _, r := range rows() {
		r.repeat = 1
		const scale = 1 << 20
		t.Run(r.backend+" "+r.title(r.sized(scale)), func(t *testing.T) {
			line := runRow(t, makers, r, 1, scale)
			require.GreaterOrEqual(t, len(line.results), 2)
			for _, res := range line.results {
				require.Positive(t, res.Time, res.Name)
				require.Positive(t, res.Allocs, res.Name)
				if line.counted {
					require.GreaterOrEqual(t, res.Requests, 1.0, res.Name)
					require.Greater(t, res.WireBytes, 100*res.Requests, res.Name)
				}
			}
		})
	}
}

// BenchmarkTable runs the whole table, once, whatever b.N is.
func BenchmarkTable(b *testing.B) {
	wanted, err := regexp.Compile(*only)
	require.NoError(b, err, "-rows")
	require.GreaterOrEqual(b, *rounds, 1, "-rounds")
	require.GreaterOrEqual(b, *scale, 0, "-scale")
	makers := newMakers(b)
	var lines []line
	for _, r := range rows() {
		if !wanted.MatchString(r.backend + ": " + r.title(r.sized(*scale))) {
			continue
		}
		b.Run("row", func(b *testing.B) {
			lines = append(lines, runRow(b, makers, r, *rounds, *scale))
			fmt.Fprint(os.Stderr, lines[len(lines)-1].text())
			b.ReportMetric(0, "ns/op") // of all contestants together: it says nothing
		})
	}
	require.NotEmpty(b, lines, "-rows %s names no row", *only)
	if *write && !b.Failed() {
		require.NoError(b, writeReport(docs, lines, *rounds))
	}
}
