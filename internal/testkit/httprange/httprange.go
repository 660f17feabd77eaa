// Package httprange parses the Range of a request, for the servers of tests.
package httprange

import (
	"errors"
	"strconv"
	"strings"
)

// Parse parses a Range header with one range, the bytes [first, end) of size.
// ok is false if there is no header, or one that must be ignored. It returns an
// error if the range cannot be satisfied.
func Parse(header string, size int64) (first, end int64, ok bool, err error) {
	spec, found := strings.CutPrefix(header, "bytes=")
	from, to, dash := strings.Cut(spec, "-")
	if !found || !dash || strings.Contains(spec, ",") {
		return 0, 0, false, nil
	}
	unsatisfiable := errors.New("unsatisfiable range " + header)
	if from == "" { // the last so many
		n, err := strconv.ParseInt(to, 10, 64)
		if err != nil {
			return 0, 0, false, nil
		}
		if n == 0 || size == 0 {
			return 0, 0, false, unsatisfiable
		}
		return max(0, size-n), size, true, nil
	}
	first, err = strconv.ParseInt(from, 10, 64)
	if err != nil {
		return 0, 0, false, nil
	}
	end = size
	if to != "" {
		last, err := strconv.ParseInt(to, 10, 64)
		if err != nil || last < first {
			return 0, 0, false, nil
		}
		end = min(size-1, last) + 1
	}
	if first >= size {
		return 0, 0, false, unsatisfiable
	}
	return first, end, true, nil
}
