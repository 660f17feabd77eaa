package litestream

import (
	"context"
	"io"

	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/backend"
)

// absent replaces a nil client. Each of its methods returns the error.
type absent struct{}

func (absent) fail(op string) error {
	return backend.Invalid(absent{}.Type(), op, "c", nil, "want a replica client")
}

func (absent) Type() string { return "none" }

func (c absent) Init(context.Context) error { return c.fail("init") }

func (c absent) LTXFiles(context.Context, int, ltx.TXID, bool) (ltx.FileIterator, error) {
	return nil, c.fail("list")
}

func (c absent) OpenLTXFile(context.Context, int, ltx.TXID, ltx.TXID, int64, int64) (io.ReadCloser, error) {
	return nil, c.fail("open")
}

func (c absent) WriteLTXFile(context.Context, int, ltx.TXID, ltx.TXID, io.Reader) (*ltx.FileInfo, error) {
	return nil, c.fail("write")
}

func (c absent) DeleteLTXFiles(context.Context, []*ltx.FileInfo) error { return c.fail("delete") }

func (c absent) DeleteAll(context.Context) error { return c.fail("delete all") }

var _ ltxstore.ReplicaClient = absent{}
