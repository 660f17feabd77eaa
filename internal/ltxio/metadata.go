package ltxio

import (
	"strconv"
	"strings"
	"time"

	"github.com/superfly/ltx"
)

// TimestampKey is the key of an object's metadata for the header's timestamp, in the format of
// RFC 3339 and in UTC, as in Litestream. Azure allows no hyphens.
const (
	TimestampKey      = "litestream-timestamp"
	plainTimestampKey = "litestreamtimestamp"
)

// All other metadata is for people and other tools; nothing reads it here.
const (
	minTXIDKey = "min-txid"
	maxTXIDKey = "max-txid"
	levelKey   = "level"
)

// Metadata returns the metadata of an object. CreatedAt is the header's timestamp, or zero for a
// body without one.
func Metadata(info *ltx.FileInfo) map[string]string {
	m := map[string]string{
		minTXIDKey: strconv.FormatUint(uint64(info.MinTXID), 10),
		maxTXIDKey: strconv.FormatUint(uint64(info.MaxTXID), 10),
		levelKey:   strconv.Itoa(info.Level),
	}
	if !info.CreatedAt.IsZero() {
		m[TimestampKey] = info.CreatedAt.UTC().Format(time.RFC3339Nano)
	}
	return m
}

// MetadataTime returns the timestamp in an object's metadata. Some stores change the case of keys.
func MetadataTime(metadata map[string]string) (time.Time, bool) {
	for name, value := range metadata {
		if !strings.EqualFold(name, TimestampKey) && !strings.EqualFold(name, plainTimestampKey) {
			continue
		}
		at, err := time.Parse(time.RFC3339Nano, strings.TrimSpace(value))
		if err == nil && !at.IsZero() {
			return at.UTC().Truncate(time.Millisecond), true
		}
	}
	return time.Time{}, false
}
