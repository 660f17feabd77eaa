package ltxio

import (
	"encoding/binary"
	"hash/crc64"
	"math/bits"
)

// All checksums of LTX are CRC-64 of ISO 3309. Its polynomial, x⁶⁴+x⁴+x³+x+1,
// is sparse: multiplying by x⁶⁴ takes a few shifts, where hash/crc64 uses eight
// tables. The lowest bit of a word is the highest power, as in hash/crc64.

// updateCRC is crc64.Update with the table of crc64.ISO.
func updateCRC(crc uint64, p []byte) uint64 {
	crc = ^crc
	if len(p) >= 64 {
		// Four words at a time, whose checksums are computed independently.
		a, b, c, d := crc, uint64(0), uint64(0), uint64(0)
		for ; len(p) >= 64; p = p[32:] {
			a, b = times256(a^word(p)), times256(b^word(p[8:]))
			c, d = times256(c^word(p[16:])), times256(d^word(p[24:]))
		}
		a = times64(a ^ word(p))
		a = times64(a ^ b ^ word(p[8:]))
		a = times64(a ^ c ^ word(p[16:]))
		crc, p = times64(a^d^word(p[24:])), p[32:]
	}
	for ; len(p) >= 8; p = p[8:] {
		crc = times64(crc ^ word(p))
	}
	for _, b := range p {
		crc ^= uint64(b)
		crc = crc>>8 ^ fold(crc<<56)
	}
	return ^crc
}

func word(p []byte) uint64 { return binary.LittleEndian.Uint64(p) }

// times64 returns w·x⁶⁴, times256 w·x²⁵⁶: x²⁵⁶ is x¹⁶+x¹²+x⁴+1, since squaring
// doubles each exponent. The bits that are shifted out are multiplied once more.
func times64(w uint64) uint64 { return fold(w) ^ fold(w<<63^w<<61^w<<60) }

func times256(w uint64) uint64 {
	return w ^ w>>4 ^ w>>12 ^ w>>16 ^ fold(w<<60^w<<52^w<<48)
}

func fold(w uint64) uint64 { return w ^ w>>1 ^ w>>3 ^ w>>4 }

// powerCRC returns x to the power of the bits of n bytes, n a power of two.
func powerCRC(n uint32) uint64 {
	p := uint64(1) << (63 - 8) // x⁸
	for range bits.TrailingZeros32(n) {
		p = timesCRC(p, p)
	}
	return p
}

// timesCRC returns the product of two polynomials.
func timesCRC(a, b uint64) (product uint64) {
	for ; b != 0; b <<= 1 {
		product ^= a & uint64(int64(b)>>63)
		a = a>>1 ^ crc64.ISO&-(a&1)
	}
	return product
}

// joinCRC returns the checksum of two parts from their checksums, crc and next, and the powerCRC of
// the length of the second.
func joinCRC(crc, next, power uint64) uint64 { return timesCRC(crc, power) ^ next }
