package mock

import (
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/superfly/ltx"
)

// TB is the part of testing.TB that this package uses. With it, importers of this
// package do not import package testing.
type TB interface {
	Helper()
	Errorf(format string, args ...any)
	Fatalf(format string, args ...any)
	Cleanup(func())
}

// Script adds faults for the duration of a test. If a fault is rejected, the test
// fails immediately. If a fault has hit fewer calls than Times, or none if Times
// is negative, the test fails at its end.
//
// A fault is rejected, and none is added, if its Op is unknown, if it has a
// negative number other than Times, if it uses a field that does not apply to its
// Op, if it contradicts itself, or if it would do nothing.
//
// Script may be called at any time, also while other methods run: the new faults
// do not hit calls that have already begun.
func (s *script) Script(t TB, faults ...Fault) {
	t.Helper()
	added, err := s.add(faults)
	if err != nil {
		t.Fatalf("mock: %v", err)
		return
	}
	t.Cleanup(func() {
		t.Helper()
		s.reportUnused(t, added)
	})
}

// FailOn scripts err for every call of op on one file, or on one level for OpList
// and OpNext. It is short for Script with the most common fault. A TXID of 0
// means any.
func (s *script) FailOn(t TB, op Op, level int, minTXID, maxTXID ltx.TXID, err error) {
	t.Helper()
	s.Script(t, Fault{Op: op, Levels: []int{level}, MinTXID: minTXID, MaxTXID: maxTXID, Times: -1, Err: err})
}

// Inject is Script without a test: it returns errors of kind fs.ErrInvalid for
// faults that are rejected, and the caller checks UnusedFaults.
func (s *script) Inject(faults ...Fault) error {
	_, err := s.add(faults)
	return err
}

// ClearFaults removes all faults. Those added with Script that have not hit a
// call are still reported at the end of their test.
func (s *script) ClearFaults() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = nil
}

// UnusedFaults returns the faults that have hit fewer calls than Times, or none
// if Times is negative. Cleared faults are not included.
func (s *script) UnusedFaults() (unused []Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, f := range s.faults {
		if f.unused() {
			unused = append(unused, f.Fault)
		}
	}
	return unused
}

// AssertFaultsUsed fails the test if there are UnusedFaults, and reports whether
// there are none. Faults added with Script are also checked at the end of the
// test.
func (s *script) AssertFaultsUsed(t TB) bool {
	t.Helper()
	s.mu.Lock()
	faults := slices.Clone(s.faults)
	s.mu.Unlock()
	return s.reportUnused(t, faults)
}

// scripted is a fault in force. Its counts are guarded by script.mu.
type scripted struct {
	Fault
	seen int // matching calls
	used int // those that were hit
}

// least is the number of calls that the fault must hit.
func (f *scripted) least() int { return max(f.times(), 1) }

func (f *scripted) unused() bool { return f.used < f.least() }

type script struct {
	mu     sync.Mutex
	faults []*scripted
}

func (s *script) add(faults []Fault) ([]*scripted, error) {
	var errs []error
	added := make([]*scripted, len(faults))
	for i, f := range faults {
		if err := f.check(); err != nil {
			errs = append(errs, fmt.Errorf("fault %d: %w", i+1, err))
		}
		f.Levels, f.Corrupt = slices.Clone(f.Levels), slices.Clone(f.Corrupt)
		added[i] = &scripted{Fault: f}
	}
	if errs != nil {
		return nil, errors.Join(errs...)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = append(s.faults, added...)
	return added, nil
}

// match counts a call and returns the faults that hit it.
func (s *script) match(op Op, level int, minTXID, maxTXID ltx.TXID) []*scripted {
	s.mu.Lock()
	defer s.mu.Unlock()
	var due []*scripted
	for _, f := range s.faults {
		if !f.matches(op, level, minTXID, maxTXID) {
			continue
		}
		if f.seen++; f.hits(f.seen) {
			due = append(due, f)
		}
	}
	return due
}

// use counts a call that a fault has hit.
func (s *script) use(f *scripted) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f.used++
}

func (s *script) reportUnused(t TB, faults []*scripted) bool {
	t.Helper()
	var reports []string
	s.mu.Lock()
	for _, f := range faults {
		if f.unused() {
			more := ""
			if f.Times < 0 {
				more = " or more"
			}
			reports = append(reports, fmt.Sprintf("mock: fault %q hit %d calls, want %d%s: %d calls matched it", f.String(), f.used, f.least(), more, f.seen))
		}
	}
	s.mu.Unlock()
	for _, report := range reports {
		t.Errorf("%s", report)
	}
	return len(reports) == 0
}
