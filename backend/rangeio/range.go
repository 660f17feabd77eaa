// Package rangeio defines ranges (offset, size) on disks and in HTTP, and has readers that
// resume broken transfers and read large ones in parallel. Packages
// [github.com/ltxstore/ltxstore/backend/object] and
// [github.com/ltxstore/ltxstore/backend/tree] use it for all backends.
//
// It depends only on the standard library, so that backends without a network can use it;
// the retry policy is an interface.
package rangeio

import (
	"fmt"
	"io/fs"
	"math"
	"strconv"
	"strings"
)

// Check returns an error of kind fs.ErrInvalid that names the argument unless
// offset and size are both 0 or more (clause O1).
func Check(offset, size int64) error {
	switch {
	case offset < 0:
		return fmt.Errorf("offset is %d: want 0 or more: %w", offset, fs.ErrInvalid)
	case size < 0:
		return fmt.Errorf("size is %d: want 0 (to the end) or more: %w", size, fs.ErrInvalid)
	}
	return nil
}

// Clamp returns the part of a file of fileSize bytes that offset and size select: n bytes
// from start. A size of 0 means up to the end. The part past the end is dropped, so that n
// may be 0. The arguments must have passed Check. Nothing overflows.
func Clamp(offset, size, fileSize int64) (start, n int64) {
	start = min(offset, fileSize)
	n = fileSize - start
	if size > 0 {
		n = min(n, size)
	}
	return start, n
}

// HTTPRange returns the value of the Range header for offset and size, which must have
// passed Check. It is empty for a whole file, because a range of an empty file would be
// rejected with 416.
func HTTPRange(offset, size int64) string {
	switch {
	case offset == 0 && size == 0:
		return ""
	case size == 0, offset > math.MaxInt64-size:
		return fmt.Sprintf("bytes=%d-", offset)
	}
	return fmt.Sprintf("bytes=%d-%d", offset, offset+size-1)
}

// CheckContentRange parses the Content-Range of a 206 response to HTTPRange(offset, size).
// It returns the number of bytes in its body and in the whole file; the latter is -1 if the
// server does not state it.
//
// It returns an error if the header is missing or malformed, or if the response contains
// another range than requested. A response with fewer bytes is legal (RFC 9110, section
// 15.3.7); the rest must be requested again.
func CheckContentRange(header string, offset, size int64) (n, total int64, err error) {
	first, last, total, ok := parseContentRange(header)
	switch {
	case !ok:
		return 0, 0, fmt.Errorf("server returned Content-Range %q: want bytes first-last/total", header)
	case first != offset:
		return 0, 0, fmt.Errorf("server returned Content-Range %q: want it to start at %d", header, offset)
	}
	n = last - first + 1
	if size > 0 && n > size {
		return 0, 0, fmt.Errorf("server returned Content-Range %q: want at most %d bytes", header, size)
	}
	return n, total, nil
}

// RefusedSize returns the size of the whole file in the Content-Range of a 416 response, or
// -1 if there is none.
func RefusedSize(header string) int64 {
	digits, found := strings.CutPrefix(header, "bytes */")
	if size, ok := parseDigits(digits); found && ok {
		return size
	}
	return -1
}

func parseContentRange(header string) (first, last, total int64, ok bool) {
	unit, rest, _ := strings.Cut(strings.TrimSpace(header), " ")
	span, whole, _ := strings.Cut(rest, "/")
	from, to, _ := strings.Cut(span, "-")
	first, okFirst := parseDigits(from)
	last, okLast := parseDigits(to)
	total, okTotal := int64(-1), true
	if whole != "*" {
		total, okTotal = parseDigits(whole)
	}
	switch {
	case !strings.EqualFold(unit, "bytes"), !okFirst, !okLast, !okTotal:
		return 0, 0, 0, false
	case last < first, last == math.MaxInt64, total >= 0 && last >= total:
		return 0, 0, 0, false
	}
	return first, last, total, true
}

// parseDigits is strconv.ParseInt without a sign.
func parseDigits(s string) (int64, bool) {
	if s == "" || s[0] < '0' || s[0] > '9' {
		return 0, false
	}
	n, err := strconv.ParseInt(s, 10, 64)
	return n, err == nil
}
