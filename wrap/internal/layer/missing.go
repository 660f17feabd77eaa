package layer

import (
	"context"
	"io"

	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore/backend"
)

// missing stands for a next client that is nil, because New does not fail and Unwrap never returns
// nil.
type missing struct{}

func errMissing() error {
	return backend.Invalid("none", "init", "next", nil, "want a client to wrap")
}

func (missing) Type() string { return "none" }

func (missing) LTXFiles(context.Context, int, ltx.TXID, bool) (ltx.FileIterator, error) {
	return nil, errMissing()
}

func (missing) OpenLTXFile(context.Context, int, ltx.TXID, ltx.TXID, int64, int64) (io.ReadCloser, error) {
	return nil, errMissing()
}

func (missing) WriteLTXFile(context.Context, int, ltx.TXID, ltx.TXID, io.Reader) (*ltx.FileInfo, error) {
	return nil, errMissing()
}

func (missing) DeleteLTXFiles(context.Context, []*ltx.FileInfo) error { return errMissing() }

func (missing) DeleteAll(context.Context) error { return errMissing() }
