// Package checksum verifies LTX files as they are written and read. See package
// [github.com/ltxstore/ltxstore/verify] to check the files of a whole replica.
//
// # What is verified
//
// The decoder of package ltx verifies whole files: header, pages, page index and
// checksum. The transactions in the header must be those of the file's name. A write
// of a damaged file fails before its body ends, so that nothing is published. A read
// of a damaged file from offset 0 to the end fails with ltxstore.ErrChecksum, at the
// latest instead of io.EOF; what was read before must not be used. Verifying takes
// the memory of one page, whatever a damaged file claims.
//
// Other ranges are not verified, because their bytes cannot be verified alone. Pages
// have checks of their own; see [ltxstore.FetchPage].
//
// A body that is written loses io.Seeker, so that no byte is sent unverified, and keeps
// its length.
package checksum

import (
	"context"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/wrap/internal/layer"
)

var _ ltxstore.ReplicaClient = (*Client)(nil)

// Client verifies what is written to and read from the next client. New returns one.
// It is safe for concurrent use.
//
// Bodies and files that are not LTX files are refused: see Config.OtherBodies. With Config.ReadBack
// WriteLTXFile also fails with ltxstore.ErrChecksum if the stored file differs from the body, as it may
// after a concurrent write of the same name. The file stays; writing it again replaces it.
type Client struct{ *client }

type client = layer.Client[replica, *replica]

// replica has the layer.Operations of a Client.
type replica struct {
	layer.Next
	cfg Config
}

// New returns a client that verifies what is written to and read from next. If next is
// nil, every method fails with fs.ErrInvalid.
func New(next ltxstore.ReplicaClient, cfg Config) *Client {
	return &Client{layer.New(next, func(_ context.Context, next layer.Next) (*replica, error) {
		return &replica{next, cfg}, nil
	})}
}
