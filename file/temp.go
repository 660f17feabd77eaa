package file

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path"
	"strings"

	"github.com/ltxstore/ltxstore/backend"
	"github.com/ltxstore/ltxstore/internal/flow"
)

// ltxDir holds the levels in two of the layouts.
const ltxDir = "ltx"

// levels returns the replica's level directories that exist, by their key
// without the slash, and for op an *ltxstore.Error for each place that cannot be
// looked at. Links are none: they are strangers.
func (r *replica) levels(ctx context.Context, root *os.Root, op string) (levels []string, failed []error) {
	var found []string
	for _, above := range [...]string{".", ltxDir} {
		err := r.eachLevel(ctx, root, above, func(key string) { found = append(found, key) })
		if err != nil {
			failed = append(failed, wrap(op, strings.TrimPrefix(above+"/", "./"), err))
		}
	}
	for _, key := range found {
		is, err := isDir(r.fsys, root, key)
		if err != nil {
			failed = append(failed, wrap(op, key+"/", err))
		}
		if is {
			levels = append(levels, key)
		}
	}
	return levels, failed
}

// eachLevel calls visit for what is named like a level in a directory.
func (r *replica) eachLevel(ctx context.Context, root *os.Root, above string, visit func(key string)) error {
	if is, err := isDir(r.fsys, root, above); !is {
		return err
	}
	dir, err := r.fsys.openDir(root, above)
	if isGone(err) {
		return nil
	}
	if err != nil {
		return bare("open directory", err)
	}
	defer dir.Close()
	return r.fsys.eachName(ctx, dir, func(name string) {
		key := path.Join(above, strings.Clone(name))
		if _, ok := r.keys.ParseLevel(key + "/"); ok {
			visit(key)
		}
	})
}

// sweep removes temporaries that nothing has happened to for Config.SweepAge.
// It fails only when ctx has ended: what it cannot read or remove is logged,
// because a replica on a read-only disk can still be restored from.
func (r *replica) sweep(ctx context.Context) error {
	root, err := r.fsys.openRoot(nil, r.cfg.Path)
	if isGone(err) {
		return nil
	}
	if err == nil {
		defer root.Close()
		levels, failed := r.levels(ctx, root, "init")
		for _, level := range levels {
			failed = append(failed, r.sweepLevel(ctx, root, level))
		}
		err = errors.Join(failed...)
	}
	if done := flow.Err(ctx); done != nil {
		return done
	}
	if err != nil {
		r.log.Get().LogAttrs(ctx, slog.LevelWarn, "ltx sweep of temporary files failed",
			slog.String("replica", typeName), slog.Any("error", err))
	}
	return nil
}

func (r *replica) sweepLevel(ctx context.Context, root *os.Root, level string) error {
	dir, err := openDir(r.fsys, root, level)
	if isGone(err) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("%s: %w", level, err)
	}
	defer dir.root.Close()
	defer dir.file.Close()

	var temps []string
	err = r.fsys.eachName(ctx, dir.file, func(name string) {
		if backend.IsTempName(name) {
			temps = append(temps, strings.Clone(name))
		}
	})
	if err != nil {
		err = fmt.Errorf("%s: %w", level, err)
	}
	oldest := r.cfg.Clock().Add(-r.cfg.SweepAge)
	for _, name := range temps {
		if ctx.Err() != nil {
			break
		}
		info, statErr := r.fsys.lstat(dir.root, name)
		if statErr != nil && !isGone(statErr) {
			err = errors.Join(err, fmt.Errorf("%s/%s: %w", level, name, bare("stat", statErr)))
		}
		if statErr != nil || !info.Mode().IsRegular() || changed(info).After(oldest) {
			continue
		}
		if removeErr := r.fsys.remove(dir.root, name); removeErr != nil && !errors.Is(removeErr, fs.ErrNotExist) {
			err = errors.Join(err, fmt.Errorf("%s/%s: %w", level, name, bare("remove", removeErr)))
			continue
		}
		r.log.Get().LogAttrs(ctx, slog.LevelInfo, "ltx temporary file of a dead writer removed",
			slog.String("replica", typeName), slog.String("key", level+"/"+name))
	}
	return err
}
