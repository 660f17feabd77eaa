package backend

import (
	"math/rand/v2"
	"strconv"
	"strings"
	"time"
)

const tempExt = ".tmp"

// TempName returns a name for a temporary file: hidden, not valid in any layout, and unique
// among all processes and hosts. TempTime returns when the name was made.
func TempName(name string) string {
	var short [128]byte // long enough for most names, and not allocated
	b := append(append(append(short[:0], '.'), name...), '.')
	b = strconv.AppendInt(b, time.Now().Unix(), 10)
	b = append(b, '-')
	b = strconv.AppendUint(b, rand.Uint64(), 16)
	return string(append(b, tempExt...))
}

// IsTempName reports whether name is that of a temporary file: one from TempName, or one of
// Litestream, which is the file's own name followed by ".tmp".
func IsTempName(name string) bool {
	_, ok := parseTempName(name)
	return ok
}

// TempTime returns when TempName made a name, in seconds and by the writer's clock. It is
// 1970 for names without a time. The modification time does not tell, because a file may get
// the time of its LTX header before it is renamed.
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
