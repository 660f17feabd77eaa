package tree

import (
	"cmp"
	"context"
	"io/fs"
	"log/slog"
	"path"
	"time"

	"github.com/ltxstore/ltxstore/backend"
)

// sweep removes the temporaries of a level that nothing has happened to for
// Store.SweepAge. What it cannot read or remove is logged.
func (r *replica) sweep(ctx context.Context, dir string) {
	var old []string
	oldest := time.Now().Add(-r.SweepAge)
	err := r.Tree.List(ctx, dir, func(e Entry) {
		last := e.Modified
		if e.Changed.After(last) {
			last = e.Changed
		}
		if backend.IsTempName(e.Name) && e.Mode.IsRegular() && !last.IsZero() && last.Before(oldest) {
			old = append(old, path.Join(dir, e.Name))
		}
	})
	for _, name := range old {
		switch removeErr := r.Tree.Remove(ctx, name); {
		case removeErr == nil:
			r.log.Get().LogAttrs(ctx, slog.LevelInfo, "ltx temporary file of a dead writer removed",
				slog.String("replica", r.Type), slog.String("key", name))
		case !r.is(removeErr, fs.ErrNotExist):
			err = cmp.Or(err, removeErr)
		}
	}
	if err != nil && ctx.Err() == nil && !r.is(err, fs.ErrNotExist) {
		r.log.Get().LogAttrs(ctx, slog.LevelWarn, "ltx sweep of temporary files failed",
			slog.String("replica", r.Type), slog.String("key", dir+"/"), slog.Any("error", r.log.Secrets.Error(err)))
	}
}
