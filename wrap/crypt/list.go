package crypt

import (
	"context"

	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore/wrap/internal/codec"
	"github.com/ltxstore/ltxstore/wrap/internal/layer"
)

// CanList implements codec.Format.
func (s *format) CanList(metadata bool) error {
	if metadata && len(s.identities) == 0 {
		return errNoIdentities
	}
	return nil
}

// SizeOf implements codec.Format. It returns the stored size if no body has a file of this size.
func (s *format) SizeOf(stored int64) (size int64, ok bool) {
	if size, ok := plainSize(stored); ok && size > 0 {
		return size, true
	}
	return stored, true
}

// Inspect implements codec.Format. It reads the file's header.
func (s *format) Inspect(ctx context.Context, listed ltx.FileInfo, _ bool) (codec.Known, error) {
	k, err := s.readKey(ctx, layer.FileOf(&listed))
	if err != nil {
		return codec.Known{}, err
	}
	size, ok := plainSize(listed.Size)
	if !ok {
		return codec.Known{}, codec.Corrupt("file of %d bytes is cut off", listed.Size)
	}
	return codec.Known{Length: listed.Size, At: listed.CreatedAt, Size: size, Timestamp: k.binding.timestamp, Timed: true}, nil
}
