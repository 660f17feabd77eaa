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
		return failing{"none", backend.Invalid("none", "init", "next", nil, "want a client to wrap")}
	}
	return next
}

// Failing returns a client in place of next whose methods all fail with wrong, because the
// configuration of a wrapper is invalid. It returns next if wrong is nil.
func Failing(next ltxstore.ReplicaClient, wrong error) ltxstore.ReplicaClient {
	if wrong == nil {
		return next
	}
	return failing{next.Type(), wrong}
}

// Failed returns the error of a client of Failing, or of Next for nil. It returns nil for any other.
func Failed(next ltxstore.ReplicaClient) error {
	if c, ok := next.(failing); ok {
		return c.err
	}
	return nil
}

type failing struct {
	typ string
	err error
}

func (c failing) Type() string { return c.typ }

func (c failing) Init(context.Context) error { return c.err }

func (c failing) Location(context.Context) (string, error) { return "", c.err }

func (c failing) LTXFiles(context.Context, int, ltx.TXID, bool) (ltx.FileIterator, error) {
	return nil, c.err
}

func (c failing) OpenLTXFile(context.Context, int, ltx.TXID, ltx.TXID, int64, int64) (io.ReadCloser, error) {
	return nil, c.err
}

func (c failing) WriteLTXFile(context.Context, int, ltx.TXID, ltx.TXID, io.Reader) (*ltx.FileInfo, error) {
	return nil, c.err
}

func (c failing) DeleteLTXFiles(context.Context, []*ltx.FileInfo) error { return c.err }

func (c failing) DeleteAll(context.Context) error { return c.err }
