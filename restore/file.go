package restore

import (
	"context"
	"fmt"
	"os"

	"github.com/ltxstore/ltxstore/internal/flow"
)

// File creates a database at path whose content write writes. As with Run, the
// database appears whole or not at all, is durable, and replaces another one only
// if cfg.Overwrite is set. Of cfg, only Overwrite, Mode and Check are used. write
// gets an empty temporary file, which it may read and write at any offset but must
// not close. If files with the name of the temporary and the suffix -wal, -shm or
// -journal remain, the next restore removes them. The errors are those of Run; an
// error of write is returned unchanged.
func File(ctx context.Context, path string, cfg Config, write func(*os.File) error) error {
	if err := cfg.check(); err != nil {
		return fmt.Errorf("restore %s: %w", path, err)
	}
	out := newOutput(path, cfg)
	if err := out.prepare(); err != nil {
		return fmt.Errorf("restore %s: %w", path, &diskError{err})
	}
	var failure error
	err := out.write(ctx, cfg, func(file *os.File) error {
		failure = write(file)
		return failure
	})
	if err == nil || failure != nil {
		return failure
	}
	return fmt.Errorf("restore %s: %w", path, &diskError{err})
}

// sourceError is an error of the source and not of the output.
type sourceError struct{ error }

// write creates the database with the content that content writes, and renames it.
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
