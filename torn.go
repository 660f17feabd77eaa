package ltxstore

import (
	"context"

	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore/internal/ltxio"
)

// WithTorn returns a context under which LTXFiles calls report with each
// zero-byte file that it leaves out (clause L4): what is left of an upload that
// broke off, in which transactions may be lost. It reaches every backend through
// any stack of wrappers, and costs nothing.
//
// report gets the file's level, TXIDs and, if the store tells it, its time. It
// must be safe for concurrent use, and may be called with one file several
// times. A function that ctx already has is called too.
func WithTorn(ctx context.Context, report func(file ltx.FileInfo)) context.Context {
	return ltxio.WithTorn(ctx, report)
}
