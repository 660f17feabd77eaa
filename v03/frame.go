package v03

import "encoding/binary"

// The format of an LZ4 frame:
// https://github.com/lz4/lz4/blob/dev/doc/lz4_Frame_format.md
const (
	lz4HasDictionary  = 1 << 0 // bits of the frame's flags
	lz4HasContentSum  = 1 << 2
	lz4HasContentSize = 1 << 3
	lz4HasBlockSum    = 1 << 4
)

// lz4End finds the end of an LZ4 frame. The decoder itself accepts a frame that is cut off
// at the end of a block, and bytes after the frame.
type lz4End struct {
	field [6]byte // the part of the current field that was read
	n     int
	skip  uint32 // bytes until the next field
	flags byte
	state lz4State
	more  bool // something follows the frame
}

type lz4State uint8

const (
	lz4Header lz4State = iota
	lz4Block           // the size of a block
	lz4Sum             // the content's checksum
	lz4Done
)

// add processes more bytes.
func (e *lz4End) add(b []byte) {
	for len(b) > 0 {
		if e.skip > 0 {
			n := min(uint64(len(b)), uint64(e.skip))
			e.skip -= uint32(n)
			b = b[n:]
			continue
		}
		size := 4
		switch e.state {
		case lz4Header:
			size = 6
		case lz4Done:
			e.more = true
			return
		}
		n := copy(e.field[e.n:size], b)
		b = b[n:]
		if e.n += n; e.n == size {
			e.n = 0
			e.next()
		}
	}
}

// next ends a field.
func (e *lz4End) next() {
	switch word := binary.LittleEndian.Uint32(e.field[:]); e.state {
	case lz4Header:
		e.flags, e.state = e.field[4], lz4Block
		e.skip = 1 // the header's checksum
		if e.flags&lz4HasContentSize != 0 {
			e.skip += 8
		}
		if e.flags&lz4HasDictionary != 0 {
			e.skip += 4
		}
	case lz4Block:
		e.skip = word &^ (1 << 31)
		switch {
		case word != 0:
			if e.flags&lz4HasBlockSum != 0 {
				e.skip += 4
			}
		case e.flags&lz4HasContentSum != 0:
			e.state = lz4Sum
		default:
			e.state = lz4Done
		}
	case lz4Sum:
		e.state = lz4Done
	}
}
