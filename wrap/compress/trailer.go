package compress

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"time"
)

// The frames of a file are followed by two frames that zstd skips. All numbers are
// little-endian.
//
//	summary   magic 0x184d2a5c, size; "LTXZ", version 1, flags (1: is LTX),
//	          frame size (4), bytes of the body (8), LTX timestamp in ms (8),
//	          CRC-32C of the data frames as they are stored (4), CRC-32C of the
//	          table's entries of the data frames and of the summary up to here (4)
//	table     magic 0x184d2a5e, size; for each frame before the table its size
//	          stored (4) and decoded (4); number of entries (4), 0, 0x8f92eab1
//
// The summary has an entry of its own, with a decoded size of 0. The table is
// that of the zstd seekable format, without its checksums: frames have theirs.
const (
	zstdMagic    = 0xfd2fb528
	summaryMagic = 0x184d2a5c
	tableMagic   = 0x184d2a5e
	footerMagic  = 0x8f92eab1

	summaryBody = 4 + 1 + 1 + 4 + 8 + 8 + 4 + 4
	summarySize = 8 + summaryBody
	entrySize   = 8
	footerSize  = 9

	// maxFrames bounds the memory of a table.
	maxFrames = 1 << 21
)

const summarySignature = "LTXZ"

// trailerSize returns the size of summary and table after that many data frames.
func trailerSize(frames int64) int64 { return summarySize + 8 + (frames+1)*entrySize + footerSize }

// summary is the content of the skippable frame before the table.
type summary struct {
	frameSize int64 // of every data frame but the last
	size      int64 // of the body
	time      time.Time
	isLTX     bool

	// stored is a checksum of the data frames, which is verified when all of them are
	// read. Their own checksums are of the decoded content, which some bits of a
	// frame do not affect.
	stored uint32
}

// frames returns the number of data frames.
func (s summary) frames() int64 { return (s.size + s.frameSize - 1) / s.frameSize }

// content returns the decoded size of a data frame.
func (s summary) content(frame int64) int64 { return min(s.frameSize, s.size-frame*s.frameSize) }

// seekTable sums a file's data frames and their entries.
type seekTable struct {
	sum    uint32
	stored uint32 // of the frames themselves
	frames int64
}

func castagnoli() *crc32.Table { return crc32.MakeTable(crc32.Castagnoli) }

func (t *seekTable) add(frame []byte, content int64) {
	var entry [entrySize]byte
	binary.LittleEndian.PutUint32(entry[:], uint32(len(frame)))
	binary.LittleEndian.PutUint32(entry[4:], uint32(content))
	t.sum = crc32.Update(t.sum, castagnoli(), entry[:])
	t.stored = crc32.Update(t.stored, castagnoli(), frame)
	t.frames++
}

// appendSummary appends the summary's frame.
func appendSummary(b []byte, s summary, t seekTable) []byte {
	b = binary.LittleEndian.AppendUint32(b, summaryMagic)
	b = binary.LittleEndian.AppendUint32(b, summaryBody)
	start := len(b)
	b = append(b, summarySignature...)
	var flags byte
	var millis int64
	if s.isLTX {
		flags, millis = 1, s.time.UnixMilli()
	}
	b = append(b, 1, flags)
	b = binary.LittleEndian.AppendUint32(b, uint32(s.frameSize))
	b = binary.LittleEndian.AppendUint64(b, uint64(s.size))
	b = binary.LittleEndian.AppendUint64(b, uint64(millis))
	b = binary.LittleEndian.AppendUint32(b, t.stored)
	return binary.LittleEndian.AppendUint32(b, crc32.Update(t.sum, castagnoli(), b[start:]))
}

// parseSummary is the inverse of appendSummary: b begins with the frame.
func parseSummary(b []byte, t seekTable) (summary, error) {
	if binary.LittleEndian.Uint32(b) != summaryMagic || binary.LittleEndian.Uint32(b[4:]) != summaryBody || string(b[8:12]) != summarySignature {
		return summary{}, errors.New("file has no summary after the frames")
	}
	if b[12] != 1 || b[13] > 1 {
		return summary{}, fmt.Errorf("summary has version %d and flags %d: want version 1", b[12], b[13])
	}
	if sum := crc32.Update(t.sum, castagnoli(), b[8:summarySize-4]); sum != binary.LittleEndian.Uint32(b[summarySize-4:]) {
		return summary{}, errors.New("checksum of the summary and the seek table differs")
	}
	s := summary{frameSize: int64(binary.LittleEndian.Uint32(b[14:])), size: int64(binary.LittleEndian.Uint64(b[18:])), isLTX: b[13] == 1,
		stored: binary.LittleEndian.Uint32(b[34:])}
	if s.size <= 0 || s.frameSize > maxFrameSize || s.size > s.frameSize*maxFrames || s.frames() != t.frames {
		return summary{}, fmt.Errorf("summary has %d bytes in frames of %d, the table has %d", s.size, s.frameSize, t.frames)
	}
	if s.isLTX {
		s.time = time.UnixMilli(int64(binary.LittleEndian.Uint64(b[26:]))).UTC()
	}
	return s, nil
}

// appendTable appends the seek table of data frames of these stored sizes.
func appendTable(b []byte, s summary, sizes []uint32) []byte {
	b = binary.LittleEndian.AppendUint32(b, tableMagic)
	b = binary.LittleEndian.AppendUint32(b, uint32((len(sizes)+1)*entrySize+footerSize))
	for i, size := range sizes {
		b = binary.LittleEndian.AppendUint32(b, size)
		b = binary.LittleEndian.AppendUint32(b, uint32(s.content(int64(i))))
	}
	return appendFooter(b, int64(len(sizes)))
}

// appendFooter appends what follows the data frames' entries.
func appendFooter(b []byte, frames int64) []byte {
	b = binary.LittleEndian.AppendUint32(b, summarySize)
	b = binary.LittleEndian.AppendUint32(b, 0)
	b = binary.LittleEndian.AppendUint32(b, uint32(frames+1))
	b = append(b, 0)
	return binary.LittleEndian.AppendUint32(b, footerMagic)
}

// frameCount returns the number of data frames from a file's last bytes. ok is false if these
// are not the end of a seek table of this package.
func frameCount(tail []byte) (frames int64, ok bool) {
	if len(tail) < footerSize {
		return 0, false
	}
	b := tail[len(tail)-footerSize:]
	if binary.LittleEndian.Uint32(b[5:]) != footerMagic || b[4] != 0 {
		return 0, false
	}
	n := int64(binary.LittleEndian.Uint32(b))
	return n - 1, n >= 2 && n-1 <= maxFrames
}

// parseTrailer parses b, the summary and table of a file of that stored size. ends are the
// offsets at which its data frames end.
func parseTrailer(b []byte, storedSize int64) (s summary, ends []int64, err error) {
	frames, ok := frameCount(b)
	if !ok || trailerSize(frames) != int64(len(b)) {
		return summary{}, nil, errors.New("no seek table at the end")
	}
	head, entries := b[summarySize:], b[summarySize+8:]
	if binary.LittleEndian.Uint32(head) != tableMagic || int64(binary.LittleEndian.Uint32(head[4:])) != trailerSize(frames)-summarySize-8 {
		return summary{}, nil, errors.New("no seek table at the end")
	}
	if string(entries[frames*entrySize:]) != string(appendFooter(nil, frames)) {
		return summary{}, nil, errors.New("seek table has no entry of the summary")
	}
	entries = entries[:frames*entrySize]
	t := seekTable{sum: crc32.Update(0, castagnoli(), entries), frames: frames}
	if s, err = parseSummary(b, t); err != nil {
		return summary{}, nil, err
	}
	ends = make([]int64, frames)
	var at int64
	for i := range ends {
		size := int64(binary.LittleEndian.Uint32(entries[i*entrySize:]))
		content := s.content(int64(i))
		if int64(binary.LittleEndian.Uint32(entries[i*entrySize+4:])) != content || size > maxStored(content) {
			return summary{}, nil, fmt.Errorf("seek table has a frame of %d bytes for %d", size, content)
		}
		at += size
		ends[i] = at
	}
	if at+int64(len(b)) != storedSize {
		return summary{}, nil, fmt.Errorf("frames end at %d and the file at %d: want %d", at, storedSize, at+int64(len(b)))
	}
	return s, ends, nil
}
