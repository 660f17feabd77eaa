package body

import (
	"hash"
	"hash/crc64"
	"io"
)

// NewCRC64 returns the hash by which what was written is compared with what is
// read back.
func NewCRC64() hash.Hash64 { return crc64.New(crc64.MakeTable(crc64.ECMA)) }

// CRC64 returns the sum of what r yields, and how many bytes that was.
func CRC64(r io.Reader) (sum uint64, size int64, err error) {
	h := NewCRC64()
	size, err = io.Copy(h, r)
	return h.Sum64(), size, err
}
