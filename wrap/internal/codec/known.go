package codec

import (
	"time"

	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore/wrap/internal/layer"
)

// Known is what is known of a stored file.
type Known struct {
	// Length and At are the file's in the store, as the next client lists them.
	Length int64
	At     time.Time

	// Size is that of the body, and Time the timestamp in its LTX header, if IsLTX.
	// Timed says that both are known.
	Size  int64
	Time  time.Time
	IsLTX bool
	Timed bool
}

// Of reports whether Known is of the listed file, and tells its time too if that is
// wanted.
func (k *Known) Of(listed *ltx.FileInfo, metadata bool) bool {
	return k.Length == listed.Size && k.At.Equal(listed.CreatedAt) && (k.Timed || !metadata)
}

// Fill makes of a file as the store lists it the file as it was written.
func (k *Known) Fill(info *ltx.FileInfo) {
	info.Size, info.CreatedAt = k.Size, k.At
	if k.IsLTX {
		info.CreatedAt = k.Time
	}
}

// written is what is known of a file whose body was src.
func written(stored ltx.FileInfo, src *Source) Known {
	return Known{Length: stored.Size, At: stored.CreatedAt, Size: src.Size, Time: src.Time, IsLTX: src.IsLTX, Timed: true}
}

// describe returns the file as it was written.
func (k *Known) describe(f layer.File) *ltx.FileInfo {
	info := f.Info()
	k.Fill(&info)
	return &info
}
