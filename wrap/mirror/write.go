package mirror

import (
	"context"
	"fmt"
	"io"

	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/backend"
	"github.com/ltxstore/ltxstore/wrap/internal/layer"
)

// Write implements layer.Operations.
func (s *state) Write(ctx context.Context, f layer.File, r io.Reader) (*ltx.FileInfo, error) {
	if r == nil {
		return nil, backend.Invalid(s.next.Type(), "write", "r", r, "want a body")
	}
	unlock, err := s.writing.lock(ctx, f)
	if err != nil {
		return nil, err
	}
	defer unlock()
	b, err := newBody(ctx, r, len(s.replicas))
	if err != nil {
		return nil, err
	}
	written := make([]*ltx.FileInfo, len(s.replicas))
	failed := b.send(func() {
		err = s.change(ctx, "write", f, s.writes, func(ctx context.Context, r *replica) error {
			body, done := b.reader(ctx, r.n)
			defer done()
			info, err := r.client.WriteLTXFile(ctx, f.Level, f.MinTXID, f.MaxTXID, body)
			if err == nil && info == nil {
				err = fmt.Errorf("the client of %s returned neither a file nor an error", r.client.Type())
			}
			if err == nil {
				written[r.n] = info
			}
			return err
		})
	})
	if failed != nil && ctx.Err() == nil {
		return nil, failed
	}
	if err != nil {
		return nil, err
	}
	return agreed(written)
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
