//go:build !linux

package file

import (
	"context"
	"io"
	"os"

	"github.com/ltxstore/ltxstore/internal/flow"
)

// eachName calls visit for every name in a directory, in no particular order. The
// string is only valid during the call.
func eachName(ctx context.Context, dir *os.File, visit func(name string)) error {
	for {
		if err := flow.Err(ctx); err != nil {
			return err
		}
		names, err := dir.Readdirnames(1000)
		for _, name := range names {
			visit(name)
		}
		switch {
		case err == io.EOF, isGone(err): // a directory removed while it was open is empty
			return nil
		case err != nil:
			return bare("read directory", err)
		}
	}
}
