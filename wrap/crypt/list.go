package crypt

import (
	"context"

	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore/wrap/internal/codec"
	"github.com/ltxstore/ltxstore/wrap/internal/layer"
)

// knownMemory is roughly the memory of a codec.Known.
const knownMemory = 128

// Concurrency implements codec.Format.
func (s *format) Concurrency(metadata bool) (concurrency int, err error) {
	if metadata && len(s.identities) == 0 {
		return 0, errNoIdentities
	}
	return s.concurrency, nil
}

// FillKnown implements codec.Format. A file of a size that no body has keeps its stored size.
func (s *format) FillKnown(info *ltx.FileInfo, metadata bool) bool {
	if known, ok := s.files.Get(layer.FileOf(info)); ok && known.Of(info, metadata) {
		known.Fill(info)
		return true
	}
	if metadata {
		return false
	}
	if size, ok := plainSize(info.Size); ok && size > 0 {
		info.Size = size
	}
	return true
}

// FillStored implements codec.Format. It reads the file's header and remembers the result.
func (s *format) FillStored(ctx context.Context, info *ltx.FileInfo, _ bool) error {
	f := layer.FileOf(info)
	k, err := s.readKey(ctx, f)
	if err != nil {
		return err
	}
	size, ok := plainSize(info.Size)
	if !ok {
		return codec.Corrupt("file of %d bytes is cut off", info.Size)
	}
	known := codec.Known{Length: info.Size, At: info.CreatedAt, Size: size, Time: k.binding.time, IsLTX: k.binding.isLTX, Timed: true}
	s.files.Put(f, known, knownMemory)
	known.Fill(info)
	return nil
}

// Forget implements codec.Format.
func (s *format) Forget(f layer.File) {
	s.keys.Drop(f)
	s.files.Drop(f)
}

// Clear implements codec.Format.
func (s *format) Clear() {
	s.keys.Clear()
	s.files.Clear()
}
