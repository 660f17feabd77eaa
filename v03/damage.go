package v03

import (
	"errors"
	"fmt"

	"github.com/ltxstore/ltxstore"
)

// DamageError is the error of a file that is missing, or does not continue the history. It
// matches ltxstore.ErrChecksum.
type DamageError struct {
	Generation string `json:"generation"`

	// Index is the index of the snapshot or the WAL file.
	Index int `json:"index"`

	// Offset is where the segment starts or should start, in bytes of the WAL file. It is
	// -1 for a snapshot.
	Offset int64 `json:"offset"`

	// Missing reports whether the file is missing.
	Missing bool `json:"missing,omitzero"`

	// Err is the reason.
	Err error `json:"-"`
}

// Name returns the file's path below that of the replica.
func (e *DamageError) Name() string {
	if e.Offset < 0 {
		return snapshotName(e.Generation, e.Index)
	}
	return segmentName(e.Generation, e.Index, e.Offset)
}

func (e *DamageError) Error() string { return e.Name() + ": " + e.Err.Error() }

// Unwrap returns ltxstore.ErrChecksum and e.Err.
func (e *DamageError) Unwrap() []error { return []error{ltxstore.ErrChecksum, e.Err} }

// fault is damaged content. The function that knows the file converts it to a DamageError.
type fault struct{ error }

func (f fault) Unwrap() error { return f.error }

func faultf(format string, args ...any) error { return fault{fmt.Errorf(format, args...)} }

// isFault reports whether err is about the content of a file, and not about a request.
func isFault(err error) bool {
	var f fault
	return errors.As(err, &f)
}

// damagedSnapshot returns a fault as a DamageError, and other errors unchanged.
func damagedSnapshot(s Snapshot, err error) error {
	return damaged(DamageError{Generation: s.Generation, Index: s.Index, Offset: -1}, err)
}

// damagedSegment returns a fault as a DamageError, and other errors unchanged.
func damagedSegment(s Segment, err error) error {
	return damaged(DamageError{Generation: s.Generation, Index: s.Index, Offset: s.Offset}, err)
}

// damaged returns a fault as a DamageError of the given file, and other errors unchanged.
func damaged(file DamageError, err error) error {
	if known := new(DamageError); !isFault(err) || errors.As(err, &known) {
		return err
	}
	file.Err = err
	return &file
}

// missing returns the error of a missing segment.
func missing(generation string, index int, offset int64, format string, args ...any) *DamageError {
	return &DamageError{Generation: generation, Index: index, Offset: offset, Missing: true, Err: faultf(format, args...)}
}

// isMissing reports whether err is about a missing segment.
func isMissing(err error) bool {
	var damage *DamageError
	return errors.As(err, &damage) && damage.Missing
}
