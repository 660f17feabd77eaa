package v03

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

const (
	root         = "generations"
	snapshotsDir = "snapshots"
	walDir       = "wal"

	snapshotExt = ".snapshot.lz4"
	segmentExt  = ".wal.lz4"

	generationDigits = 16
	indexDigits      = 8
)

// Snapshot is a stored snapshot.
type Snapshot struct {
	Generation string    `json:"generation"`
	Index      int       `json:"index"`
	Size       int64     `json:"size"` // in bytes, as it is stored
	CreatedAt  time.Time `json:"created_at"`
}

// Name returns the file's path below that of the replica.
func (s Snapshot) Name() string { return snapshotName(s.Generation, s.Index) }

// Segment is a stored part of a WAL file.
type Segment struct {
	Generation string    `json:"generation"`
	Index      int       `json:"index"`
	Offset     int64     `json:"offset"` // in bytes of the WAL file
	Size       int64     `json:"size"`   // in bytes, as it is stored
	CreatedAt  time.Time `json:"created_at"`
}

// Name returns the file's path below that of the replica.
func (s Segment) Name() string { return segmentName(s.Generation, s.Index, s.Offset) }

func snapshotName(generation string, index int) string {
	return fmt.Sprintf("%s/%s/%s/%08x%s", root, generation, snapshotsDir, index, snapshotExt)
}

func segmentName(generation string, index int, offset int64) string {
	return fmt.Sprintf("%s/%s/%s/%08x_%08x%s", root, generation, walDir, index, offset, segmentExt)
}

// IsGeneration reports whether name is a valid name of a generation: 16 lower-case
// hexadecimal digits.
func IsGeneration(name string) bool { return len(name) == generationDigits && isHex(name) }

// parseSnapshot parses a snapshot's file name.
func parseSnapshot(name string) (index int, ok bool) {
	digits, ok := strings.CutSuffix(name, snapshotExt)
	return parseIndex(digits, ok)
}

// parseSegment parses a segment's file name. It rejects offsets with more leading zeros,
// which would be a second segment at the same place.
func parseSegment(name string) (index int, offset int64, ok bool) {
	name, ok = strings.CutSuffix(name, segmentExt)
	first, digits, found := strings.Cut(name, "_")
	if index, ok = parseIndex(first, ok && found); !ok || !isHex(digits) {
		return 0, 0, false
	}
	offset, err := strconv.ParseInt(digits, 16, 64)
	return index, offset, err == nil && fmt.Sprintf("%08x", offset) == digits
}

func parseIndex(digits string, ok bool) (int, bool) {
	if !ok || len(digits) != indexDigits || !isHex(digits) {
		return 0, false
	}
	index, err := strconv.ParseInt(digits, 16, 32)
	return int(index), err == nil
}

func isHex(s string) bool {
	return s != "" && strings.Trim(s, "0123456789abcdef") == ""
}
