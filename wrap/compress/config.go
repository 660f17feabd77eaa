package compress

import (
	"cmp"
	"fmt"

	"github.com/klauspost/compress/zstd"

	"github.com/ltxstore/ltxstore/backend"
	"github.com/ltxstore/ltxstore/backend/settings"
	"github.com/ltxstore/ltxstore/wrap/internal/codec"
	"github.com/ltxstore/ltxstore/wrap/internal/layer"
)

// Config is the configuration of a Client. The zero value is valid. Settings may be changed
// for an existing replica, because files are read whatever they were written with.
type Config struct {
	// Level is the compression level: "fastest", "default", "better" or "best". Empty
	// means "default". LTX files of a text database, in frames of 256 KiB, compress to
	// 56 % with "fastest", and to 53 % with "default" at half the speed.
	Level string `ltx:"level,oneof=fastest|default|better|best" default:"'default'" help:"Compression level: 'fastest', 'default', 'better' or 'best'."`

	// FrameSize is the number of bytes of the body in a frame: a power of two from 4 KiB
	// to 1 MiB. 0 means 256 KiB. Reading a page decodes one or two frames; larger
	// ones compress better. Each takes 8 bytes of memory while a file is written. A file
	// has at most 2,097,152 frames, which is 512 GiB by default.
	FrameSize int `ltx:"frame-size,size,min=4KiB,max=1MiB" default:"256KiB" help:"Size of the frames that are decoded separately: a power of two from 4 KiB to 1 MiB."`

	// MetadataConcurrency is how many files a listing reads from at once. 0 means 32.
	MetadataConcurrency int `ltx:"metadata-concurrency" default:"32" help:"Number of files that a listing reads from at once."`

	// CacheSize is the memory in bytes for what is known of files: about 300 for each, and
	// 8 for each frame. 0 means 32 MiB. What does not fit is read again when it is needed.
	CacheSize int64 `ltx:"cache-size,size" default:"32MiB" help:"Memory for what is known of files."`
}

const (
	maxFrameSize     = 1 << 20
	defaultFrameSize = 256 << 10
)

// format is the codec.Format of a valid configuration.
type format struct {
	*codec.Cache[*stored]
	next      layer.Next
	frameSize int
	zstd      *coder
}

var _ codec.Format = (*format)(nil)

// open returns the format of a client around next, or an error if the configuration is invalid.
// typ is next's Type; next may be empty.
func (cfg Config) open(typ string, next layer.Next) (*format, error) {
	if err := settings.Validate(typ, cfg); err != nil {
		return nil, err
	}
	_, level := zstd.EncoderLevelFromString(cmp.Or(cfg.Level, "default"))
	frameSize := cmp.Or(cfg.FrameSize, defaultFrameSize)
	if frameSize&(frameSize-1) != 0 {
		return nil, backend.Invalid(typ, "init", "FrameSize", cfg.FrameSize, "want 0 (default) or a power of two")
	}
	coder, err := newCoder(level, frameSize)
	if err != nil {
		return nil, fmt.Errorf("zstd: %w", err)
	}
	return &format{codec.NewCache[*stored](cfg.CacheSize), next, frameSize, coder}, nil
}
