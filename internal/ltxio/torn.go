package ltxio

import (
	"context"

	"github.com/superfly/ltx"
)

type tornKey struct{}

// WithTorn is ltxstore.WithTorn.
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

// ReportTorn calls the function of WithTorn, if ctx has one.
func ReportTorn(ctx context.Context, file ltx.FileInfo) {
	if report, ok := ctx.Value(tornKey{}).(func(ltx.FileInfo)); ok {
		report(file)
	}
}
