package cache

import (
	"context"
	"io"

	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore/wrap/internal/layer"
)

// Write implements layer.Operations.
func (s *state) Write(ctx context.Context, f layer.File, r io.Reader) (*ltx.FileInfo, error) {
	var info *ltx.FileInfo
	s.begin(f)
	defer func() { s.end(f, info, info != nil) }()
	written, err := s.Next.Write(ctx, f, r)
	if err == nil && written != nil {
		kept := *written
		info = &kept
	}
	return written, err
}

// Delete implements layer.Operations.
func (s *state) Delete(ctx context.Context, files []*ltx.FileInfo) error {
	for _, info := range files {
		s.begin(layer.FileOf(info))
	}
	done := false
	defer func() {
		for _, info := range files {
			s.end(layer.FileOf(info), nil, done)
		}
	}()
	err := s.Next.Delete(ctx, files)
	done = err == nil
	return err
}

// DeleteAll implements layer.Operations. Everything kept is dropped before and after.
func (s *state) DeleteAll(ctx context.Context) error {
	s.listings.forget()
	s.blocks.clear(1)
	defer func() {
		s.listings.forget()
		s.blocks.clear(-1)
	}()
	return s.Next.DeleteAll(ctx)
}

func (s *state) begin(f layer.File) {
	s.listings.begin(f)
	s.blocks.begin(f)
}

func (s *state) end(f layer.File, info *ltx.FileInfo, done bool) {
	s.listings.end(f, info, done)
	s.blocks.end(f)
}
