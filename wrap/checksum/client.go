// Package checksum checks LTX files on their way to a store and from it.
//
// # What is checked
//
// The whole file, by the decoder of package ltx: header, pages, page index, the
// file's checksum, and the transactions in the header against the file's name. A
// write fails before the body has ended, so that nothing is published. A read of
// a whole file (offset 0, size 0) ends with an error of kind ltxstore.ErrChecksum
// instead of io.EOF, or before; what was read until then must not be used. It
// takes the memory of a page, whatever a damaged file claims.
//
// A range passes as it is: its bytes cannot be checked alone. Pages that are read
// so have ltxstore.FetchPage's own checks.
//
// # Optional abilities
//
// Client has Init, SetLogger and Close, which are the next client's. What else a
// client inside has is found by ltxstore.As. A body that is written loses io.Seeker,
// so that no byte is sent that was not checked, and keeps its length.
package checksum

import (
	"context"

	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/wrap/internal/layer"
)

var _ ltxstore.ReplicaClient = (*Client)(nil)

// Client checks what goes to the next client and comes from it. It is made by New
// and safe for concurrent use.
type Client struct {
	*base
	next ltxstore.ReplicaClient
	cfg  Config
}

type base = layer.Base[struct{}]

// New returns a client that checks what goes to next and comes from it. A next
// that is nil is fs.ErrInvalid in every method.
func New(next ltxstore.ReplicaClient, cfg Config) *Client {
	b := layer.NewBase[struct{}](next, "", nil)
	return &Client{b, b.Unwrap(), cfg}
}

// LTXFiles is the next client's.
func (c *Client) LTXFiles(ctx context.Context, level int, seek ltx.TXID, useMetadata bool) (ltx.FileIterator, error) {
	return c.next.LTXFiles(ctx, level, seek, useMetadata)
}

// DeleteLTXFiles is the next client's.
func (c *Client) DeleteLTXFiles(ctx context.Context, files []*ltx.FileInfo) error {
	return c.next.DeleteLTXFiles(ctx, files)
}

// DeleteAll is the next client's.
func (c *Client) DeleteAll(ctx context.Context) error { return c.next.DeleteAll(ctx) }
