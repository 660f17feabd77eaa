package cache

import (
	"context"
	"io"

	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore/wrap/internal/layer"
)

// Write implements layer.Operations.
func (s *state) Write(ctx context.Context, f layer.File, r io.Reader) (*ltx.FileInfo, error) {
	s.blocks.begin(f)
	defer s.end(f)
	return s.Next.Write(ctx, f, r)
}

// Delete implements layer.Operations.
func (s *state) Delete(ctx context.Context, files []*ltx.FileInfo) error {
	for _, info := range files {
		f := layer.FileOf(info)
		s.blocks.begin(f)
		defer s.end(f)
	}
	return s.Next.Delete(ctx, files)
}

// end is called after a write or a deletion of a file, also one that failed.
func (s *state) end(f layer.File) {
	s.listings.forget(f.Level)
	s.blocks.end(f)
}

// DeleteAll implements layer.Operations.
func (s *state) DeleteAll(ctx context.Context) error {
	s.blocks.clear(1)
	defer func() {
		s.listings.clear()
		s.blocks.clear(-1)
	}()
	return s.Next.DeleteAll(ctx)
}
