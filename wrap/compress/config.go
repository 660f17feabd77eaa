package compress

import (
	"cmp"
	"fmt"

	"github.com/klauspost/compress/zstd"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/backend"
	"github.com/ltxstore/ltxstore/backend/settings"
	"github.com/ltxstore/ltxstore/wrap/internal/codec"
)

// Config says how files are compressed. The zero value is the default. Every
// setting may be changed over a replica's files: each is read as it was written.
type Config struct {
	// Level is how hard the compressor tries: "fastest", "default", "better" or
	// "best". Empty is "default". Measured on LTX files of a text database, in
	// frames of 256 KiB: "fastest" leaves 56 % of the bytes, "default" 53 %, at
	// half the speed.
	Level string `ltx:"level,oneof=fastest|default|better|best" default:"'default'" help:"How hard the compressor tries: 'fastest', 'default', 'better' or 'best'."`

	// FrameSize is how many bytes of the body a frame has: a power of two from
	// 4 KiB to 1 MiB. 0 means 256 KiB. A page read decodes one frame, or two;
	// larger frames compress better. Each takes 4 bytes of memory while a file
	// is written, and a file has at most 2,097,152 frames: 512 GiB by default.
	FrameSize int `ltx:"frame-size,size,min=4KiB,max=1MiB" default:"256KiB" help:"Bytes of a body that are decoded together: a power of two from 4 KiB to 1 MiB."`

	// MetadataConcurrency is how many files are looked at at once in a listing.
	// 0 means 32.
	MetadataConcurrency int `ltx:"metadata-concurrency" default:"32" help:"Files looked at at once in a listing."`

	// CacheSize is how many bytes of memory what is known of files may take:
	// about 300 for a small file, and 8 for each frame of a large one. 0 means
	// 32 MiB. What does not fit is asked for again.
	CacheSize int64 `ltx:"cache-size,size" default:"32MiB" help:"Bytes of memory for what is known of files."`
}

const (
	maxFrameSize     = 1 << 20
	defaultFrameSize = 256 << 10
	defaultCacheSize = 32 << 20
)

// format is what a valid configuration has become. It is a codec.Format.
type format struct {
	next        ltxstore.ReplicaClient
	frameSize   int
	concurrency int
	zstd        *coder
	files       *codec.Cache[*stored]
}

var _ codec.Format = (*format)(nil)

// open makes the format of a client around next.
func (cfg Config) open(next ltxstore.ReplicaClient) (*format, error) {
	f, err := cfg.check(next.Type())
	if err == nil {
		f.next = next
	}
	return f, err
}

// check returns the format without its client, or what is wrong with the configuration.
func (cfg Config) check(typ string) (*format, error) {
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
	return &format{
		frameSize:   frameSize,
		concurrency: cmp.Or(cfg.MetadataConcurrency, 32),
		zstd:        coder,
		files:       codec.NewCache[*stored](cmp.Or(cfg.CacheSize, defaultCacheSize)),
	}, nil
}
