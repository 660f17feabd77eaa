package replicatest_test

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/backend"
	"github.com/ltxstore/ltxstore/internal/testkit/race"
	"github.com/ltxstore/ltxstore/mock"
	"github.com/ltxstore/ltxstore/testing/replicatest"
)

// only selects cases by their IDs.
func only(ids ...string) func(replicatest.Case) bool {
	return func(c replicatest.Case) bool { return slices.Contains(ids, c.ID) }
}

// check runs the selected cases and returns their results by ID.
func check(t *testing.T, cfg replicatest.Config) map[string]replicatest.Result {
	t.Helper()
	report, err := replicatest.Check(t.Context(), cfg)
	require.NoError(t, err)
	results := make(map[string]replicatest.Result)
	for _, res := range report {
		if res.Skipped != "not selected" {
			results[res.Case.ID] = res
		}
	}
	return results
}

// bare is a store that offers nothing but its client, and of that the six
// methods.
func bare(client ltxstore.ReplicaClient) func(context.Context) (replicatest.Store, error) {
	if client != nil {
		client = struct{ ltxstore.ReplicaClient }{client}
	}
	return func(context.Context) (replicatest.Store, error) { return replicatest.Store{Client: client}, nil }
}

func quiet() *mock.ReplicaClient {
	client := &mock.ReplicaClient{}
	client.SetLogger(nil)
	return client
}

func TestCases(t *testing.T) {
	clauses := strings.Fields("W1 W2 W3 W4 W5 W6 W7 W8 W9 T1 T2 T3 O1 O2 O3 O4 O5 O6 L1 L2 L3 L4 L5 L6 L7 D1 D2 C1 C2 C3 C4")
	cases := replicatest.Cases()
	assert.GreaterOrEqual(t, len(cases), 45)
	proved, seen := make(map[string]bool), make(map[string]bool)
	for _, c := range cases {
		assert.False(t, seen[c.ID], "two cases are %q", c.ID)
		seen[c.ID] = true
		assert.Regexp(t, `^[a-z-]+/[a-z-]+$`, c.ID)
		assert.Regexp(t, `^[A-Z0-9].*\.$`, c.Rule, c.ID)
		assert.NotEmpty(t, c.Clauses, c.ID)
		for _, clause := range c.Clauses {
			assert.Contains(t, clauses, clause, c.ID)
			proved[clause] = true
		}
	}
	for _, clause := range clauses {
		assert.True(t, proved[clause], "no case proves %s", clause)
	}
}

func TestUndeclaredLackFails(t *testing.T) {
	// For each capability that can be seen, a store without it.
	for _, c := range replicatest.Cases() {
		for _, need := range c.Needs {
			if need == replicatest.Rewriting || need == replicatest.AtomicRewriting || need == replicatest.BoundedMemory || need == replicatest.FewRequests {
				continue
			}
			t.Run(c.ID, func(t *testing.T) {
				res := check(t, replicatest.Config{New: bare(quiet()), Select: only(c.ID)})[c.ID]
				assert.Empty(t, res.Skipped)
				assert.ErrorContains(t, res.Err, `needs "`+string(need)+`", which the store does not offer and Config.Lacks does not declare`)
			})
			break
		}
	}
}

func TestDeclaredLackIsSkipped(t *testing.T) {
	for _, c := range replicatest.Cases() {
		if len(c.Needs) > 0 {
			res := check(t, replicatest.Config{New: bare(quiet()), Lacks: c.Needs, Select: only(c.ID)})[c.ID]
			assert.NoError(t, res.Err)
			for _, need := range c.Needs {
				assert.Contains(t, res.Skipped, string(need), c.ID)
			}
		}
	}
}

func TestDeclaredButOfferedFails(t *testing.T) {
	for _, lack := range []replicatest.Capability{
		replicatest.Clients, replicatest.WriteOnce, replicatest.Siblings, replicatest.Parents, replicatest.MissingStore,
		replicatest.RawAccess, replicatest.Stripping, replicatest.Leftovers, replicatest.CountedRequests, replicatest.Secrets,
		replicatest.FailingLookups, replicatest.FailingLists, replicatest.BrokenTransfers, replicatest.StalledTransfers,
		replicatest.FailingDeletes, replicatest.Outages, replicatest.FoundLevels, replicatest.RawFiles,
	} {
		cfg := newConfig(correct)
		cfg.Lacks, cfg.Select = append(cfg.Lacks, lack), only("list/empty")
		assert.ErrorContains(t, check(t, cfg)["list/empty"].Err, `Config.Lacks has "`+string(lack)+`", which the store offers`)
	}
}

// A client that only lists raw files, or only opens them, offers none.
func TestHalfOfRawFiles(t *testing.T) {
	for _, half := range []ltxstore.ReplicaClient{
		struct {
			ltxstore.ReplicaClient
			backend.RawLister
		}{quiet(), quiet()},
		struct {
			ltxstore.ReplicaClient
			backend.RawOpener
		}{quiet(), quiet()},
	} {
		cfg := replicatest.Config{Lacks: []replicatest.Capability{replicatest.RawFiles}, Select: only("list/empty"),
			New: func(context.Context) (replicatest.Store, error) { return replicatest.Store{Client: half}, nil }}
		assert.NoError(t, check(t, cfg)["list/empty"].Err)
	}
}

func TestBadConfig(t *testing.T) {
	for want, change := range map[string]func(*replicatest.Config){
		"Config.New is nil":          func(cfg *replicatest.Config) { cfg.New = nil },
		`Config.Lacks has "colours"`: func(cfg *replicatest.Config) { cfg.Lacks = []replicatest.Capability{"colours"} },
		"Config.PageSize is -1":      func(cfg *replicatest.Config) { cfg.PageSize = -1 },
		"Config.BodySize is -1":      func(cfg *replicatest.Config) { cfg.BodySize = -1 },
		"Config.BodySize is 100":     func(cfg *replicatest.Config) { cfg.BodySize = 100 },
		"Config.LargeSize is -1":     func(cfg *replicatest.Config) { cfg.LargeSize = -1 },
		"Config.MemoryLimit is -1":   func(cfg *replicatest.Config) { cfg.MemoryLimit = -1 },
		"Config.Timeout is -1ns":     func(cfg *replicatest.Config) { cfg.Timeout = -1 },
		"Config.Prompt is -1ns":      func(cfg *replicatest.Config) { cfg.Prompt = -1 },
	} {
		cfg := newConfig(correct)
		change(&cfg)
		report, err := replicatest.Check(t.Context(), cfg)
		assert.Nil(t, report)
		require.ErrorIs(t, err, fs.ErrInvalid)
		assert.ErrorContains(t, err, want)
		assert.ErrorContains(t, err, "want ")
	}
}

func TestStoreThatCannotBeMade(t *testing.T) {
	cause := errors.New("no bucket left")
	res := check(t, replicatest.Config{Select: only("list/empty"), New: func(context.Context) (replicatest.Store, error) {
		return replicatest.Store{}, cause
	}})["list/empty"]
	assert.ErrorIs(t, res.Err, cause)
	res = check(t, replicatest.Config{Select: only("list/empty"), New: bare(nil)})["list/empty"]
	assert.ErrorIs(t, res.Err, fs.ErrInvalid)
	assert.ErrorContains(t, res.Err, "Store.Client is nil")
	assert.NotContains(t, res.Err.Error(), "clean up")
}

// A listing that is wrong is told with the first item that is.
func TestWrongItemIsNamed(t *testing.T) {
	cfg := newConfig(mutant{damage: onWhole(func(infos []*ltx.FileInfo) []*ltx.FileInfo {
		if len(infos) > 2 {
			infos[1], infos[2] = infos[2], infos[1]
		}
		return infos
	})}.client)
	cfg.Select = only("list/deleted-and-added")
	err := check(t, cfg)["list/deleted-and-added"].Err
	assert.ErrorContains(t, err, "has level 0 "+ltx.FormatFilename(3, 3)+" as number 2: want level 0 "+ltx.FormatFilename(2, 2))
}

// Of many failures of one kind a few are told.
func TestManyFailures(t *testing.T) {
	cfg := newConfig(mutant{damage: onWrite(func(*client, writeFunc) writeFunc {
		return func(context.Context, int, ltx.TXID, ltx.TXID, io.Reader) (*ltx.FileInfo, error) {
			return nil, fs.ErrPermission
		}
	})}.client)
	cfg.PageSize, cfg.Select = 100, only("list/costs")
	err := check(t, cfg)["list/costs"].Err
	require.ErrorIs(t, err, fs.ErrPermission)
	assert.LessOrEqual(t, strings.Count(err.Error(), "write level 0"), 24)
}

// A client that hangs fails the cases in which it does, and no other.
func TestTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		end := make(chan struct{})
		client := quiet()
		client.OpenLTXFileFunc = func(context.Context, int, ltx.TXID, ltx.TXID, int64, int64) (io.ReadCloser, error) {
			<-end
			return nil, fs.ErrClosed
		}
		start := time.Now()
		results := check(t, replicatest.Config{New: bare(client), Timeout: 7 * time.Second, Prompt: 2 * time.Second,
			Select: only("write/exact", "open/partial-read", "list/sorted")})
		assert.Equal(t, 18*time.Second, time.Since(start))
		require.Len(t, results, 3)
		assert.ErrorContains(t, results["write/exact"].Err, "did not return: case took more than 7s")
		assert.ErrorContains(t, results["open/partial-read"].Err, "did not return: case took more than 7s")
		assert.Equal(t, 9*time.Second, results["write/exact"].Duration)
		assert.NoError(t, results["list/sorted"].Err)
		close(end)
	})
}

// A client that panics fails its case, with the stack.
func TestPanic(t *testing.T) {
	client := quiet()
	client.WriteLTXFileFunc = func(context.Context, int, ltx.TXID, ltx.TXID, io.Reader) (*ltx.FileInfo, error) {
		panic("nil map")
	}
	results := check(t, replicatest.Config{New: bare(client), Select: only("write/exact", "list/empty", "list/seek", "all/ten-writers")})
	for id, res := range results {
		assert.ErrorContains(t, res.Err, "panic: nil map", id)
		assert.ErrorContains(t, res.Err, "suite_test.go", id)
	}
	assert.Len(t, results, 4)
}

// A reader without end must not take the machine's memory.
func TestEndlessReader(t *testing.T) {
	client := quiet()
	client.OpenLTXFileFunc = func(context.Context, int, ltx.TXID, ltx.TXID, int64, int64) (io.ReadCloser, error) {
		return io.NopCloser(endless{}), nil
	}
	res := check(t, replicatest.Config{New: bare(client), BodySize: 64 << 10, Select: only("write/exact")})["write/exact"]
	assert.ErrorContains(t, res.Err, "file has not ended after")
}

type endless struct{}

func (endless) Read(p []byte) (int, error) { return len(p), nil }

func TestCheckStopsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	made := 0
	report, err := replicatest.Check(ctx, replicatest.Config{New: func(context.Context) (replicatest.Store, error) {
		if made++; made == 3 {
			cancel()
		}
		return replicatest.Store{Client: quiet()}, nil
	}})
	assert.ErrorIs(t, err, context.Canceled)
	assert.Len(t, report, 3)
}

// Every case has a store of its own, which is emptied and closed after it.
func TestCleanUp(t *testing.T) {
	var deleted, closed, made int // by cases, which run one after another
	cfg := replicatest.Config{Select: only("write/exact", "list/empty")}
	cfg.New = func(context.Context) (replicatest.Store, error) {
		made++
		client := quiet()
		client.DeleteAllFunc = func(ctx context.Context) error {
			deleted++
			return client.Default().DeleteAll(ctx)
		}
		return replicatest.Store{Client: client, Close: func() error { closed++; return nil }}, nil
	}
	for _, res := range check(t, cfg) {
		assert.NoError(t, res.Err)
	}
	assert.Equal(t, [3]int{2, 2, 2}, [3]int{made, deleted, closed})

	full := errors.New("disk full")
	cfg.New = func(context.Context) (replicatest.Store, error) {
		client := quiet()
		client.DeleteAllFunc = func(context.Context) error { return full }
		client.CloseFunc = func() error { return fs.ErrClosed }
		return replicatest.Store{Client: client, Close: func() error { return fs.ErrPermission }}, nil
	}
	for _, res := range check(t, cfg) {
		for _, want := range []error{full, fs.ErrClosed, fs.ErrPermission} {
			assert.ErrorIs(t, res.Err, want)
		}
	}
}

// A pool that outlives calls by design can be told from a leak.
func TestIgnoreGoroutine(t *testing.T) {
	client := quiet()
	end := make(chan struct{})
	defer close(end)
	client.DeleteLTXFilesFunc = func(ctx context.Context, files []*ltx.FileInfo) error {
		go keepAlive(end)
		return client.Default().DeleteLTXFiles(ctx, files)
	}
	cfg := replicatest.Config{New: bare(client), Prompt: 20 * time.Millisecond, BodySize: 64 << 10, Select: only("all/no-goroutine-leaks")}
	res := check(t, cfg)["all/no-goroutine-leaks"]
	assert.ErrorContains(t, res.Err, "delete: a goroutine outlived it by 20ms")
	assert.ErrorContains(t, res.Err, "keepAlive")

	cfg.IgnoreGoroutine = func(stack string) bool { return strings.Contains(stack, "keepAlive") }
	cfg.Prompt = time.Minute
	assert.NoError(t, check(t, cfg)["all/no-goroutine-leaks"].Err)
}

func keepAlive(end <-chan struct{}) { <-end }

func TestReport(t *testing.T) {
	a := replicatest.Case{ID: "a/b", Clauses: []string{"W1", "C1"}, Rule: "A is b."}
	c := replicatest.Case{ID: "c/d", Clauses: []string{"O1"}, Rule: "C is d."}
	broken := errors.New("it is not")
	report := replicatest.Report{{Case: a, Err: broken}, {Case: c}, {Case: c, Skipped: "not selected"}}
	assert.Equal(t, replicatest.Report{report[0]}, report.Failed())
	assert.Equal(t, replicatest.Report{report[2]}, report.Skipped())
	assert.EqualError(t, report.Err(), "W1 C1 a/b: it is not\n\trule: A is b.")
	assert.ErrorIs(t, report.Err(), broken)
	assert.NoError(t, report[1:].Err())
	assert.Len(t, report, 3, "Failed and Skipped leave the report as it is")
}

// TestRun runs TestRunChild, in which one case fails and one is skipped.
func TestRun(t *testing.T) {
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestRunChild$", "-test.v")
	cmd.Env = append(os.Environ(), "REPLICATEST_CHILD=1")
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	require.ErrorAs(t, err, &exit, "%s", out)
	for _, want := range []string{
		"Config.Select selects 3 of ", "--- PASS: TestRunChild/list/empty", "--- FAIL: TestRunChild/write/exact", "--- SKIP: TestRunChild/write/durable",
		"W1 write/exact: write level 0 0000000000000001-0000000000000064.ltx: FileInfo.Size is 0: want 16",
		"rule: Sixteen plain bytes", "skipped: the store is declared to lack [clients]",
	} {
		assert.Contains(t, string(out), want)
	}
	assert.Equal(t, 1, strings.Count(string(out), "--- FAIL: TestRunChild/"))
}

func TestRunChild(t *testing.T) {
	if os.Getenv("REPLICATEST_CHILD") == "" {
		t.Skip("runs as a child of TestRun")
	}
	client := quiet()
	client.WriteLTXFileFunc = func(ctx context.Context, level int, minTXID, maxTXID ltx.TXID, r io.Reader) (*ltx.FileInfo, error) {
		info, err := client.Default().WriteLTXFile(ctx, level, minTXID, maxTXID, r)
		if err == nil && info.Size == 16 { // of write/exact
			info.Size = 0
		}
		return info, err
	}
	replicatest.Run(t, replicatest.Config{New: bare(client), Lacks: []replicatest.Capability{replicatest.Clients},
		Select: only("list/empty", "write/exact", "write/durable")})
}

func TestBench(t *testing.T) {
	if race.Enabled {
		t.Skip("bodies of 16 MiB take seconds under the race detector: see the plain run")
	}
	out, err := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^$", "-test.bench=BenchmarkMock", "-test.benchtime=1x").CombinedOutput()
	require.NoError(t, err, "%s", out)
	for _, name := range strings.Fields("write/4KiB write/16MiB/seekable write/16MiB/plain read/16MiB read/4KiB-of-16MiB list list/metadata list/late-seek delete") {
		assert.Regexp(t, "BenchmarkMock/"+name+`(-\d+)?\s+1\s.*allocs/op`, string(out))
	}
}

func TestNewLTXFile(t *testing.T) {
	at := time.Date(2024, 5, 6, 7, 8, 9, 123_456_789, time.UTC)
	for _, pages := range []int{1, 2, 100} {
		body := replicatest.NewLTXFile(3, 5, at, pages)
		assert.Equal(t, body, replicatest.NewLTXFile(3, 5, at, pages), "repeatable")
		assert.Greater(t, len(body), pages*4096, "does not compress")
		dec := ltx.NewDecoder(strings.NewReader(string(body)))
		require.NoError(t, dec.Verify())
		assert.Equal(t, at.UnixMilli(), dec.Header().Timestamp)
		assert.Equal(t, [2]ltx.TXID{3, 5}, [2]ltx.TXID{dec.Header().MinTXID, dec.Header().MaxTXID})
	}
	assert.Panics(t, func() { replicatest.NewLTXFile(0, 1, at, 1) })
	assert.Panics(t, func() { replicatest.NewLTXFile(2, 1, at, 1) })
}

// A store that offers clients, and nothing else, needs no other word.
func TestClientsOnly(t *testing.T) {
	cfg := newConfig(correct)
	full := cfg.New
	cfg.New = func(ctx context.Context) (replicatest.Store, error) {
		s, err := full(ctx)
		s.Raw, s.Faults, s.Requests = nil, nil, nil
		return s, err
	}
	lacks := slices.Clone(cfg.Lacks)
	cfg.Secrets, cfg.Lacks = nil, append(replicatest.ClientsOnly(), lacks...)
	ran := 0
	for id, res := range check(t, cfg) {
		assert.NoError(t, res.Err, id)
		if res.Skipped != "" {
			assert.NotEmpty(t, slices.DeleteFunc(slices.Clone(res.Case.Needs), func(c replicatest.Capability) bool {
				return !slices.Contains(cfg.Lacks, c)
			}), "%s: %s", id, res.Skipped)
			continue
		}
		ran++
	}
	assert.Greater(t, ran, len(replicatest.Cases())/2)

	// Whatever it offers beyond them belies the word.
	cfg.New, cfg.Select = full, only("list/empty")
	err := check(t, cfg)["list/empty"].Err
	for _, lack := range replicatest.ClientsOnly() {
		if lack != replicatest.Secrets {
			assert.ErrorContains(t, err, `Config.Lacks has "`+string(lack)+`", which the store offers`)
		}
	}

	replicatest.ClientsOnly()[0] = "changed"
	assert.NotContains(t, replicatest.ClientsOnly(), replicatest.Capability("changed"))
}
