package layer

import (
	"context"
	"io"

	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/backend"
)

// Next returns next or, if that is nil, a client whose methods all fail with fs.ErrInvalid,
// because New does not fail and Unwrap never returns nil.
func Next(next ltxstore.ReplicaClient) ltxstore.ReplicaClient {
	if next == nil {
		return absent{}
	}
	return next
}

// Absent returns the error of op if next is what Next returns for nil, and nil otherwise.
func Absent(next ltxstore.ReplicaClient, op string) error {
	if none, ok := next.(absent); ok {
		return none.fail(op)
	}
	return nil
}

type absent struct{}

func (absent) fail(op string) error {
	return backend.Invalid(absent{}.Type(), op, "next", nil, "want a client to wrap")
}

func (absent) Type() string { return "none" }

func (c absent) Init(context.Context) error { return c.fail("init") }

func (c absent) Location(context.Context) (string, error) { return "", c.fail("init") }

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
