// Package checksum checks LTX files as they are written and read. See package
// [github.com/ltxstore/ltxstore/verify] to check the files of a whole replica.
//
// # What is checked
//
// A whole file is decoded: its header, pages, page index and checksum. The transactions in the header
// must be those of the file's name. A write of a damaged file fails before its body ends, so that
// nothing is published. A read of a damaged file from offset 0 to the end fails with
// ltxstore.ErrChecksum, at the latest instead of io.EOF; what was read before must not be used. This
// takes the memory of one page, whatever a damaged file claims.
//
// Other ranges cannot be checked alone. Pages have checksums of their own; see [ltxstore.FetchPage].
//
// The next client gets a body that has the length of the caller's, but does not seek, so that no byte
// is sent unchecked.
package checksum

import (
	"context"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/wrap/internal/layer"
)

var _ ltxstore.ReplicaClient = (*Client)(nil)

// Client checks what is written to and read from the next client. New returns one. It is safe for
// concurrent use.
//
// Bodies and files that are not LTX files are rejected, unless Config.OtherBodies is set. With
// Config.ReadBack, WriteLTXFile also fails with ltxstore.ErrChecksum if the stored file differs from
// the body, as it may after a concurrent write of the same name. The file stays until it is written
// again.
type Client struct{ *client }

type client = layer.Client[replica, *replica]

// replica has the layer.Operations of a Client.
type replica struct {
	layer.Next
	cfg Config
}

// New returns a client that checks what is written to and read from next. If next is nil, every
// method fails with fs.ErrInvalid.
func New(next ltxstore.ReplicaClient, cfg Config) *Client {
	return &Client{layer.New(next, func(_ context.Context, next layer.Next) (*replica, error) {
		return &replica{next, cfg}, nil
	})}
}
