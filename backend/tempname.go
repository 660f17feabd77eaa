package backend

import (
	"math/rand/v2"
	"strconv"
	"strings"
	"time"
)

const tempExt = ".tmp"

// TempName returns a name for a temporary file: hidden, not parsed by any
// layout, and never returned twice by any process on any host. TempTime reads
// from it when that was.
func TempName(name string) string {
	var short [128]byte // holds most names, and is not allocated
	b := append(append(append(short[:0], '.'), name...), '.')
	b = strconv.AppendInt(b, time.Now().Unix(), 10)
	b = append(b, '-')
	b = strconv.AppendUint(b, rand.Uint64(), 16)
	return string(append(b, tempExt...))
}

// IsTempName reports whether a name is that of a temporary file: one that
// TempName returned, or Litestream's, which is the file's own name followed
// by ".tmp".
func IsTempName(name string) bool {
	_, ok := parseTempName(name)
	return ok
}

// TempTime returns when TempName returned a name, to the second and by the
// writer's clock. It is 1970 for names that do not say it. The modification time
// cannot stand for it where a file gets its LTX header's time before its name.
func TempTime(name string) time.Time {
	seconds, _ := parseTempName(name)
	return time.Unix(seconds, 0)
}

func parseTempName(name string) (seconds int64, ok bool) {
	rest, ok := strings.CutSuffix(name, tempExt)
	if !ok {
		return 0, false
	}
	if hidden, ours := strings.CutPrefix(rest, "."); ours {
		cut := strings.LastIndexByte(hidden, '.')
		if cut < 0 {
			return 0, false
		}
		begun, random, ok := strings.Cut(hidden[cut+1:], "-")
		unsigned, err := strconv.ParseUint(begun, 10, 63)
		_, randomErr := strconv.ParseUint(random, 16, 64)
		if !ok || err != nil || randomErr != nil {
			return 0, false
		}
		seconds, rest = int64(unsigned), hidden[:cut]
	}
	if _, _, ok = ParseFilename(rest); !ok {
		return 0, false
	}
	return seconds, true
}
