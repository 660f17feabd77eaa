package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"sync"
	"syscall"

	"github.com/ltxstore/ltxstore/litestream/daemon"
)

// run runs the command and returns the exit code.
func run(args []string, stdout, stderr io.Writer, signals <-chan os.Signal) int {
	o, err := parseFlags(args, stderr)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return exitOK
	case err != nil:
		complain(stderr, err)
		return exitUsage
	case o.version:
		fmt.Fprintln(stdout, "ltxstored", version())
		return exitOK
	}
	cfg, err := o.load()
	if err != nil {
		complain(stderr, err)
		return exitUsage
	}
	if o.check {
		fmt.Fprintf(stdout, "%s: OK\n", o.config)
		return exitOK
	}
	logger := cfg.Log.Logger()
	slog.SetDefault(logger)
	p := &process{options: o, cfg: cfg, log: logger, signals: signals, done: make(chan struct{})}
	code, err := p.run()
	if err != nil {
		logger.Error("ltxstored failed", "error", err)
		complain(stderr, err)
		code = max(code, exitFailure)
	}
	return code
}

// process is the running daemon.
type process struct {
	*options
	cfg     *daemon.Config
	log     *slog.Logger
	signals <-chan os.Signal
	done    chan struct{} // closed by a second signal: the last sync is abandoned
}

func (p *process) run() (code int, err error) {
	p.log.Info("ltxstored starting", "version", version(), "config", p.config)
	d, err := p.open()
	if err != nil || d == nil {
		return exitOK, err
	}
	if p.once {
		err = p.replicateOnce(d)
		return exitOK, errors.Join(err, p.close(d))
	}
	child, err := startChild(p.cfg.Exec)
	if err != nil {
		return exitOK, errors.Join(err, p.close(d))
	}
	code = p.until(d, child)
	return code, p.close(d)
}

// open opens the daemon. It returns nil if a signal came before that was done.
func (p *process) open() (*daemon.Daemon, error) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	type opened struct {
		d   *daemon.Daemon
		err error
	}
	found := make(chan opened, 1)
	go func() {
		d, err := daemon.Open(ctx, p.cfg, daemon.Options{Once: p.once, Version: version(), Logger: p.log, Done: p.done})
		found <- opened{d, err}
	}()
	for {
		select {
		case o := <-found:
			return o.d, o.err
		case sig := <-p.signals:
			if sig == syscall.SIGHUP {
				continue
			}
			cancel()
			o := <-found
			if o.d != nil {
				return nil, p.close(o.d)
			}
			p.log.Info("stopped while starting", "signal", sig.String())
			return nil, nil
		}
	}
}

func (p *process) replicateOnce(d *daemon.Daemon) error {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	result := make(chan error, 1)
	go func() {
		err := d.Sync(ctx)
		if err == nil && p.forceSnapshot {
			err = d.Snapshot(ctx)
		}
		if err == nil && p.enforceRetention {
			err = d.EnforceRetention(ctx)
		}
		result <- err
	}()
	for {
		select {
		case err := <-result:
			return err
		case sig := <-p.signals:
			if sig != syscall.SIGHUP {
				cancel()
				return errors.Join(fmt.Errorf("interrupted: %s", sig), <-result)
			}
		}
	}
}

// until waits for a signal to stop, or for the child to exit. It returns the child's
// exit code.
func (p *process) until(d *daemon.Daemon, child *child) int {
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	defer wg.Wait()
	defer cancel()
	hangups := make(chan struct{}, 1) // signals during a reload cause one more
	wg.Go(func() {
		for {
			select {
			case <-ctx.Done():
				return
			case <-hangups:
				p.reload(ctx, d)
			}
		}
	})
	for {
		select {
		case <-child.ended():
			code := child.code()
			p.log.Info("command exited", "exit code", code)
			return code
		case sig := <-p.signals:
			if sig == syscall.SIGHUP {
				select {
				case hangups <- struct{}{}:
				default:
				}
				continue
			}
			p.log.Info("stopping", "signal", sig.String())
			return child.stop(sig, p.cfg.ShutdownTimeout)
		}
	}
}

// reload reads the configuration again. If it is invalid, nothing changes.
func (p *process) reload(ctx context.Context, d *daemon.Daemon) {
	cfg, err := p.load()
	if err == nil {
		err = d.Reload(ctx, cfg)
	}
	if err != nil {
		p.log.Error("reload failed", "config", p.config, "error", err)
		return
	}
	p.log.Info("reloaded", "config", p.config)
}

// close replicates what is missing, until another signal or the timeout.
func (p *process) close(d *daemon.Daemon) error {
	ctx, cancel := context.WithTimeout(context.Background(), p.cfg.ShutdownTimeout)
	defer cancel()
	closed := make(chan error, 1)
	go func() { closed <- d.Close(ctx) }()
	interrupted := false
	for {
		select {
		case err := <-closed:
			if err == nil {
				p.log.Info("stopped")
			}
			return err
		case sig := <-p.signals:
			if sig != syscall.SIGHUP && !interrupted {
				p.log.Warn("last sync abandoned", "signal", sig.String())
				interrupted = true
				close(p.done)
				cancel()
			}
		}
	}
}
