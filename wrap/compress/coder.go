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

// newCoder starts no goroutine: neither side is used as a stream.
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

// frameInfo is what the beginning of a frame says.
type frameInfo struct {
	header  int   // bytes of the header
	content int64 // bytes that the frame decodes to
}

// errNoFrame means that the bytes are not the beginning of a frame that this
// package writes.
var errNoFrame = errors.New("no zstd frame with a size and a checksum")

// parseFrame reads a frame's header: b has zstd.HeaderMaxSize bytes, or what the
// file has left.
func parseFrame(b []byte) (frameInfo, error) {
	var h zstd.Header
	if err := h.Decode(b); err != nil {
		return frameInfo{}, fmt.Errorf("frame header: %w", err)
	}
	if h.Skippable || !h.HasFCS || !h.HasCheckSum || h.DictionaryID != 0 {
		return frameInfo{}, errNoFrame
	}
	if h.FrameContentSize == 0 || h.FrameContentSize > maxFrameSize {
		return frameInfo{}, fmt.Errorf("frame of %d bytes: want 1 to %d", h.FrameContentSize, maxFrameSize)
	}
	return frameInfo{header: h.HeaderSize, content: int64(h.FrameContentSize)}, nil
}

// maxStored is the most bytes that a frame of that content has: a block that
// does not shrink is stored, with a header of its own.
func maxStored(content int64) int64 { return content + 3*(content/blockSize+1) + 32 }

// blockSize is the most that a block of a frame decodes to.
const blockSize = 128 << 10

// decode decodes a whole frame into dst's memory, if there is enough. The errors
// are of kind ltxstore.ErrChecksum.
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
