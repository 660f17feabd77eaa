package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/interop/dbcheck"
	"github.com/ltxstore/ltxstore/interop/engine"
)

// session is one run of the command.
type session struct {
	screen *screen
	source *source
	client ltxstore.ReplicaClient
	daemon *daemon
	dir    string // of all that is ours
	logger *slog.Logger
	log    io.Writer // of the daemon; nil is none

	began time.Time
	first ltx.TXID // that was replicated
	marks []engine.Mark
}

func replicate(ctx context.Context, opts options, screen *screen, log io.Writer) (err error) {
	if opts.db != "" {
		if err := checkDB(opts.db); err != nil {
			return err
		}
	}
	dir, err := os.MkdirTemp("", "ltxstore-replicate-")
	if err != nil {
		return fmt.Errorf("no temporary directory: %w: set TMPDIR to a directory that can be written to", err)
	}
	s := &session{screen: screen, dir: dir, logger: slog.New(slog.DiscardHandler)}
	if opts.verbose {
		s.logger, s.log = slog.New(slog.NewTextHandler(log, nil)), log
	}
	// The differing files are kept as evidence.
	defer func() {
		screen.clear()
		if !opts.keep && !errors.Is(err, dbcheck.ErrDifferent) && !errors.Is(err, dbcheck.ErrDamaged) {
			err = errors.Join(err, os.RemoveAll(dir))
			return
		}
		screen.say("kept", "%s", dir)
	}()

	name := shown(opts.replica)
	if opts.replica == "" {
		opts.replica, name = filepath.Join(dir, "replica"), "a new directory"
	}
	client, err := openReplica(ctx, opts.replica, opts.layout)
	if err != nil {
		return err
	}
	if strings.Contains(name, "layout=") {
		name = fmt.Sprintf("%s (%s)", name, client.Type())
	} else {
		name = fmt.Sprintf("%s (%s, layout %v)", name, client.Type(), opts.layout)
	}
	defer func() { err = errors.Join(err, ltxstore.Close(client)) }()
	s.client = client
	if s.source, err = openSource(ctx, opts.db, dir); err != nil {
		return err
	}
	if err := s.start(ctx, opts, name); err != nil {
		return err
	}
	defer func() {
		_ = s.source.stop() // a failure was returned to whoever stopped it first
		err = errors.Join(err, s.daemon.Close(context.WithoutCancel(ctx)))
	}()
	if err := s.watch(ctx, opts.duration); err != nil {
		return err
	}
	// From here on, the first Ctrl-C does not leave work unfinished.
	return s.finish(context.WithoutCancel(ctx))
}

func (s *session) start(ctx context.Context, opts options, name string) (err error) {
	cfg := settings{replica: opts.replica, layout: opts.layout, levels: []time.Duration{
		interval(opts.duration, 10, 500*time.Millisecond, 30*time.Second),
		interval(opts.duration, 4, 1500*time.Millisecond, 5*time.Minute),
	}, snapshotInterval: interval(opts.duration, 2, 2*time.Second, time.Hour)}

	if opts.db == "" {
		s.screen.say("source", "a sample database, %s write to it", count(connections, "connection"))
	} else {
		s.screen.say("source", "%s", opts.db)
	}
	s.screen.say("replica", "%s", name)
	s.screen.say("daemon", "ltxstored: sync %v, level 1 %v, level 2 %v, snapshots %v",
		syncInterval, cfg.levels[0], cfg.levels[1], cfg.snapshotInterval)

	if s.daemon, err = startDaemon(ctx, opts.ltxstored, s.source.path, s.dir, cfg, s.log); err != nil {
		return err
	}
	s.first, err = s.daemon.replicated(ctx)
	if err == nil {
		err = s.source.start(ctx, opts.db == "")
	}
	if err != nil {
		return errors.Join(err, s.daemon.Close(context.WithoutCancel(ctx)))
	}
	s.began = time.Now()
	return nil
}

// interval is a fraction of the run, within reasonable bounds.
func interval(run time.Duration, share int, least, most time.Duration) time.Duration {
	if run == 0 {
		return most
	}
	return min(max(run/time.Duration(share), least), most).Round(100 * time.Millisecond)
}

// watch shows the progress and marks moments until the time is over, ctx ends,
// or writing to the sample fails.
func (s *session) watch(ctx context.Context, duration time.Duration) error {
	var over <-chan time.Time
	if duration > 0 {
		over = time.After(duration)
	}
	status := time.NewTimer(s.screen.every())
	defer status.Stop()
	nextMark := time.Second
	if duration > 0 {
		nextMark = min(nextMark, duration/4)
	}
	mark := time.NewTimer(nextMark)
	defer mark.Stop()
	for {
		select {
		case <-over:
			return nil
		case <-ctx.Done():
			s.screen.say("stopping", "restoring and comparing; Ctrl-C again quits at once")
			return nil
		case <-s.source.failed():
			return s.source.stop()
		case <-mark.C:
			if err := s.mark(ctx); err != nil && ctx.Err() == nil {
				return err
			}
			nextMark *= 2 // few marks, but one near the middle of any run
			mark.Reset(nextMark - nextMark/2)
		case <-status.C:
			cost, err := s.status(ctx)
			if err != nil && ctx.Err() == nil {
				return err
			}
			status.Reset(max(s.screen.every(), 20*cost)) // a large replica is not listed all the time
		}
	}
}

func (s *session) mark(ctx context.Context) error {
	mark, err := s.daemon.Mark(ctx)
	if err == nil {
		s.marks = append(s.marks, mark)
	}
	return err
}

func (s *session) status(ctx context.Context) (cost time.Duration, err error) {
	began := time.Now()
	all, err := levels(ctx, s.client)
	if err != nil {
		return 0, err
	}
	done, err := s.done(ctx)
	if err != nil {
		return 0, err
	}
	s.screen.status(fmt.Sprintf("%7s  %s | %s", seconds(began.Sub(s.began)), done, short(all)))
	return time.Since(began), nil
}

// done prints how much was replicated.
func (s *session) done(ctx context.Context) (string, error) {
	replicated, err := s.daemon.replicated(ctx)
	if err != nil {
		return "", err
	}
	syncs := count(int64(replicated-s.first+1), "sync")
	if s.source.load == nil {
		return syncs, nil
	}
	return count(s.source.load.Transactions(), "transaction") + ", " + syncs, nil
}

func seconds(d time.Duration) string { return fmt.Sprintf("%.1fs", d.Seconds()) }
