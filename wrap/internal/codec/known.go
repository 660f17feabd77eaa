package codec

import (
	"math"
	"time"

	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore/wrap/internal/layer"
)

// Known is what is known of a stored file.
type Known struct {
	// Length and At are the size and time of the stored file, as the next client lists it.
	Length int64
	At     time.Time

	// Size is the size of the body, and Timestamp that in its LTX header, in milliseconds, or
	// NotLTX. Timed says whether Timestamp is known.
	Size      int64
	Timestamp int64
	Timed     bool
}

// NotLTX is the timestamp of a body that is no LTX file.
const NotLTX = math.MinInt64

// knownMemory is roughly the memory of a Known.
const knownMemory = 128

// of reports whether k is about the listed file, and has its time if metadata is true.
func (k *Known) of(listed *ltx.FileInfo, metadata bool) bool {
	return k.Length == listed.Size && k.At.Equal(listed.CreatedAt) && (k.Timed || !metadata)
}

// fill changes info, a file as the store lists it, into the file as it was written.
func (k *Known) fill(info *ltx.FileInfo) {
	info.Size, info.CreatedAt = k.Size, k.At
	if k.Timed && k.Timestamp != NotLTX {
		info.CreatedAt = time.UnixMilli(k.Timestamp).UTC()
	}
}

// written returns what is known of a stored file whose body was src.
func written(stored ltx.FileInfo, src *Source) Known {
	return Known{Length: stored.Size, At: stored.CreatedAt, Size: src.Size, Timestamp: src.Timestamp, Timed: true}
}

// describe returns the file as it was written.
func (k *Known) describe(f layer.File) *ltx.FileInfo {
	info := f.Info()
	k.fill(&info)
	return &info
}
