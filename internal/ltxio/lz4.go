package ltxio

import "encoding/binary"

// LZ4Exceeds reports whether an LZ4 frame decodes to more than limit bytes,
// without decoding it. LTX pages were once stored as such frames, and
// ltx.DecodePageData decodes one completely: 64 KiB become 16 MiB, which take
// 70 MiB with all buffers.
//
// Of a malformed frame, only the part before the flaw counts, because the decoder
// stops there too. The format is described in
// https://github.com/lz4/lz4/blob/dev/doc/lz4_Frame_format.md.
func LZ4Exceeds(frame []byte, limit int) bool {
	const (
		magic         = 0x184d2204
		hasBlockSum   = 1 << 4
		hasSize       = 1 << 3
		hasDictionary = 1 << 0
		stored        = 1 << 31 // in a block's size: not compressed
	)
	// A decoder also skips frames with some other magics, and accepts an older
	// framing. LTX never wrote these.
	if len(frame) < 7 || binary.LittleEndian.Uint32(frame) != magic {
		return true
	}
	flags, header := frame[4], 7
	if flags&hasSize != 0 {
		header += 8
	}
	if flags&hasDictionary != 0 {
		header += 4
	}

	size := 0
	for rest := frame[min(header, len(frame)):]; len(rest) >= 4; {
		word := binary.LittleEndian.Uint32(rest)
		rest = rest[4:]
		n := int64(word &^ stored)
		if n == 0 || n > int64(len(rest)) {
			break // the end, or a flaw
		}
		if word&stored != 0 {
			size += int(n)
		} else {
			size += lz4BlockSize(rest[:n])
		}
		if size > limit {
			return true
		}
		rest = rest[n:]
		if flags&hasBlockSum != 0 {
			rest = rest[min(4, len(rest)):]
		}
	}
	return false
}

// lz4BlockSize returns the number of bytes that a block decodes to, up to its end
// or its first flaw: the sum of the lengths of its literals and matches.
func lz4BlockSize(b []byte) (size int) {
	for len(b) > 0 {
		token := b[0]
		var literals, match int
		literals, b = lz4Length(b[1:], int(token>>4))
		size += literals
		if len(b) < literals+2 { // the last literals have no match
			return size
		}
		match, b = lz4Length(b[literals+2:], int(token&0xf))
		size += match + 4
	}
	return size
}

// lz4Length returns a length that begins in four bits of a token. If they are all
// set, it continues in bytes up to one that is not 255.
func lz4Length(b []byte, length int) (int, []byte) {
	if length < 15 {
		return length, b
	}
	for i, c := range b {
		length += int(c)
		if c != 255 {
			return length, b[i+1:]
		}
	}
	return length, nil
}
