package v03

import (
	"errors"
	"fmt"

	"github.com/ltxstore/ltxstore"
)

// DamageError is a file that is missing, or is not what its place in the history
// requires. It is ltxstore.ErrChecksum.
type DamageError struct {
	Generation string `json:"generation"`

	// Index is that of the snapshot or the WAL file.
	Index int `json:"index"`

	// Offset is where the segment begins, or should, in bytes of the WAL file; -1 for
	// a snapshot.
	Offset int64 `json:"offset"`

	// Missing says that there is no such file.
	Missing bool `json:"missing,omitzero"`

	// Err says what is wrong.
	Err error `json:"-"`
}

// Name returns the file's path below the replica's.
func (e *DamageError) Name() string {
	if e.Offset < 0 {
		return snapshotName(e.Generation, e.Index)
	}
	return segmentName(e.Generation, e.Index, e.Offset)
}

func (e *DamageError) Error() string { return e.Name() + ": " + e.Err.Error() }

// Unwrap returns ltxstore.ErrChecksum and what is wrong.
func (e *DamageError) Unwrap() []error { return []error{ltxstore.ErrChecksum, e.Err} }

// fault is what is wrong with content; whoever knows the file makes a DamageError of it.
type fault struct{ error }

func (f fault) Unwrap() error { return f.error }

func faultf(format string, args ...any) error { return fault{fmt.Errorf(format, args...)} }

// isFault reports whether err is about what a file holds, and not about getting it.
func isFault(err error) bool {
	var f fault
	return errors.As(err, &f)
}

// damagedSnapshot makes a DamageError of a fault; other errors stay.
func damagedSnapshot(s Snapshot, err error) error {
	if isFault(err) {
		return &DamageError{Generation: s.Generation, Index: s.Index, Offset: -1, Err: err}
	}
	return err
}

// damagedSegment makes a DamageError of a fault; other errors stay.
func damagedSegment(s Segment, err error) error {
	if damage := new(DamageError); isFault(err) && !errors.As(err, &damage) {
		return &DamageError{Generation: s.Generation, Index: s.Index, Offset: s.Offset, Err: err}
	}
	return err
}

// missing is the error of a segment that should be there.
func missing(generation string, index int, offset int64, format string, args ...any) *DamageError {
	return &DamageError{Generation: generation, Index: index, Offset: offset, Missing: true, Err: faultf(format, args...)}
}

// isMissing reports whether err is of a segment that is missing.
func isMissing(err error) bool {
	var damage *DamageError
	return errors.As(err, &damage) && damage.Missing
}
