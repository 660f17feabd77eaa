package ltxstore

import (
	"context"

	"github.com/superfly/ltx"
)

type tornKey struct{}

// WithTorn returns a context under which LTXFiles calls report with each
// zero-byte file that it leaves out (clause L4): what is left of an upload that
// broke off, in which transactions may be lost. It reaches every backend through
// any stack of wrappers, and costs nothing.
//
// report gets the file's level, TXIDs and, if the store tells it, its time. It
// must be safe for concurrent use, and may be called with one file several
// times. A function that ctx already has is called too.
func WithTorn(ctx context.Context, report func(file ltx.FileInfo)) context.Context {
	if outer, ok := ctx.Value(tornKey{}).(func(ltx.FileInfo)); ok {
		inner := report
		report = func(file ltx.FileInfo) {
			inner(file)
			outer(file)
		}
	}
	return context.WithValue(ctx, tornKey{}, report)
}

// reportTorn calls the function of WithTorn, if ctx has one.
func reportTorn(ctx context.Context, file ltx.FileInfo) {
	if report, ok := ctx.Value(tornKey{}).(func(ltx.FileInfo)); ok {
		report(file)
	}
}
