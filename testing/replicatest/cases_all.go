package replicatest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore"
)

func allCases() []Case {
	return []Case{
		{ID: "all/ten-writers", Clauses: []string{"C1"},
			Rule: "Ten concurrent writers of ten files all succeed, and every file is whole.", run: tenWriters},
		{ID: "all/mixed-operations", Clauses: []string{"C1"},
			Rule: "Concurrent writes, reads, listings and deletions each see only their own bytes.", run: mixedOperations},
		{ID: "all/several-clients", Clauses: []string{"C1"}, Needs: []Capability{Clients},
			Rule: "Another client sees immediately what one client writes or deletes.", run: severalClients},
		{ID: "all/init", Clauses: []string{"C1"},
			Rule: "Init may be called repeatedly and concurrently, and its context may end afterwards.", run: initAgain},
		{ID: "all/context-done", Clauses: []string{"C2"},
			Rule: "With a context that is already done every method returns its error and starts nothing.", run: contextDone},
		{ID: "all/deadline", Clauses: []string{"C2"},
			Rule: "A deadline in the past is context.DeadlineExceeded.", run: deadlinePast},
		{ID: "all/no-goroutine-leaks", Clauses: []string{"C3", "O5"},
			Rule: "No goroutine outlives calls, iterators and readers, whether they are done, failed, cancelled or closed early.", run: noGoroutineStays},
		{ID: "all/no-secret-leaks", Clauses: []string{"C4"}, Needs: []Capability{Secrets},
			Rule: "No secret reaches a log line or an error.", run: noSecretLeaks},
	}
}

func tenWriters(ctx context.Context, e *env) error {
	var wg sync.WaitGroup
	errs := make([]error, 10)
	var want []file
	for n := range 10 {
		f := file{0, ltx.TXID(n * 100), ltx.TXID((n + 1) * 100)}
		want = append(want, f)
		wg.Go(func() {
			errs[n] = caught(func() error {
				_, err := e.write(ctx, f, fmt.Appendf(nil, "concurrent %d", n))
				return err
			})
		})
	}
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		return err
	}
	for n, f := range want {
		if err := e.holds(ctx, f, fmt.Appendf(nil, "concurrent %d", n)); err != nil {
			return err
		}
	}
	return e.lists(ctx, 0, 0, want...)
}

func mixedOperations(ctx context.Context, e *env) error {
	// Files before the start of a listing must not be in it.
	if err := e.writeAll(ctx, file{0, 1, 1}, file{1, 1, 1}, file{2, 1, 1}); err != nil {
		return err
	}
	return parallel(8, func(worker int) error {
		for round := range 6 {
			id := ltx.TXID(worker*100 + round + 2)
			f := file{round % 3, id, id}
			body := e.bodyOf(f)
			if err := first(
				func() error { _, err := e.write(ctx, f, body); return err },
				func() error { return e.holds(ctx, f, body) },
				func() error {
					got, err := e.read(ctx, f, 50, 100)
					if err != nil {
						return err
					}
					return sameBytes("a range of "+f.String(), got, body[50:150])
				},
				func() error {
					infos, err := e.list(ctx, f.level, id, true)
					if err != nil {
						return err
					}
					if len(infos) == 0 || fileOf(infos[0]) != f {
						return fmt.Errorf("%v is not listed first from its own transaction on", f)
					}
					return nil
				},
				func() error { return e.client.DeleteLTXFiles(ctx, []*ltx.FileInfo{f.info()}) },
				func() error { return e.missing(ctx, f) },
			); err != nil {
				return err
			}
		}
		return nil
	})
}

func severalClients(ctx context.Context, e *env) error {
	var clients []*env
	for range 3 {
		other, done, err := e.reopen(e.Another)
		if err != nil {
			return err
		}
		defer done()
		clients = append(clients, other)
	}
	clients = append(clients, e)
	var want []file
	for i := range 12 {
		f := file{0, ltx.TXID(i + 1), ltx.TXID(i + 1)}
		want = append(want, f)
		if err := clients[i%len(clients)].writeAll(ctx, f); err != nil {
			return err
		}
		for _, c := range clients {
			if err := first(
				func() error { return c.lists(ctx, 0, 0, want...) },
				func() error { return c.holds(ctx, f, e.bodyOf(f)) },
			); err != nil {
				return err
			}
		}
	}
	if err := clients[0].client.DeleteLTXFiles(ctx, []*ltx.FileInfo{want[0].info()}); err != nil {
		return err
	}
	// A client must work after another one has deleted directories that it knows.
	for _, c := range clients {
		if err := first(
			func() error { return c.missing(ctx, want[0]) },
			func() error { return clients[1].client.DeleteAll(ctx) },
			func() error { return c.lists(ctx, 0, 0) },
			func() error { return c.writeAll(ctx, want[1]) },
			func() error { return e.holds(ctx, want[1], e.bodyOf(want[1])) },
		); err != nil {
			return err
		}
	}
	return nil
}

func initAgain(ctx context.Context, e *env) error {
	initCtx, cancel := context.WithCancel(ctx)
	defer cancel()
	if err := parallel(16, func(int) error { return ltxstore.Init(initCtx, e.client) }); err != nil {
		return fmt.Errorf("init: %w", err)
	}
	cancel()
	f := file{0, 1, 1}
	return first(
		func() error { return e.writeAll(ctx, f) },
		func() error { return ltxstore.Init(ctx, e.client) },
		func() error { return e.holds(ctx, f, e.bodyOf(f)) },
	)
}

// methods calls every method once with ctx, and with a reader that records
// whether it was read.
func (e *env) methods(ctx context.Context, touched *atomic.Bool) map[string]error {
	src := &source{body: e.bodyOf(file{0, 2, 2}), hook: func() { touched.Store(true) }}
	_, writeErr := e.client.WriteLTXFile(ctx, 0, 2, 2, src)
	_, openErr := e.read(ctx, file{0, 1, 1}, 0, 0)
	_, listErr := e.list(ctx, 0, 0, false)
	_, metaErr := e.list(ctx, 0, 0, true)
	return map[string]error{
		"write": writeErr, "open": openErr, "list": listErr, "list with useMetadata": metaErr,
		"delete":     e.client.DeleteLTXFiles(ctx, []*ltx.FileInfo{file{0, 1, 1}.info()}),
		"delete all": e.client.DeleteAll(ctx),
	}
}

func contextDone(ctx context.Context, e *env) error {
	f := file{0, 1, 1}
	if err := e.writeAll(ctx, f); err != nil {
		return err
	}
	done, cancel := context.WithCancelCause(ctx)
	cancel(errors.New("replicatest: enough"))
	var touched atomic.Bool
	for what, err := range e.methods(done, &touched) {
		if err := is(what, err, context.Canceled); err != nil {
			return err
		}
	}
	if touched.Load() {
		return errors.New("write read its reader")
	}
	return first(
		func() error { return e.holds(ctx, f, e.bodyOf(f)) },
		func() error { return e.missing(ctx, file{0, 2, 2}) },
	)
}

func deadlinePast(ctx context.Context, e *env) error {
	f := file{0, 1, 1}
	if err := e.writeAll(ctx, f); err != nil {
		return err
	}
	late, cancel := context.WithDeadline(ctx, time.Now().Add(-time.Second))
	defer cancel()
	var touched atomic.Bool
	for what, err := range e.methods(late, &touched) {
		if err := is(what, err, context.DeadlineExceeded); err != nil {
			return err
		}
		if ltxstore.IsRetryable(err) {
			return fmt.Errorf("%s: a caller's deadline is retryable: %w", what, err)
		}
	}
	return e.holds(ctx, f, e.bodyOf(f))
}

func noGoroutineStays(ctx context.Context, e *env) error {
	f := file{0, 1, 1}
	bodyOf := func(txid ltx.TXID) []byte { return e.ltxBody(file{0, txid, txid}, timeOf(1), 2) }
	large := bodyOf(1)
	if _, err := e.write(ctx, f, large); err != nil { // connects
		return err
	}
	steps := []struct {
		what string
		do   func(context.Context, context.CancelFunc) error
	}{
		{"write", func(ctx context.Context, _ context.CancelFunc) error {
			_, err := e.client.WriteLTXFile(ctx, 0, 2, 2, &source{body: bodyOf(2)})
			return err
		}},
		{"failed write", func(ctx context.Context, _ context.CancelFunc) error {
			_, err := e.client.WriteLTXFile(ctx, 0, 3, 3, &source{body: bodyOf(3), end: errSource})
			return is("write", err, errSource)
		}},
		{"cancelled write", func(ctx context.Context, cancel context.CancelFunc) error {
			_, err := e.client.WriteLTXFile(ctx, 0, 4, 4, &source{body: bodyOf(4), at: len(large) / 2, chunk: 1 << 16, hook: cancel})
			return is("write", err, context.Canceled)
		}},
		{"read", func(ctx context.Context, _ context.CancelFunc) error { return e.holds(ctx, f, large) }},
		{"reader closed early", func(ctx context.Context, _ context.CancelFunc) error {
			rc, _, err := e.openHalf(ctx, f, 1000)
			if err != nil {
				return err
			}
			return rc.Close()
		}},
		{"cancelled reader", func(ctx context.Context, cancel context.CancelFunc) error {
			rc, _, err := e.openHalf(ctx, f, 1000)
			if err != nil {
				return err
			}
			cancel()
			_, _ = io.Copy(io.Discard, rc)
			return rc.Close()
		}},
		{"missing file", func(ctx context.Context, _ context.CancelFunc) error { return e.missing(ctx, file{8, 1, 1}) }},
		{"list", func(ctx context.Context, _ context.CancelFunc) error {
			_, err := e.list(ctx, 0, 0, true)
			return err
		}},
		{"list closed early", func(ctx context.Context, _ context.CancelFunc) error {
			itr, err := e.client.LTXFiles(ctx, 0, 0, true)
			if err != nil {
				return err
			}
			itr.Next()
			return itr.Close()
		}},
		{"delete", func(ctx context.Context, _ context.CancelFunc) error {
			return e.client.DeleteLTXFiles(ctx, []*ltx.FileInfo{file{0, 2, 2}.info(), file{7, 7, 7}.info()})
		}},
	}
	for _, step := range steps {
		err := e.leaks(ctx, step.what, func(ctx context.Context) error {
			ctx, cancel := context.WithCancel(ctx)
			defer cancel()
			return step.do(ctx, cancel)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// lockedBuffer collects the log lines of several goroutines.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func noSecretLeaks(ctx context.Context, e *env) error {
	var log lockedBuffer
	if c, ok := ltxstore.As[ltxstore.LoggerSetter](e.client); ok {
		c.SetLogger(slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug - 8})))
	}
	if err := e.writeAll(ctx, file{0, 1, 1}); err != nil {
		return err
	}
	var touched atomic.Bool
	texts := []string{fmt.Sprintf("%v %+v %#v", e.client, e.client, e.client)}
	done, cancel := context.WithCancel(ctx)
	cancel()
	collect := func(ctx context.Context) {
		texts = append(texts, fmt.Sprintf("write again: %+v", e.writeAll(ctx, file{0, 1, 1}))) // methods reads and deletes it
		for what, err := range e.methods(ctx, &touched) {
			texts = append(texts, fmt.Sprintf("%s: %+v", what, err))
		}
		_, err := e.read(ctx, file{5, 5, 5}, 0, 0)
		texts = append(texts, fmt.Sprintf("missing: %+v", err))
	}
	leaked := func() error {
		for _, secret := range e.Secrets {
			for _, text := range append(texts, log.String()) {
				if secret != "" && strings.Contains(text, secret) {
					return fmt.Errorf("a secret is in %q", strings.ReplaceAll(text, secret, "[secret]"))
				}
			}
		}
		return nil
	}
	collect(ctx)
	collect(done)
	if err := leaked(); err != nil {
		return err // before faults, which take longer
	}
	for _, fault := range e.breakMore() {
		fault()
		collect(ctx)
	}
	return leaked()
}

// breakMore returns the faults of the store that need at most one file. After each of them the
// next one still has an effect.
func (e *env) breakMore() (faults []func()) {
	if e.Faults == nil {
		return nil
	}
	if e.Faults.Cut != nil {
		faults = append(faults, func() { e.Faults.Cut(0) })
	}
	if e.Faults.Deletes != nil {
		faults = append(faults, func() { e.Faults.Deletes(func(int, ltx.TXID, ltx.TXID) bool { return true }) })
	}
	for _, fault := range []func(){e.Faults.Lookups, e.Faults.Unreachable} {
		if fault != nil {
			faults = append(faults, fault)
		}
	}
	return faults
}
