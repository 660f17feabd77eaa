package backend

import (
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
)

const tempExt = ".tmp"

// TempName returns a name for a temporary file: hidden, not parsed by any
// layout, and never returned twice by any process on any host.
func TempName(name string) string {
	var short [128]byte // holds most names, and is not allocated
	b := append(append(append(short[:0], '.'), name...), '.')
	b = strconv.AppendInt(b, int64(os.Getpid()), 10)
	b = append(b, '-')
	b = strconv.AppendUint(b, rand.Uint64(), 16)
	return string(append(b, tempExt...))
}

// IsTempName reports whether a name is that of a temporary file: one that
// TempName returned, or Litestream's, which is the file's own name followed
// by ".tmp".
func IsTempName(name string) bool {
	rest, ok := strings.CutSuffix(name, tempExt)
	if !ok {
		return false
	}
	if hidden, ours := strings.CutPrefix(rest, "."); ours {
		cut := strings.LastIndexByte(hidden, '.')
		if cut < 0 {
			return false
		}
		pid, random, ok := strings.Cut(hidden[cut+1:], "-")
		_, pidErr := strconv.ParseUint(pid, 10, 32)
		_, randomErr := strconv.ParseUint(random, 16, 64)
		if !ok || pidErr != nil || randomErr != nil {
			return false
		}
		rest = hidden[:cut]
	}
	_, _, ok = ParseFilename(rest)
	return ok
}
