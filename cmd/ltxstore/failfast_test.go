package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/iotest"
	"time"

	"filippo.io/age"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/mock"
	"github.com/ltxstore/ltxstore/testing/replicatest"
	"github.com/ltxstore/ltxstore/transfer"
)

// refusing is a client whose writes fail.
type refusing struct {
	ltxstore.ReplicaClient
	err    func(i int) error
	writes atomic.Int64
}

func (c *refusing) WriteLTXFile(context.Context, int, ltx.TXID, ltx.TXID, io.Reader) (*ltx.FileInfo, error) {
	return nil, c.err(int(c.writes.Add(1)))
}

// A cause that every file will meet ends a copy; one that is a file's own does not.
func TestCpFailsFast(t *testing.T) {
	const files = 50
	src := mock.NewReplicaClient(mock.Config{})
	src.SetLogger(nil)
	for i := range ltx.TXID(files) {
		_, err := src.WriteLTXFile(t.Context(), 0, i+1, i+1, bytes.NewReader(replicatest.NewLTXFile(i+1, i+1, time.Unix(1, 0), 1)))
		require.NoError(t, err)
	}
	of := func(kind error) error {
		return &ltxstore.Error{Op: "write", Backend: "mem", Kind: ltxstore.KindOf(kind), Err: kind}
	}
	for name, c := range map[string]struct {
		err   func(i int) error
		whole bool // every file is tried
		want  string
	}{
		"full disk":    {func(int) error { return of(syscall.ENOSPC) }, false, "gave up, because all other files would fail in the same way: "},
		"quota":        {func(int) error { return of(syscall.EDQUOT) }, false, "gave up"},
		"read-only":    {func(int) error { return of(syscall.EROFS) }, false, "gave up"},
		"no store":     {func(int) error { return of(ltxstore.ErrStoreNotFound) }, false, "gave up"},
		"denied":       {func(int) error { return of(fs.ErrPermission) }, false, "gave up"},
		"unavailable":  {func(int) error { return of(ltxstore.ErrUnavailable) }, false, "gave up"},
		"refused":      {func(int) error { return of(errors.ErrUnsupported) }, false, "gave up"},
		"of the files": {func(i int) error { return of(fmt.Errorf("file %d: %w", i, fs.ErrInvalid)) }, true, "50 files not copied"},
		"by turns": {func(i int) error {
			return of([]error{fs.ErrPermission, fs.ErrPermission, ltxstore.ErrChecksum}[i%3])
		}, true, "50 files not copied"},
		"two kinds": {func(i int) error {
			return of([]error{fs.ErrPermission, ltxstore.ErrUnavailable}[i%2])
		}, true, "50 files not copied"},
	} {
		dst := &refusing{ReplicaClient: mock.NewReplicaClient(mock.Config{}), err: c.err}
		a := &app{out: io.Discard, err: io.Discard, width: 80, now: time.Now}
		a.progress = a.newProgress()
		err := (&cp{cfg: transfer.Config{Concurrency: 1}}).copy(t.Context(), a, dst, src)
		assert.ErrorContains(t, err, c.want, name)
		assert.Equal(t, c.whole, dst.writes.Load() == files, "%s: %d writes", name, dst.writes.Load())
	}
}

// Success in between means that it was the files'.
func TestSameCause(t *testing.T) {
	c := new(sameCause)
	for range 5 {
		assert.NoError(t, c.of(fs.ErrPermission))
		assert.NoError(t, c.of(fs.ErrPermission))
		assert.NoError(t, c.of(nil))
	}
	assert.NoError(t, c.of(fs.ErrPermission))
	assert.NoError(t, c.of(fs.ErrPermission))
	assert.ErrorIs(t, c.of(fs.ErrPermission), fs.ErrPermission)
}

// What cannot be written to is one cause, told before anything is measured.
func TestUnusableStore(t *testing.T) {
	s := newShell(t)
	for _, name := range []string{"bench", "check"} {
		r := s.run(t.Context(), name, s.url("rep")+"?readonly=true")
		assert.Equal(t, exitFailed, r.code, name)
		assert.Equal(t, 1, strings.Count(r.err, "\n"), "%q", r.err)
		assert.Contains(t, r.err, "read-only", name)
		assert.Less(t, len(r.err), 300, "%q", r.err)
		assert.Empty(t, r.out, name)
	}
	assert.Contains(t, s.ok(t, "ls", s.url("rep")), "6 files")
}

// What the trial has written is removed, though it cannot be read.
func TestUnusableStoreIsLeftEmpty(t *testing.T) {
	s := newShell(t)
	id, err := age.GenerateX25519Identity()
	require.NoError(t, err)
	for _, name := range []string{"bench", "check"} {
		s.fails(t, exitFailed, name, s.url("writeonly")+"?crypt.recipients="+id.Recipient().String())
		assert.NoDirExists(t, s.dir+"/writeonly", name)
	}
}

// A step ends with its first failure.
func TestBenchFailsFast(t *testing.T) {
	var calls atomic.Int64
	cmd := &bench{now: time.Now}
	_, err := cmd.measure(t.Context(), step{name: "x", count: 1000, atOnce: 4, do: func(_ context.Context, i int) error {
		calls.Add(1)
		return syscall.ENOSPC
	}})
	assert.Equal(t, syscall.ENOSPC, err)
	assert.LessOrEqual(t, calls.Load(), int64(8))
	calls.Store(0)
	_, err = cmd.measure(t.Context(), step{name: "x", count: 1000, atOnce: 4, do: func(context.Context, int) error { calls.Add(1); return nil }})
	require.NoError(t, err)
	assert.Equal(t, int64(1000), calls.Load())
}

// A store that breaks in the middle of a check is one cause.
func TestCheckOfAStoreThatBreaks(t *testing.T) {
	ran := 0
	for _, breaks := range []bool{false, true} {
		s, err := (&app{err: io.Discard}).scratch(t.Context(), atURL("file://"+t.TempDir()), "check")
		require.NoError(t, err)
		ran = 0
		cfg := replicatest.Config{Lacks: s.lacks(false, 1), New: func(context.Context) (replicatest.Store, error) {
			if ran++; breaks {
				s.query = "?readonly=true"
			}
			return replicatest.Store{}, errors.New("no client")
		}}
		report, err := s.hold(t.Context(), cfg, selected("write/"))
		if breaks {
			assert.ErrorContains(t, err, "the store became unusable after 1 case: ")
			assert.Equal(t, 1, ran)
			assert.Len(t, report, 1)
			continue
		}
		require.NoError(t, err)
		assert.Greater(t, ran, 5)
		assert.Len(t, report, len(selected("write/")))
	}
}

func TestCheckOnly(t *testing.T) {
	s := newShell(t)
	r := s.fails(t, exitUsage, "check", "-only", "nosuch", s.url("x"))
	assert.Contains(t, r, `-only is "nosuch": no case has this prefix: known are write/, `)
	assert.Contains(t, r, "delete-all/")
	r = s.fails(t, exitUsage, "check", "-only", "write/nosuch", s.url("x"))
	assert.Contains(t, r, "write/exact")
	assert.NotContains(t, r, "delete/")
	assert.NoDirExists(t, s.dir+"/x")
}

func TestLacks(t *testing.T) {
	s := &scratch{place: "s3://b"}
	assert.Contains(t, s.lacks(true, 80<<20-1), replicatest.BoundedMemory)
	assert.NotContains(t, s.lacks(true, 80<<20), replicatest.BoundedMemory)
	assert.NotContains(t, s.lacks(true, 1), replicatest.WriteOnce)
	assert.Contains(t, s.lacks(false, 1), replicatest.WriteOnce)
}

func TestBodySize(t *testing.T) {
	for large, want := range map[int64]int64{1: 64 << 10, 1 << 20: 512 << 10, 100 << 20: 16 << 20} {
		assert.Equal(t, want, bodySize(large))
	}
}

func TestBrief(t *testing.T) {
	assert.Equal(t, "a\nb", brief("a\nb"))
	ten := strings.TrimSuffix(strings.Repeat("x\n", 10), "\n")
	assert.Equal(t, ten, brief(ten))
	assert.Equal(t, strings.Repeat("x\n", 10)+"and 2 lines more", brief(strings.TrimSuffix(strings.Repeat("x\n", 12), "\n")))
}

// failingAt fails a client's method. It notes from where levels are listed, and fails if
// that is done with metadata, which may cost a request for each file.
type failingAt struct {
	ltxstore.ReplicaClient
	method string
	seeks  []ltx.TXID
}

func newFailingAt(method string) *failingAt {
	client := mock.NewReplicaClient(mock.Config{})
	client.SetLogger(nil)
	return &failingAt{ReplicaClient: client, method: method}
}

var errMethod = errors.New("not today")

func (c *failingAt) LTXFiles(ctx context.Context, level int, seek ltx.TXID, metadata bool) (ltx.FileIterator, error) {
	c.seeks = append(c.seeks, seek)
	if c.method == "list" || metadata {
		return nil, errMethod
	}
	return c.ReplicaClient.LTXFiles(ctx, level, seek, metadata)
}

func (c *failingAt) OpenLTXFile(ctx context.Context, level int, minTXID, maxTXID ltx.TXID, offset, size int64) (io.ReadCloser, error) {
	if c.method == "open" {
		return nil, errMethod
	}
	rc, err := c.ReplicaClient.OpenLTXFile(ctx, level, minTXID, maxTXID, offset, size)
	if c.method == "read" && err == nil {
		return struct {
			io.Reader
			io.Closer
		}{iotest.ErrReader(errMethod), rc}, nil
	}
	return rc, err
}

func (c *failingAt) WriteLTXFile(ctx context.Context, level int, minTXID, maxTXID ltx.TXID, r io.Reader) (*ltx.FileInfo, error) {
	if c.method == "write" {
		return nil, errMethod
	}
	return c.ReplicaClient.WriteLTXFile(ctx, level, minTXID, maxTXID, r)
}

func (c *failingAt) DeleteAll(ctx context.Context) error {
	switch c.method {
	case "delete all, list":
		c.method = "list"
		return errMethod
	case "delete all":
		return errMethod
	}
	return c.ReplicaClient.DeleteAll(ctx)
}

func (c *failingAt) DeleteLTXFiles(ctx context.Context, files []*ltx.FileInfo) error {
	if c.method == "delete" {
		return errMethod
	}
	return c.ReplicaClient.DeleteLTXFiles(ctx, files)
}

// Each thing that a store cannot do makes it unusable.
func TestTryout(t *testing.T) {
	for _, method := range []string{"list", "open", "read", "write", "delete", ""} {
		client := newFailingAt(method)
		wrote, err := tryout(t.Context(), client)
		assert.Equal(t, method != "list" && method != "write", wrote, "%s: whether something may be left", method)
		if method != "" {
			assert.ErrorIs(t, err, errMethod, method)
			continue
		}
		require.NoError(t, err)
		has, err := hasFiles(t.Context(), client, []int{0})
		require.NoError(t, err)
		assert.False(t, has, "nothing is left")
	}
}

// So does each step of a measurement fail with the store.
func TestBenchSteps(t *testing.T) {
	for _, method := range []string{"list", "open", "read", "write", "delete"} {
		failing := newFailingAt("")
		cmd := &bench{files: 2, concurrency: 1, large: 8192, client: failing, now: time.Now}
		failed := 0
		for _, s := range cmd.steps() {
			_, err := cmd.measure(t.Context(), s) // it has what it needs
			require.NoError(t, err, s.name)
			failing.method = method
			if err := s.do(t.Context(), 0); err != nil {
				assert.ErrorIs(t, err, errMethod)
				failed++
			}
			failing.method = ""
		}
		assert.Equal(t, []ltx.TXID{0, 3}, slices.Compact(failing.seeks), "all, and the last of two")
		assert.Equal(t, map[string]int{"list": 2, "open": 2, "read": 2, "write": 3, "delete": 1}[method], failed, method)
	}
}

func TestHasFiles(t *testing.T) {
	client := newFailingAt("")
	_, err := client.WriteLTXFile(t.Context(), 5, 1, 1, bytes.NewReader(replicatest.NewLTXFile(1, 1, time.Unix(1, 0), 1)))
	require.NoError(t, err)
	for _, c := range []struct {
		levels []int
		want   bool
	}{{nil, false}, {[]int{0, 4}, false}, {[]int{0, 5, 6}, true}} {
		has, err := hasFiles(t.Context(), client, c.levels)
		require.NoError(t, err)
		assert.Equal(t, c.want, has, "%v", c.levels)
	}
	assert.Empty(t, foreign(t.Context(), client))
	_, err = client.WriteLTXFile(t.Context(), 0, 1, 1, strings.NewReader("<html>"))
	require.NoError(t, err)
	assert.Contains(t, foreign(t.Context(), client), "the files are HTML")
	client.method = "list"
	has, err := hasFiles(t.Context(), client, []int{5})
	assert.ErrorIs(t, err, errMethod)
	assert.False(t, has)
	assert.Empty(t, foreign(t.Context(), client), "it is a hint")
	f := []*ltx.FileInfo{{Level: 5, MinTXID: 1, MaxTXID: 1}}
	_, _, err = present(t.Context(), client, f)
	assert.ErrorIs(t, err, errMethod)
	client.method = "delete"
	there, _, err := present(t.Context(), client, f)
	require.NoError(t, err)
	assert.Equal(t, f, there)
	assert.ErrorIs(t, (&rm{yes: true}).deleteFiles(t.Context(), &app{out: io.Discard}, "there", client, f), errMethod)
}

// A copy of what cannot be listed has failed.
func TestCpCannotList(t *testing.T) {
	a := &app{out: io.Discard, err: io.Discard, now: time.Now}
	a.progress = a.newProgress()
	err := (&cp{cfg: transfer.Config{Concurrency: 1}}).copy(t.Context(), a, newFailingAt(""), newFailingAt("list"))
	assert.ErrorIs(t, err, errMethod)
}

// What could not be deleted is told: all of it if that is known.
func TestRmFails(t *testing.T) {
	for method, want := range map[string]string{"list": "not today", "delete all": "1 file of 1 left", "delete all, list": "not today", "": ""} {
		client := newFailingAt("")
		_, err := client.WriteLTXFile(t.Context(), 5, 1, 1, bytes.NewReader(replicatest.NewLTXFile(1, 1, time.Unix(1, 0), 1)))
		require.NoError(t, err)
		client.method = method
		err = (&rm{yes: true}).deleteAll(t.Context(), &app{out: io.Discard}, "there", client)
		if method == "" {
			assert.NoError(t, err)
			continue
		}
		require.ErrorIs(t, err, errMethod)
		assert.ErrorContains(t, err, want)
	}
}

// What cannot be removed stays, and is told.
func TestScratchRemains(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.Mkdir(filepath.Join(dir, "db"), 0o700))
	s := &scratch{a: &app{err: io.Discard}, place: "file://" + filepath.ToSlash(dir), query: "?nosuch=1", opened: map[string]struct{}{"db": {}}, base: dir}
	assert.ErrorContains(t, s.remove(t.Context()), "/db remains: ")
	assert.DirExists(t, filepath.Join(dir, "db"))
	s.query = ""
	require.NoError(t, s.remove(t.Context()))
	assert.NoDirExists(t, dir)
}

func TestMeasured(t *testing.T) {
	var out bytes.Buffer
	a := &app{out: &out, width: 100}
	a.measured([]measure{{Name: "at once"}, {Name: "list 200 files", Count: 1000, Seconds: 2, P50: 0.001, P90: 0.25, P99: 1, Max: 12},
		{Name: "write", Count: 4, Bytes: 4000, Seconds: 0.5}, {Name: "read", Count: 1, Bytes: 12e6, Seconds: 1}})
	assert.Equal(t, `
                A SECOND               P50     P90    P99     MAX
at once                -              0 us    0 us   0 us    0 us
list 200 files     500.0            1.0 ms  250 ms  1.0 s  12.0 s
write                8.0  8.0 kB/s    0 us    0 us   0 us    0 us
read                 1.0   12 MB/s    0 us    0 us   0 us    0 us
`, "\n"+out.String())
}

func TestLatency(t *testing.T) {
	for seconds, want := range map[float64]string{0: "0 us", 0.000999: "999 us", 0.001: "1.0 ms", 0.0999: "99.9 ms", 0.1: "100 ms", 0.999: "999 ms", 1: "1.0 s", 61.25: "61.2 s"} {
		assert.Equal(t, want, latency(seconds))
	}
}

func TestWriteJSON(t *testing.T) {
	var out bytes.Buffer
	(&app{out: &out}).writeJSON("s3://b?x=1&y=<2>")
	assert.Equal(t, "\"s3://b?x=1&y=<2>\"\n", out.String())
}

func TestHumanSize(t *testing.T) {
	for n, want := range map[int64]string{0: "0 B", 999: "999 B", 1000: "1.0 kB", 9949: "9.9 kB", 9950: "10 kB", 999_499: "999 kB", 999_500: "1.0 MB", 1e18: "1 EB"} {
		assert.Equal(t, want, humanSize(n), "%d", n)
	}
}
