package mock

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync"

	"github.com/superfly/ltx"
)

// TB is the part of testing.TB that this package uses, without making its
// importers import package testing.
type TB interface {
	Helper()
	Errorf(format string, args ...any)
	Fatalf(format string, args ...any)
	Cleanup(func())
}

// Script adds faults for the duration of a test. It ends the test at once if
// a fault is refused. It fails the test at its end if a fault has not hit as
// many calls as Times says, or no call where Times is negative.
//
// A fault is refused, and none is added, if its Op is unknown, if a number in
// it other than Times is negative, if it uses a field that does not apply to
// its Op, if it contradicts itself or if it would do nothing.
//
// Script may be called at any time, also while other methods run: calls that
// began before do not meet the new faults.
func (c *ReplicaClient) Script(t TB, faults ...Fault) {
	t.Helper()
	added, err := c.memory.script.add(faults)
	if err != nil {
		t.Fatalf("mock: %v", err)
		return
	}
	t.Cleanup(func() {
		t.Helper()
		c.memory.script.reportUnused(t, added)
	})
}

// FailOn scripts err for every call of op on one file, or for OpList, OpNext
// on one level: the short form of Script for the most common fault. TXIDs of 0
// are any.
func (c *ReplicaClient) FailOn(t TB, op Op, level int, minTXID, maxTXID ltx.TXID, err error) {
	t.Helper()
	c.Script(t, Fault{Op: op, Levels: []int{level}, MinTXID: minTXID, MaxTXID: maxTXID, Times: -1, Err: err})
}

// Inject is Script without a test: it returns an error of kind fs.ErrInvalid
// for each fault that is refused, and leaves it to the caller to check
// UnusedFaults.
func (c *ReplicaClient) Inject(faults ...Fault) error {
	_, err := c.memory.script.add(faults)
	return err
}

// ClearFaults removes all faults. Those added with Script that have not hit a
// call are still reported at the end of their test.
func (c *ReplicaClient) ClearFaults() { c.memory.script.clear() }

// UnusedFaults returns the faults in force that have not hit as many calls as
// Times says, or no call where Times is negative.
func (c *ReplicaClient) UnusedFaults() []Fault { return c.memory.script.unused() }

// AssertFaultsUsed fails the test if there are UnusedFaults, and reports
// whether there are none. Script does so at the end of the test by itself.
func (c *ReplicaClient) AssertFaultsUsed(t TB) bool {
	t.Helper()
	return c.memory.script.reportUnused(t, c.memory.script.all())
}

// scripted is a fault in force. Its counts are guarded by script.mu.
type scripted struct {
	Fault
	seen int // matching calls
	used int // those that met it
}

func (f *scripted) unused() bool {
	if f.Times < 0 {
		return f.used == 0
	}
	return f.used < f.times()
}

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

func (s *script) clear() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = nil
}

func (s *script) all() []*scripted {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.faults)
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

// use counts that a call has met a fault.
func (s *script) use(f *scripted) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f.used++
}

func (s *script) unused() []Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	var unused []Fault
	for _, f := range s.faults {
		if f.unused() {
			unused = append(unused, f.Fault)
		}
	}
	return unused
}

func (s *script) reportUnused(t TB, faults []*scripted) bool {
	t.Helper()
	reports := s.reports(faults)
	for _, report := range reports {
		t.Errorf("mock: %s", report)
	}
	return len(reports) == 0
}

func (s *script) reports(faults []*scripted) (reports []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, f := range faults {
		if !f.unused() {
			continue
		}
		want := "1 or more"
		if f.Times >= 0 {
			want = strconv.Itoa(f.times())
		}
		reports = append(reports, fmt.Sprintf("fault %q hit %d calls, want %s: %d calls matched it", f.String(), f.used, want, f.seen))
	}
	return reports
}
