package mirror

import (
	"context"
	"fmt"
	"io"

	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/wrap/internal/layer"
)

// WriteLTXFile writes the file to all replicas concurrently, and returns when all are done.
// It costs the requests of a write in each. It returns the file as the first successful replica
// has it, and fails with ltxstore.ErrChecksum if they have stored different numbers of
// bytes. Writers of one name wait for each other. If r panics, WriteLTXFile panics once no
// replica writes any more.
func (c *Client) WriteLTXFile(ctx context.Context, level int, minTXID, maxTXID ltx.TXID, r io.Reader) (*ltx.FileInfo, error) {
	f := layer.File{Level: level, MinTXID: minTXID, MaxTXID: maxTXID}
	s, err := layer.Begin(ctx, c.base, "write", f.CheckBody(c, r))
	if err != nil {
		return nil, err
	}
	unlock, err := s.writing.lock(ctx, f)
	if err != nil {
		return nil, layer.Wrap(c.next, "write", keyOf(f), err)
	}
	defer unlock()
	b, err := newBody(ctx, r, len(s.replicas))
	if err != nil {
		return nil, layer.Wrap(c.next, "write", keyOf(f), err)
	}
	written := make([]*ltx.FileInfo, len(s.replicas))
	b.start()
	defer b.wait() // also when a client panics
	err = c.change(ctx, s, "write", f, s.writes, func(ctx context.Context, r *replica) error {
		body, done := b.reader(ctx, r.n)
		defer done()
		info, err := r.client.WriteLTXFile(ctx, level, minTXID, maxTXID, body)
		if err == nil && info == nil {
			err = fmt.Errorf("the client of %s returned neither a file nor an error", r.client.Type())
		}
		if err == nil {
			written[r.n] = info
		}
		return err
	})
	if failed := b.end(); failed != nil && ctx.Err() == nil {
		return nil, layer.Wrap(c.next, "write", keyOf(f), failed)
	}
	if err != nil {
		return nil, err
	}
	info, err := agreed(written)
	return info, layer.Wrap(c.next, "write", keyOf(f), err)
}

// agreed returns the first of the files that the replicas have written.
func agreed(written []*ltx.FileInfo) (first *ltx.FileInfo, err error) {
	for n, info := range written {
		switch {
		case info == nil:
		case first == nil:
			first = info
		case info.Size != first.Size:
			return nil, fmt.Errorf("replica %d has stored %d bytes, another one %d: %w", n, info.Size, first.Size, ltxstore.ErrChecksum)
		}
	}
	return first, nil
}
