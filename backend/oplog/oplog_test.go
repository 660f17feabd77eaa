package oplog_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore/backend/oplog"
)

// capture returns a logger and what it has written, a line each.
func capture(level slog.Level) (*slog.Logger, func() []string) {
	var buf bytes.Buffer
	h := slog.NewTextHandler(&buf, &slog.HandlerOptions{Level: level, ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey {
			return slog.Attr{}
		}
		return a
	}})
	return slog.New(h), func() []string {
		return strings.Split(strings.TrimSuffix(buf.String(), "\n"), "\n")
	}
}

func TestOp(t *testing.T) {
	write := oplog.Op{Replica: "file", Name: "write", Level: 1, MinTXID: 2, MaxTXID: 10}
	for _, tt := range []struct {
		name  string
		op    oplog.Op
		err   error
		attrs []slog.Attr
		want  [2]string
	}{
		{
			name: "success", op: write, attrs: []slog.Attr{slog.Int("bytes", 5)},
			want: [2]string{
				`level=DEBUG msg="ltx write starting" replica=file level=1 minTXID=0000000000000002 maxTXID=000000000000000a`,
				`level=INFO msg="ltx write done" replica=file level=1 minTXID=0000000000000002 maxTXID=000000000000000a bytes=5`,
			},
		},
		{
			name: "read", op: oplog.Op{Replica: "s3", Name: "list", Level: 9, Done: slog.LevelDebug},
			want: [2]string{
				`level=DEBUG msg="ltx list starting" replica=s3 level=9`,
				`level=DEBUG msg="ltx list done" replica=s3 level=9`,
			},
		},
		{
			name: "whole replica", op: oplog.Op{Replica: "s3", Name: "delete all", Level: -1, MaxTXID: 7},
			want: [2]string{
				`level=DEBUG msg="ltx delete all starting" replica=s3`,
				`level=INFO msg="ltx delete all done" replica=s3`,
			},
		},
		{
			name: "failure", op: oplog.Op{Replica: "s3", Name: "list", Done: slog.LevelDebug}, err: errors.New("denied"),
			attrs: []slog.Attr{slog.Int("files", 3)},
			want: [2]string{
				`level=DEBUG msg="ltx list starting" replica=s3 level=0`,
				`level=ERROR msg="ltx list failed" replica=s3 level=0 files=3 error=denied`,
			},
		},
		{
			name: "missing", op: oplog.Op{Replica: "s3", Name: "open"}, err: fmt.Errorf("x: %w", fs.ErrNotExist),
			want: [2]string{
				`level=DEBUG msg="ltx open starting" replica=s3 level=0`,
				`level=DEBUG msg="ltx open failed" replica=s3 level=0 error="x: file does not exist"`,
			},
		},
		{
			name: "canceled", op: oplog.Op{Replica: "s3", Name: "open"}, err: fmt.Errorf("x: %w", context.Canceled),
			want: [2]string{
				`level=DEBUG msg="ltx open starting" replica=s3 level=0`,
				`level=DEBUG msg="ltx open failed" replica=s3 level=0 error="x: context canceled"`,
			},
		},
		{
			name: "deadline", op: oplog.Op{Replica: "s3", Name: "open"}, err: context.DeadlineExceeded,
			want: [2]string{
				`level=DEBUG msg="ltx open starting" replica=s3 level=0`,
				`level=DEBUG msg="ltx open failed" replica=s3 level=0 error="context deadline exceeded"`,
			},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var l oplog.Logger
			logger, lines := capture(slog.LevelDebug)
			l.Set(logger)
			l.Start(t.Context(), tt.op).End(tt.err, tt.attrs...)
			assert.Equal(t, tt.want[:], lines())
		})
	}
}

func TestOpRespectsLevel(t *testing.T) {
	var l oplog.Logger
	logger, lines := capture(slog.LevelInfo)
	l.Set(logger)
	l.Start(t.Context(), oplog.Op{Replica: "s3", Name: "list", Level: -1, Done: slog.LevelDebug}).End(nil)
	l.Start(t.Context(), oplog.Op{Replica: "s3", Name: "write", Level: -1}).End(nil)
	assert.Equal(t, []string{`level=INFO msg="ltx write done" replica=s3`}, lines())
}

// An operation's end is logged also when its context is what ended it, and to
// the logger that saw its beginning.
func TestOpOutlivesContextAndSet(t *testing.T) {
	var l oplog.Logger
	seen := &handler{}
	l.Set(slog.New(seen))
	ctx, cancel := context.WithCancel(context.WithValue(t.Context(), key{}, "v"))
	op := l.Start(ctx, oplog.Op{Replica: "s3", Name: "open"})
	cancel()
	l.Set(nil)
	op.End(ctx.Err())
	require.Len(t, seen.contexts, 2)
	for _, ctx := range seen.contexts {
		assert.NoError(t, ctx.Err())
		assert.Equal(t, "v", ctx.Value(key{}))
	}
}

type key struct{}

type handler struct {
	slog.Handler
	contexts []context.Context
}

func (h *handler) Enabled(context.Context, slog.Level) bool { return true }
func (h *handler) Handle(ctx context.Context, _ slog.Record) error {
	h.contexts = append(h.contexts, ctx)
	return nil
}

func TestLoggerZeroValue(t *testing.T) {
	var l oplog.Logger
	assert.Same(t, slog.Default(), l.Get())
	l.Set(nil)
	assert.False(t, l.Get().Enabled(t.Context(), slog.LevelError), "nil silences")
}

func TestLoggerIsRaceFree(t *testing.T) {
	var l oplog.Logger
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 200 {
				l.Set(nil)
				l.Start(t.Context(), oplog.Op{Replica: "s3", Name: "open"}).End(errors.New("x"))
			}
		})
	}
	wg.Wait()
	assert.False(t, l.Get().Enabled(t.Context(), slog.LevelError))
}

func TestRetried(t *testing.T) {
	var log oplog.Logger
	var out strings.Builder
	log.Set(slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{Level: slog.LevelDebug})))
	log.Retried("s3", nil)(2, 3*time.Second, errors.New("Put https://h/k?X-Amz-Signature=abc: reset"))
	assert.Contains(t, out.String(), `level=DEBUG msg="request failed, repeating it" replica=s3 attempt=2 wait=3s error="Put https://h/k: reset"`)
}

// No line has a secret that the client knows, under whatever name a server
// echoed it.
func TestSecretsAreNotLogged(t *testing.T) {
	logger, lines := capture(slog.LevelDebug)
	var log oplog.Logger
	log.Set(logger)
	log.Secrets.Add("t0p/secret")
	err := fmt.Errorf("a server said t0p%%2Fsecret and %w", errors.New("t0p/secret"))
	log.Start(context.Background(), oplog.Op{Replica: "s3", Name: "read", Level: -1}).End(err)
	log.Start(context.Background(), oplog.Op{Replica: "s3", Name: "read", Level: -1}).End(errors.Join(err, fs.ErrNotExist))
	log.Retried("s3", nil)(1, time.Second, err)
	for _, line := range lines() {
		assert.NotContains(t, line, "t0p")
	}
	assert.Equal(t, 3, strings.Count(strings.Join(lines(), "\n"), "a server said [redacted] and [redacted]"))
}

// failing is a listing of some files that ends with an error.
type failing struct {
	ltx.FileIterator
	files int
}

func (f *failing) Next() bool {
	f.files--
	return f.files >= 0
}

func (*failing) Close() error { return fs.ErrClosed }

// A listing's end is logged once, however often it is closed, and its error is
// the listing's.
func TestListingIsLoggedOnce(t *testing.T) {
	logger, lines := capture(slog.LevelInfo)
	var log oplog.Logger
	log.Set(logger)
	files := log.Start(context.Background(), oplog.Op{Replica: "s3", Name: "list", Level: 1}).Listing(&failing{files: 2})
	for files.Next() {
	}
	assert.ErrorIs(t, files.Close(), fs.ErrClosed)
	assert.ErrorIs(t, files.Close(), fs.ErrClosed)
	assert.Equal(t, []string{`level=ERROR msg="ltx list failed" replica=s3 level=1 files=2 error="file already closed"`}, lines())
}
