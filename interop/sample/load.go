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

// LoadOptions say how a database is written to.
type LoadOptions struct {
	// Connections is how many write at the same time, each in a connection of
	// its own; 0 is 4.
	Connections int

	// Pause is the mean time a connection waits between two transactions; 0
	// is 10 ms.
	Pause time.Duration

	// Seed makes the work. With more than one connection their order is
	// still chance.
	Seed uint64
}

// Load is a number of connections that write until Stop. Its methods are
// safe for concurrent use.
type Load struct {
	cancel       context.CancelFunc
	transactions atomic.Int64
	running      sync.WaitGroup
	failed       chan struct{}
	failOnce     sync.Once
	err          error // set before failed is closed
}

// Start begins to write to a database that Create has made. ctx ends the
// writing as Stop does.
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

// Transactions returns how many transactions have been committed.
func (l *Load) Transactions() int64 { return l.transactions.Load() }

// Failed is closed when a connection cannot write any more; Stop then returns
// why.
func (l *Load) Failed() <-chan struct{} { return l.failed }

// Stop ends the writing, waits for it, and returns the first failure. What
// was committed stays; nothing half-done does.
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
		// A transaction that has begun is ended, so that stopping is no error.
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
