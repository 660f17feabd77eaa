package codec

import (
	"time"

	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore/wrap/internal/layer"
)

// Known is what is known of a stored file.
type Known struct {
	// Length and At are the size and time of the stored file, as the next client lists it.
	Length int64
	At     time.Time

	// Size is the size of the body, and Time the timestamp in its LTX header, if IsLTX.
	// Timed says whether Time and IsLTX are known.
	Size  int64
	Time  time.Time
	IsLTX bool
	Timed bool
}

// knownMemory is roughly the memory of a Known.
const knownMemory = 128

// of reports whether k is about the listed file, and has its time if metadata is true.
func (k *Known) of(listed *ltx.FileInfo, metadata bool) bool {
	return k.Length == listed.Size && k.At.Equal(listed.CreatedAt) && (k.Timed || !metadata)
}

// fill changes info, a file as the store lists it, into the file as it was written.
func (k *Known) fill(info *ltx.FileInfo) {
	info.Size, info.CreatedAt = k.Size, k.At
	if k.IsLTX {
		info.CreatedAt = k.Time
	}
}

// written returns what is known of a stored file whose body was src.
func written(stored ltx.FileInfo, src *Source) Known {
	return Known{Length: stored.Size, At: stored.CreatedAt, Size: src.Size, Time: src.Time, IsLTX: src.IsLTX, Timed: true}
}

// describe returns the file as it was written.
func (k *Known) describe(f layer.File) *ltx.FileInfo {
	info := f.Info()
	k.fill(&info)
	return &info
}
