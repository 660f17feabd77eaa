package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ltxstore/ltxstore/internal/testkit/race"
	"github.com/ltxstore/ltxstore/internal/testkit/s3fake"
)

// The test binary is also the command, where only a process can show something:
// this variable makes it so.
const childVariable = "LTXSTORE_CMD_TEST_CHILD"

func TestMain(m *testing.M) {
	if os.Getenv(childVariable) != "" {
		main()
	}
	s3fake.Isolate()
	race.CollectLess()
	os.Exit(m.Run())
}

func child(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	program, err := os.Executable()
	require.NoError(t, err)
	cmd := exec.Command(program, args...)
	cmd.Env = append(os.Environ(), childVariable+"=1", "AWS_ACCESS_KEY_ID=AKID", "AWS_SECRET_ACCESS_KEY=secret", "AWS_EC2_METADATA_DISABLED=true")
	return cmd
}

// failingWriter fails from its nth write on.
type failingWriter struct{ n int }

func (w *failingWriter) Write(p []byte) (int, error) {
	if w.n--; w.n < 0 {
		return 0, &os.PathError{Op: "write", Path: "/dev/stdout", Err: syscall.ENOSPC}
	}
	return len(p), nil
}

// A command that could not say what it found has failed: every one, wherever the
// output ends.
func TestOutputThatCannotBeWritten(t *testing.T) {
	s := newShell(t)
	file := s.dir + "/litestream.yml"
	require.NoError(t, os.WriteFile(file, []byte("dbs:\n  - path: /app.db\n    replicas:\n      - path: /backup\n"), 0o644))
	rep := s.url("rep")
	covered := make(map[string]bool)
	for _, args := range [][]string{
		{"ls", rep}, {"ls", "-json", rep}, {"ls", "-level", "7", rep}, {"cat", rep, "0", "0000000000000004-0000000000000004"},
		{"cp", rep, s.url("copy")}, {"cp", "-json", rep, s.url("copy")}, {"rm", "-yes", rep, "0", "0000000000000006-0000000000000006"},
		{"verify", rep}, {"verify", "-json", rep}, {"restore", rep, "DIR/out"}, {"restore", "-force", "-json", rep, "DIR/out"},
		{"check", "-only", "write/exact", s.url("x")}, {"check", "-json", "-only", "write/exact", s.url("x")},
		{"check", "-only", "write/exact", s.url("x") + "?checksum.enabled=true"}, // with problems
		{"bench", "-files", "2", "-large", "8KiB", s.url("x")}, {"bench", "-json", "-files", "2", "-large", "8KiB", s.url("x")},
		{"config", "check", file}, {"config", "check", "-json", file}, {"completion", "bash"}, {"version"}, {"--version"},
		{"help"}, {"-h"}, {}, {"help", "ls"}, {"ls", "-h"}, {"rm", "-all", "-yes", rep},
	} {
		if len(args) > 0 {
			covered[args[0]] = true
		}
		for _, most := range []int{0, 1} {
			if most == 1 && !strings.HasPrefix(strings.Join(args, " "), "ls file") {
				continue // the rest of the list was not written
			}
			var complaint bytes.Buffer
			a := &app{in: strings.NewReader(""), out: &failingWriter{most}, err: &complaint, width: 80, now: time.Now}
			for i := range args {
				args[i] = strings.ReplaceAll(args[i], "DIR", s.dir)
			}
			assert.Equal(t, exitFailed, a.run(t.Context(), args), "%v", args)
			assert.Contains(t, complaint.String(), "no space left on device", "%v", args)
			assert.Equal(t, 1, strings.Count(complaint.String(), "\n"), "%q", complaint.String())
		}
	}
	for _, cmd := range commands() {
		assert.True(t, covered[strings.Fields(cmd.name)[0]], cmd.name)
	}
}

// The same of the process, for a full disk and for a pipe that nobody reads.
func TestStandardOutput(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("there is no /dev/full")
	}
	s := newShell(t)
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	require.NoError(t, err)
	defer full.Close()
	closed, w, err := os.Pipe()
	require.NoError(t, err)
	require.NoError(t, closed.Close())
	defer w.Close()
	for _, out := range []*os.File{full, w} {
		for _, args := range [][]string{{"version"}, {"ls", s.url("rep")}, {"verify", s.url("rep")}} {
			cmd := child(t, args...)
			cmd.Stdout = out
			assert.Error(t, cmd.Run(), "%v", args)
		}
	}
}

// A reader that has stopped reading does not keep the command from ending.
func TestInterruptedWhileWriting(t *testing.T) {
	s := newShell(t)
	for _, args := range [][]string{{"ls", s.url("rep")}, {"cat", s.url("rep"), "0", "0000000000000004-0000000000000004"}} {
		ctx, cancel := context.WithCancel(t.Context())
		r, w := io.Pipe()
		done := make(chan int)
		a := &app{in: strings.NewReader(""), out: w, err: io.Discard, width: 80, now: time.Now}
		go func() { done <- a.run(ctx, args) }()
		_, err := r.Read(make([]byte, 1)) // it writes
		require.NoError(t, err)
		cancel()
		assert.Equal(t, exitInterrupted, <-done, "%v", args)
		require.NoError(t, r.Close())
	}
}

// An interruption ends a question, and a wait for a file that is a pipe.
func TestInterruptedWhileReading(t *testing.T) {
	s := newShell(t)
	ctx, cancel := context.WithCancel(t.Context())
	answer, _ := io.Pipe()
	asked := writerFunc(func(p []byte) (int, error) {
		if bytes.Contains(p, []byte("[y/N]")) {
			cancel()
		}
		return len(p), nil
	})
	a := &app{in: answer, out: io.Discard, err: asked, inTTY: true, errTTY: true, width: 80, now: time.Now}
	assert.Equal(t, exitInterrupted, a.run(ctx, []string{"rm", "-all", s.url("rep")}))
	assert.Contains(t, s.ok(t, "ls", s.url("rep")), "6 files")
}

type writerFunc func(p []byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

// A hang-up, as any other end, leaves nothing of a restore that was not done.
func TestSignalsLeaveNothing(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("a process cannot be sent these signals")
	}
	s := newShell(t)
	for _, end := range []os.Signal{syscall.SIGHUP, syscall.SIGTERM, os.Interrupt} {
		if signal.Ignored(end) { // as under nohup: the command ignores it too
			continue
		}
		reached := make(chan struct{}, 100)
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Query().Has("list-type") {
				name := "db/ltx/0000/0000000000000001-0000000000000001.ltx"
				if r.URL.Query().Get("prefix") != "db/ltx/0000/" {
					name = ""
				}
				_, _ = io.WriteString(w, listBucketResult(r, name))
				return
			}
			w.Header().Set("Content-Length", "5000")
			w.Header().Set("ETag", `"1"`)
			w.WriteHeader(http.StatusOK)
			w.(http.Flusher).Flush()
			reached <- struct{}{}
			<-r.Context().Done()
		}))
		out := filepath.Join(s.dir, "out.db")
		cmd := child(t, "restore", "s3://bucket/db?layout=default&region=us-east-1&endpoint="+server.URL, out)
		var complaint bytes.Buffer
		cmd.Stderr = &complaint
		require.NoError(t, cmd.Start())
		<-reached
		require.NoError(t, cmd.Process.Signal(end))
		var exit *exec.ExitError
		require.True(t, errors.As(cmd.Wait(), &exit), "%v", end)
		assert.Equal(t, exitInterrupted, exit.ExitCode(), "%v: %s", end, complaint.String())
		assert.Contains(t, complaint.String(), "interrupted: nothing was written\n")
		entries, err := os.ReadDir(s.dir)
		require.NoError(t, err)
		require.Len(t, entries, 1, "the replica alone, after %v", end)
		server.Close()
	}
}

// listBucketResult answers a listing with one key, or none.
func listBucketResult(r *http.Request, key string) string {
	contents := ""
	if key != "" {
		contents = "<Contents><Key>" + key + "</Key><LastModified>2026-01-31T12:00:00.000Z</LastModified><ETag>&quot;1&quot;</ETag><Size>5000</Size></Contents>"
	}
	return `<?xml version="1.0"?><ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Name>bucket</Name><Prefix>` +
		r.URL.Query().Get("prefix") + `</Prefix><Delimiter>/</Delimiter><IsTruncated>false</IsTruncated>` + contents + `</ListBucketResult>`
}

// ended returns a context that was cancelled: nothing is waited for.
func ended(ctx context.Context) context.Context {
	ctx, cancel := context.WithCancel(ctx)
	cancel()
	return ctx
}

// An interruption while a time is looked up ends a listing, which is not taken for whole.
func TestInterruptedWhileLookingUp(t *testing.T) {
	store := s3fake.New(s3fake.Options{}, "bucket")
	ctx, cancel := context.WithCancel(t.Context())
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet && strings.HasSuffix(r.URL.Path, ".ltx") {
			cancel()
		}
		store.ServeHTTP(w, r)
	}))
	defer server.Close()
	s := newShell(t)
	at := "s3://bucket/db?region=us-east-1&access-key-id=AKID&secret-access-key=" + hush + "&endpoint=" + server.URL
	put(t, at, "default", 0)
	r := s.run(ctx, "ls", at)
	assert.Equal(t, exitInterrupted, r.code, r.err)
	assert.Empty(t, r.out)
}
