package compress

import (
	"errors"
	"fmt"
	"sync"

	"github.com/klauspost/compress/zstd"

	"github.com/ltxstore/ltxstore/wrap/internal/codec"
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
		zstd.WithDecoderMaxMemory(maxFrameSize), // of all that is decoded at once
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

// frameInfo is what a frame's header says.
type frameInfo struct {
	header  int   // size of the header
	content int64 // size of the decoded frame
}

// errNoFrame is the error of bytes that do not begin a frame as this package writes them.
var errNoFrame = errors.New("not a zstd frame with a checksum and without a dictionary")

// parseFrame parses a frame's header: b has zstd.HeaderMaxSize bytes, or the rest of the file.
func parseFrame(b []byte) (frameInfo, error) {
	var h zstd.Header
	if err := h.Decode(b); err != nil {
		return frameInfo{}, fmt.Errorf("frame header: %w", err)
	}
	if !h.HasCheckSum || h.DictionaryID != 0 {
		return frameInfo{}, errNoFrame
	}
	if h.FrameContentSize == 0 || h.FrameContentSize > maxFrameSize {
		return frameInfo{}, fmt.Errorf("frame of %d bytes: want 1 to %d", h.FrameContentSize, maxFrameSize)
	}
	return frameInfo{header: h.HeaderSize, content: int64(h.FrameContentSize)}, nil
}

// maxStored returns the largest size of a frame of content bytes: blocks that do not compress
// are stored, each with a header.
func maxStored(content int64) int64 { return content + 3*(content/blockSize+1) + 32 }

// blockSize is the largest decoded size of a block.
const blockSize = 128 << 10

// decode decodes a frame of content bytes, into dst if it has the capacity. It fails with
// ltxstore.ErrChecksum.
func (c *coder) decode(frame, dst []byte, content int64) ([]byte, error) {
	if int64(cap(dst)) < content {
		dst = make([]byte, 0, content)
	}
	plain, err := c.decoder.DecodeAll(frame, dst[:0:content])
	if err != nil {
		return nil, codec.Corrupt("frame: %w", err)
	}
	if int64(len(plain)) != content {
		return nil, codec.Corrupt("frame decodes to %d bytes: want %d", len(plain), content)
	}
	return plain, nil
}
