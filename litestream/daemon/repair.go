package daemon

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/ltxstore/ltxstore/transfer"
)

// repairInterval is how often replicas that may differ are made equal.
const repairInterval = 10 * time.Second

// repair copies the files that one of several replicas lacks from the others, if a
// write to one of them failed, or none has succeeded since the start. The engine
// does not do that: it continues after the last file that any of them has. A new
// replica gets all files of the others.
func (d *database) repair(ctx context.Context) error {
	if len(d.each) == 1 || !d.unequal.Swap(false) {
		return nil
	}
	var failed []error
	for _, dst := range d.each {
		for _, src := range d.each {
			if src == dst || ctx.Err() != nil {
				continue
			}
			if _, err := transfer.Run(ctx, dst, src, transfer.Config{Concurrency: 2}); err != nil {
				failed = append(failed, fmt.Errorf("replica %s lacks files of %s: %w", dst.place, src.place, err))
			}
		}
	}
	err := errors.Join(append(failed, ctx.Err())...)
	d.unequal.CompareAndSwap(false, err != nil)
	d.mu.Lock()
	defer d.mu.Unlock()
	d.lacking = ""
	if err != nil {
		d.lacking = err.Error()
	}
	return err
}

// repair makes the replicas of all databases equal, repeatedly.
func (d *Daemon) repair(ctx context.Context) {
	each(ctx, repairInterval, func() { d.repairAll(ctx) })
}

func (d *Daemon) repairAll(ctx context.Context) {
	for _, db := range d.databases() {
		if err := db.repair(ctx); err != nil && ctx.Err() == nil {
			d.log.Error("replicas are not equal", "path", db.Path, "error", err)
		}
	}
}
