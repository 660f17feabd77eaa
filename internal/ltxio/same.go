package ltxio

import (
	"bytes"
	"io"
)

// SameContent reports whether two readers have the same content. It fails if a Read fails.
func SameContent(a, b io.Reader) (bool, error) {
	var bufA, bufB [16 << 10]byte
	for {
		n, errA := io.ReadFull(a, bufA[:])
		m, errB := io.ReadFull(b, bufB[:])
		for _, err := range []error{errA, errB} {
			if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
				return false, err
			}
		}
		if !bytes.Equal(bufA[:n], bufB[:m]) {
			return false, nil
		}
		if errA != nil || errB != nil {
			return true, nil // both end here, so their lengths are equal
		}
	}
}
