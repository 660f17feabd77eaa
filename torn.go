package ltxstore

import (
	"context"

	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore/internal/ltxio"
)

// WithTorn returns a context with which LTXFiles calls report for each
// zero-byte file that it skips (clause L4). Such a file was left by an upload
// that broke off, and its transactions may be lost. Every backend calls report,
// through any wrappers, at no cost in requests.
//
// The file that report receives has a level, TXIDs and, if the store has it,
// a time. report must be safe for concurrent use and may be called several
// times for one file. If ctx already has such a function, both are called.
func WithTorn(ctx context.Context, report func(file ltx.FileInfo)) context.Context {
	return ltxio.WithTorn(ctx, report)
}
