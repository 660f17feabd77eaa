package ltxio

import (
	"bytes"
	"errors"
	"fmt"
	"time"

	"github.com/superfly/ltx"
)

// Timestamp returns the time in the LTX header of a stored file; first has its first ltx.HeaderSize
// bytes, or all of it. isLTX is false for a file without the LTX magic, which has no such time
// (clause T2). It fails if the header is cut off or invalid (clause T3).
func Timestamp(first []byte) (t time.Time, isLTX bool, err error) {
	if !bytes.HasPrefix(first, []byte(ltx.Magic)) {
		return time.Time{}, false, nil
	}
	if len(first) < ltx.HeaderSize {
		return time.Time{}, true, fmt.Errorf("file ends after %d bytes, within the LTX header", len(first))
	}
	var hdr ltx.Header
	if err := errors.Join(hdr.UnmarshalBinary(first[:ltx.HeaderSize]), hdr.Validate()); err != nil {
		return time.Time{}, true, fmt.Errorf("file has no valid LTX header: %w", err)
	}
	if hdr.Timestamp < 0 || hdr.Timestamp > maxTimestamp {
		return time.Time{}, true, fmt.Errorf("LTX header has timestamp %d ms: want 0 to %d", hdr.Timestamp, int64(maxTimestamp))
	}
	return time.UnixMilli(hdr.Timestamp).UTC(), true, nil
}
