package mirror

import (
	"errors"
	"fmt"
	"strings"

	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/wrap/internal/layer"
)

// Failure is a failure of a replica.
type Failure struct {
	// Op is the operation that failed, as in ltxstore.Error.
	Op string

	// Replica is the number of the replica: 0 for the next client, 1 for the first of
	// Config.Others. Type is the Type of its client.
	Replica int
	Type    string

	// Level, MinTXID and MaxTXID name the file, if the operation is about one.
	Level            int
	MinTXID, MaxTXID ltx.TXID

	// Err is the error that the replica's client returned.
	Err error
}

// Error is wrapped by the error of a method for which too many replicas failed. errors.Is
// finds the kind of the first failure, and fs.ErrNotExist only if the file is missing in
// all replicas.
type Error struct {
	// Failed are the failures in the order of the replicas, without those of replicas
	// that were stopped because of them.
	Failed []Failure

	// Replicas is the number of all replicas.
	Replicas int
}

// Error returns a line with all failures.
func (e *Error) Error() string {
	parts := make([]string, len(e.Failed))
	for i, f := range e.Failed {
		parts[i] = fmt.Sprintf("replica %d: %v", f.Replica, f.Err)
	}
	return fmt.Sprintf("%d of %d replicas failed: %s", len(e.Failed), e.Replicas, strings.Join(parts, "; "))
}

// Unwrap returns the first failure that is not a missing file, or else the first.
func (e *Error) Unwrap() error {
	for _, f := range e.Failed {
		if !layer.IsMissing(f.Err) {
			return f.Err
		}
	}
	if len(e.Failed) > 0 {
		return e.Failed[0].Err
	}
	return nil
}

// failure returns the Failure of an error that a replica has returned.
func (r *replica) failure(op string, f layer.File, err error) Failure {
	return Failure{Op: op, Replica: r.n, Type: r.client.Type(), Level: f.Level, MinTXID: f.MinTXID, MaxTXID: f.MaxTXID, Err: err}
}

// errPanicked is the error of what ends because of a panic.
var errPanicked = errors.New("panicked")

var errStopped = fmt.Errorf("too many other replicas failed: %w", ltxstore.ErrUnavailable)
