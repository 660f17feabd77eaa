package tree

import (
	"math/rand/v2"
	"os"
	"strconv"
	"strings"

	"github.com/ltxstore/ltxstore/backend"
)

const (
	tempExt = ".tmp"

	// ltxDir holds the levels in two of the layouts.
	ltxDir = "ltx"
)

// tempName returns a name for the temporary of a file: hidden, parsed by no
// layout, and never given out twice by any process on any host.
func tempName(name string) string {
	return "." + name + "." + strconv.Itoa(os.Getpid()) + "-" + strconv.FormatUint(rand.Uint64(), 16) + tempExt
}

// isTemp reports whether a name is that of a temporary: one of tempName's, or
// Litestream's, which is the file's own with ".tmp" after it.
func isTemp(name string) bool {
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
	_, _, ok = backend.ParseFilename(rest)
	return ok
}
