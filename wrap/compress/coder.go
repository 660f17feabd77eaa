package compress

import (
	"sync"

	"github.com/klauspost/compress/zstd"
)

// coder compresses and decompresses frames. It is safe for concurrent use.
type coder struct {
	encoder *zstd.Encoder
	decoder *zstd.Decoder
	plain   sync.Pool // of *[]byte: a frame's bytes before compression
}

// newCoder starts no goroutines, because neither encoder nor decoder is used as a stream.
func newCoder(level zstd.EncoderLevel, frameSize int) (*coder, error) {
	encoder, err := zstd.NewWriter(nil,
		zstd.WithEncoderLevel(level),
		zstd.WithWindowSize(frameSize), // no frame has more
		zstd.WithSingleSegment(true),   // every frame says its size
		zstd.WithEncoderCRC(true))
	if err != nil {
		return nil, err
	}
	decoder, err := zstd.NewReader(nil,
		zstd.WithDecoderConcurrency(0),
		zstd.WithDecoderMaxMemory(maxFrameSize), // of a decoded frame
		zstd.WithDecoderLowmem(true))
	if err != nil {
		return nil, err
	}
	c := &coder{encoder: encoder, decoder: decoder}
	c.plain.New = func() any {
		b := make([]byte, frameSize)
		return &b
	}
	return c, nil
}

// maxStored is the largest size of a frame: blocks of 128 KiB that do not compress are stored, each
// with a header.
const maxStored = maxFrameSize + 3*(maxFrameSize>>17+1) + 32
