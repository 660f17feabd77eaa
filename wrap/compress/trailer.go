package compress

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
)

// A file is a sequence of zstd frames and a trailer. Before each frame is one that zstd skips, with
// its size, as in files of pzstd. The trailer is another one to skip. All numbers are little-endian.
//
//	frame    magic 0x184d2a50, 4, size of the zstd frame (4); zstd frame
//	trailer  magic 0x184d2a5c, size of the rest (4);
//	         size of each frame, with the 12 bytes before it (4);
//	         "LTZ1", bytes of the body in every frame but the last (4), bytes of the
//	         body (8), LTX timestamp in ms or the least number (8);
//	         CRC-32C of the trailer so far (4), CRC-32C of the file so far (4)
const (
	frameMagic   = 0x184d2a50
	trailerMagic = 0x184d2a5c
	signature    = "LTZ1"

	frameHead = 12
	entrySize = 4
	endSize   = 4 + 4 + 8 + 8 + 4 + 4

	// maxFrames bounds the memory of a trailer.
	maxFrames = 1 << 21
)

// trailer is the content of a trailer.
type trailer struct {
	ends      []int64 // where the frames end
	frameSize int64
	size      int64 // of the body
	timestamp int64 // or codec.NotLTX
}

// content returns the decoded size of a frame.
func (t *trailer) content(frame int64) int64 { return min(t.frameSize, t.size-frame*t.frameSize) }

// place returns the offset and size of stored frames, without the last one.
func (t *trailer) place(first, behind int64) (start, size int64) {
	if first > 0 {
		start = t.ends[first-1]
	}
	return start, t.ends[behind-1] - start
}

func castagnoli() *crc32.Table { return crc32.MakeTable(crc32.Castagnoli) }

// isWhole reports whether that is the CRC-32C of a file that ends with the checksum of all before
// it: one number, whatever the file.
func isWhole(sum uint32) bool { return sum == crc32.Checksum(make([]byte, 4), castagnoli()) }

// appendTrailer appends the trailer of a file, and sum is the CRC-32C of its frames.
func appendTrailer(b []byte, t *trailer, sum uint32) []byte {
	start := len(b)
	b = binary.LittleEndian.AppendUint32(b, trailerMagic)
	b = binary.LittleEndian.AppendUint32(b, uint32(len(t.ends)*entrySize+endSize))
	var before int64
	for _, end := range t.ends {
		b = binary.LittleEndian.AppendUint32(b, uint32(end-before))
		before = end
	}
	b = append(b, signature...)
	b = binary.LittleEndian.AppendUint32(b, uint32(t.frameSize))
	b = binary.LittleEndian.AppendUint64(b, uint64(t.size))
	b = binary.LittleEndian.AppendUint64(b, uint64(t.timestamp))
	b = binary.LittleEndian.AppendUint32(b, crc32.Checksum(b[start:], castagnoli()))
	return binary.LittleEndian.AppendUint32(b, crc32.Update(sum, castagnoli(), b[start:]))
}

// parseEnd parses the last bytes of a file, and returns the size of its trailer. ok is false if
// they are not the end of one.
func parseEnd(tail []byte) (t trailer, size int64, ok bool) {
	if len(tail) < endSize {
		return trailer{}, 0, false
	}
	b := tail[len(tail)-endSize:]
	t = trailer{
		frameSize: int64(binary.LittleEndian.Uint32(b[4:])),
		size:      int64(binary.LittleEndian.Uint64(b[8:])),
		timestamp: int64(binary.LittleEndian.Uint64(b[16:])),
	}
	if string(b[:4]) != signature || t.frameSize < 1 || t.frameSize > maxFrameSize || t.size < 1 || t.size > t.frameSize*maxFrames {
		return trailer{}, 0, false
	}
	frames := (t.size + t.frameSize - 1) / t.frameSize
	return t, 8 + frames*entrySize + endSize, true
}

// parseTrailer parses b, the trailer of a file of that stored size.
func parseTrailer(b []byte, storedSize int64) (trailer, error) {
	t, size, ok := parseEnd(b)
	if !ok || size != int64(len(b)) {
		return trailer{}, errors.New("file has no trailer")
	}
	if crc32.Checksum(b[:len(b)-8], castagnoli()) != binary.LittleEndian.Uint32(b[len(b)-8:]) {
		return trailer{}, errors.New("checksum of the trailer differs")
	}
	var at int64
	for entries := b[8 : len(b)-endSize]; len(entries) > 0; entries = entries[entrySize:] {
		at += int64(binary.LittleEndian.Uint32(entries))
		t.ends = append(t.ends, at)
	}
	if at+size != storedSize {
		return trailer{}, fmt.Errorf("frames end at %d and the file at %d: want %d", at, storedSize, at+size)
	}
	return t, nil
}
