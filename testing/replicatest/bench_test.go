package replicatest_test

import (
	"context"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/ltxstore/ltxstore/internal/testkit/race"
	"github.com/ltxstore/ltxstore/mock"
	"github.com/ltxstore/ltxstore/testing/replicatest"
)

// benchOutage names the method of which the first call fails in a benchmark.
const benchOutage = "REPLICATEST_BENCH_OUTAGE"

func BenchmarkMock(b *testing.B) {
	replicatest.Bench(b, replicatest.Config{
		New: func(context.Context) (replicatest.Store, error) {
			c := &client{ReplicaClient: mock.NewReplicaClient(mock.Config{}), world: &world{}}
			c.world.cut.Store(-1)
			c.world.stall.Store(-1)
			c.SetLogger(nil)
			switch method := os.Getenv(benchOutage); method {
			case "":
			case "client":
				return replicatest.Store{}, nil
			default:
				o := &outage{method: method}
				o.left.Store(1)
				return replicatest.Store{Client: o.damage(c)}, nil
			}
			return replicatest.Store{Client: c}, nil
		},
		PageSize: 100,
	})
}

// A benchmark of which a request fails measures nothing.
func TestBenchFails(t *testing.T) {
	if race.Enabled {
		t.Skip("bodies of 16 MiB take seconds under the race detector: see the plain run")
	}
	for name, methods := range map[string][]string{
		"write/4KiB":         {"client", "write", "delete all"},
		"write/16MiB/plain":  {"write"},
		"read/16MiB":         {"write"},
		"read/4KiB-of-16MiB": {"write", "open", "close body"},
		"list":               {"list", "next", "close listing"},
		"list/metadata":      {"list with metadata"},
		"delete":             {"write", "delete"},
	} {
		for _, method := range methods {
			cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^$", "-test.bench=^BenchmarkMock$/^"+strings.ReplaceAll(name, "/", "$/^")+"$", "-test.benchtime=1x")
			cmd.Env = append(os.Environ(), benchOutage+"="+method)
			out, err := cmd.CombinedOutput()
			assert.Error(t, err, "%s, %s", name, method)
			assert.Regexp(t, method+": out of order|0 files are listed: want|Store.Client is nil", string(out), name)
		}
	}
}
