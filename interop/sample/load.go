package sample

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"
)

// LoadOptions configure the writes to a database.
type LoadOptions struct {
	// Connections is the number of concurrent connections; 0 means 4.
	Connections int

	// Pause is the mean time between two transactions of a connection; 0 means
	// 10 ms.
	Pause time.Duration

	// Seed determines the work. With several connections, the order is still
	// random.
	Seed uint64
}

// Load is a group of connections that write until Stop. Its methods are safe
// for concurrent use.
type Load struct {
	cancel       context.CancelFunc
	transactions atomic.Int64
	running      sync.WaitGroup
	failed       chan struct{}
	failOnce     sync.Once
	err          error // set before failed is closed
}

// Start starts writing to a database of Create. Writing ends with ctx or Stop.
func Start(ctx context.Context, path string, opts LoadOptions) (*Load, error) {
	switch {
	case opts.Connections < 0:
		return nil, fmt.Errorf("sample: LoadOptions.Connections is %d: want 0 (default) or more: %w", opts.Connections, fs.ErrInvalid)
	case opts.Pause < 0:
		return nil, fmt.Errorf("sample: LoadOptions.Pause is %v: want 0 (default) or more: %w", opts.Pause, fs.ErrInvalid)
	}
	var dbs []*sql.DB
	for range cmp.Or(opts.Connections, 4) {
		db, err := open(path)
		if err == nil {
			dbs = append(dbs, db)
			err = db.PingContext(ctx)
		}
		if err != nil {
			for _, db := range dbs {
				err = errors.Join(err, db.Close())
			}
			return nil, fmt.Errorf("sample: open %s: %w", path, err)
		}
	}

	ctx, cancel := context.WithCancel(ctx)
	l := &Load{cancel: cancel, failed: make(chan struct{})}
	for i, db := range dbs {
		random := rand.New(rand.NewPCG(opts.Seed, uint64(i+1)))
		l.running.Go(func() {
			err := l.write(ctx, db, random, cmp.Or(opts.Pause, 10*time.Millisecond))
			if err := errors.Join(err, db.Close()); err != nil {
				l.fail(fmt.Errorf("sample: write to %s: %w", path, err))
			}
		})
	}
	return l, nil
}

// Transactions returns the number of committed transactions.
func (l *Load) Transactions() int64 { return l.transactions.Load() }

// Failed is closed when a connection fails; Stop then returns the error.
func (l *Load) Failed() <-chan struct{} { return l.failed }

// Stop ends the writing, waits until it has ended, and returns the first error.
// Unfinished transactions are rolled back.
func (l *Load) Stop() error {
	l.cancel()
	l.running.Wait()
	select {
	case <-l.failed:
		return l.err
	default:
		return nil
	}
}

func (l *Load) fail(err error) {
	l.failOnce.Do(func() {
		l.err = err
		close(l.failed)
	})
	l.cancel()
}

func (l *Load) write(ctx context.Context, db *sql.DB, random *rand.Rand, pause time.Duration) error {
	for {
		timer := time.NewTimer(time.Duration(random.Int64N(2 * int64(pause))))
		select {
		case <-ctx.Done():
			timer.Stop()
			return nil
		case <-timer.C:
		}
		// A transaction that has begun is completed, so that stopping is not an
		// error.
		if err := transaction(context.WithoutCancel(ctx), db, random); err != nil {
			return err
		}
		l.transactions.Add(1)
	}
}

func transaction(ctx context.Context, db *sql.DB, random *rand.Rand) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	if err := (&work{tx: tx, rand: random}).random(ctx); err != nil {
		return err
	}
	return tx.Commit()
}
