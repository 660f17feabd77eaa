package mirror

import (
	"errors"
	"fmt"
	"strings"

	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/wrap/internal/layer"
)

// Failure is a replica's failure.
type Failure struct {
	// Op is what was tried, as in ltxstore.Error.
	Op string

	// Replica is the replica's number: 0 is the first, 1 the first of
	// Config.Others. Type is its client's.
	Replica int
	Type    string

	// Level, MinTXID and MaxTXID name the file, where it is about one.
	Level            int
	MinTXID, MaxTXID ltx.TXID

	Err error
}

// Error is in the chain of what a method returns that too many replicas have failed.
// errors.Is finds the kind of the first failure, but for a missing file, which counts
// only if it is missing everywhere.
type Error struct {
	// Failed are the replicas that failed, in order. What was stopped because of
	// them is not among them.
	Failed []Failure

	// Replicas is how many there are.
	Replicas int
}

// Error returns one line.
func (e *Error) Error() string {
	parts := make([]string, len(e.Failed))
	for i, f := range e.Failed {
		parts[i] = fmt.Sprintf("replica %d: %v", f.Replica, f.Err)
	}
	return fmt.Sprintf("%d of %d replicas failed: %s", len(e.Failed), e.Replicas, strings.Join(parts, "; "))
}

// Unwrap returns the failure that decides.
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

// failure makes a Failure of what a replica has returned.
func (r *replica) failure(op string, f layer.File, err error) Failure {
	return Failure{Op: op, Replica: r.n, Type: r.client.Type(), Level: f.Level, MinTXID: f.MinTXID, MaxTXID: f.MaxTXID, Err: err}
}

// errPanicked stands for a panic where only an error can pass.
var errPanicked = errors.New("panicked")

var errStopped = fmt.Errorf("too few replicas are left: %w", ltxstore.ErrUnavailable)
