package restore

import (
	"context"
	"fmt"
	"os"

	"github.com/ltxstore/ltxstore/internal/flow"
)

// File gives path a database of which write writes the content, as Run does with one that
// it restores: whole or not at all, durable, and without replacing another unless
// cfg.Overwrite is set. Of cfg, only Overwrite, Mode and Check matter. write gets an empty
// temporary, from any place of which it may read back; it must not close it. What it puts
// beside that, under the file's name and -wal, -shm or -journal, is removed by the next
// restore if it stays. The errors are those of Run, and write's as it is.
func File(ctx context.Context, path string, cfg Config, write func(*os.File) error) error {
	if err := cfg.check(); err != nil {
		return fmt.Errorf("restore %s: %w", path, err)
	}
	out := newOutput(path, cfg)
	if err := out.prepare(); err != nil {
		return fmt.Errorf("restore %s: %w", path, err)
	}
	var failure error
	err := out.write(ctx, cfg, func(file *os.File) error {
		failure = write(file)
		return failure
	})
	if err == nil || failure != nil {
		return failure
	}
	return fmt.Errorf("restore %s: %w", path, err)
}

// sourceError is an error that is not of the output.
type sourceError struct{ error }

// write makes the database of what content writes, and gives it its name.
func (o *output) write(ctx context.Context, cfg Config, content func(*os.File) error) error {
	if err := o.create(); err != nil {
		return err
	}
	defer o.remove()
	if err := content(o.file); err != nil {
		return err
	}
	if err := o.sync(); err != nil {
		return err
	}
	if cfg.Check != nil {
		if err := o.check(ctx, cfg.Check); err != nil {
			return err
		}
	}
	if err := flow.Err(ctx); err != nil {
		return err
	}
	return o.publish()
}
