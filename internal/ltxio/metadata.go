package ltxio

import (
	"strconv"
	"strings"
	"time"

	"github.com/superfly/ltx"
)

// TimestampKey is the metadata of an object in which a write leaves the
// header's timestamp: Litestream's name and form (RFC 3339, UTC).
const TimestampKey = "litestream-timestamp"

// The metadata beside it is for people and other tools: nothing here reads it.
const (
	minTXIDKey = "min-txid"
	maxTXIDKey = "max-txid"
	levelKey   = "level"
)

// Metadata returns what an object store keeps beside a file. CreatedAt is the
// header's timestamp, and zero for a body that has none.
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

// MetadataTime reads the timestamp from an object's metadata, whose names some
// stores write in their own case.
func MetadataTime(metadata map[string]string) (time.Time, bool) {
	for name, value := range metadata {
		if !strings.EqualFold(name, TimestampKey) {
			continue
		}
		at, err := time.Parse(time.RFC3339Nano, strings.TrimSpace(value))
		if err == nil && !at.IsZero() {
			return at.UTC().Truncate(time.Millisecond), true
		}
	}
	return time.Time{}, false
}
