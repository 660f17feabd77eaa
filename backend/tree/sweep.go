package tree

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"path"

	"github.com/ltxstore/ltxstore/backend"
	"github.com/ltxstore/ltxstore/internal/flow"
)

// sweepAll sweeps every level. It fails only if ctx ends, because a replica on a read-only
// disk can still be used for restores.
func (r *replica) sweepAll(ctx context.Context) error {
	levels, failed := r.levels(ctx, "init")
	for _, err := range failed {
		r.sweepFailed(ctx, "", err)
	}
	for _, level := range levels {
		r.sweep(ctx, level)
	}
	return flow.Err(ctx)
}

// sweep removes the temporary files of a level that were created before
// Options.SweepAge and have not changed since. It logs what it cannot read or remove.
func (r *replica) sweep(ctx context.Context, level string) {
	dir, err := r.openDir(ctx, level, Scan)
	if err != nil {
		r.sweepFailed(ctx, level, err)
		return
	}
	defer dir.Close()
	temps, err := r.entries(ctx, dir, backend.IsTempName)
	oldest := r.Now().Add(-r.SweepAge)
	for _, e := range temps {
		last := e.Modified
		if e.Changed.After(last) {
			last = e.Changed
		}
		if ctx.Err() != nil || !e.Mode.IsRegular() || last.IsZero() || !last.Before(oldest) || !backend.TempTime(e.Name).Before(oldest) {
			continue
		}
		switch removeErr := dir.Remove(ctx, e.Name); {
		case removeErr == nil:
			r.log.Get().LogAttrs(ctx, slog.LevelInfo, "ltx temporary file of a killed writer removed",
				slog.String("replica", r.Type), slog.String("key", path.Join(level, e.Name)))
		case !r.is(removeErr, fs.ErrNotExist):
			err = errors.Join(err, fmt.Errorf("%s: %w", e.Name, removeErr))
		}
	}
	r.sweepFailed(ctx, level, err)
}

func (r *replica) sweepFailed(ctx context.Context, level string, err error) {
	if err != nil && ctx.Err() == nil && !r.is(err, fs.ErrNotExist) {
		r.log.Get().LogAttrs(ctx, slog.LevelWarn, "ltx sweep of temporary files failed",
			slog.String("replica", r.Type), slog.String("key", level+"/"), slog.Any("error", r.log.Secrets.Error(err)))
	}
}
