package file

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"

	"github.com/ltxstore/ltxstore/internal/flow"
	"github.com/ltxstore/ltxstore/internal/ltxio"
)

// link gives the file its name if no other has it: the kernel lets exactly one
// of several writers win. A file of that name with the same content is as good
// as ours; another is fs.ErrExist.
func (t *temp) link(ctx context.Context) error {
	err := t.r.fsys.link(t.dir.root, t.name, t.final)
	for try := 1; errors.Is(err, fs.ErrExist); try++ {
		differs := t.compare(ctx)
		if !isGone(differs) || try == maxTries {
			return differs
		}
		// It has been deleted since.
		err = t.r.fsys.link(t.dir.root, t.name, t.final)
	}
	switch {
	case err == nil:
		return nil
	case isAny(err, errors.ErrUnsupported, syscall.EPERM):
		// EPERM is what Linux says of a file system without links. Said as
		// such, it would pass for a lack of rights.
		return fmt.Errorf("WriteOnce needs hard links, which the file system refuses: %w: %v", errors.ErrUnsupported, bare("link", err))
	}
	return t.lost("link", err)
}

// compare returns nil if the file that has the name is byte for byte ours.
// Reading both is dearer than a checksum would be, and needed only for a retry
// or a mistake.
func (t *temp) compare(ctx context.Context) error {
	theirs, stored, err := openRegular(t.r.fsys, t.dir.root, t.final)
	if no, ok := err.(stranger); ok {
		return fmt.Errorf("%s: %w", no, fs.ErrExist)
	}
	if err != nil {
		return err
	}
	defer theirs.Close()
	ours, err := t.r.fsys.open(t.dir.root, t.name)
	if err != nil {
		return t.lost("open temporary", err)
	}
	defer ours.Close()
	stat, err := ours.Stat()
	if err != nil {
		return bare("stat temporary", err)
	}
	if stat.Size() != stored.Size() {
		return fmt.Errorf("the file has %d bytes, and %d are being written: %w", stored.Size(), stat.Size(), fs.ErrExist)
	}
	same, err := equal(ctx, ours, theirs)
	if err == nil && !same {
		err = fmt.Errorf("the file has other content: %w", fs.ErrExist)
	}
	if err == nil && !t.isLTX {
		t.info.CreatedAt = stored.ModTime().UTC()
	}
	return err
}

func equal(ctx context.Context, a, b *os.File) (bool, error) {
	same, err := ltxio.SameContent(&flow.Reader{Ctx: ctx, R: a}, &flow.Reader{Ctx: ctx, R: b})
	switch ended := flow.Err(ctx); {
	case err == nil:
		return same, nil
	case ended != nil:
		return false, ended
	}
	return false, bare("compare", err)
}
