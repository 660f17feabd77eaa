package wraptest

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/internal/testkit/race"
	"github.com/ltxstore/ltxstore/testing/replicatest"
)

// Suite is a wrapper, or a stack of them, and where it is held to the contract.
type Suite struct {
	// Wrap is the wrapper's New. It is called for each client of a store.
	Wrap func(next ltxstore.ReplicaClient) ltxstore.ReplicaClient

	// On are the backends. Nil means Mock, File and S3.
	On []Ground

	// Changes are the cases that the wrapper does not keep, on purpose, each
	// with why. They must fail, and what holds instead needs tests of its own.
	Changes map[string]string

	// Varies are cases that hold on some grounds, or at times, each with why:
	// they are not run.
	Varies map[string]string

	// Only, if not empty, selects the cases whose IDs start so.
	Only []string

	// Lacks is what the wrapper takes away from the store, beside what the
	// ground lacks, and Adapt what else it changes of it. Both may be nil.
	Lacks []replicatest.Capability
	Adapt func(store *replicatest.Store)

	// Secrets are the wrapper's own, which may not appear anywhere.
	Secrets []string
}

// samples are the cases that a disk and S3 may treat in ways of their own. With
// the build tag "whole" all cases run there too, as they do over memory. Under the
// race detector that takes minutes, so that without the tag it sees these alone.
var samples = []string{
	"write/exact", "write/no-leftovers", "write/reader-panics", "rewrite/m", "once/a", "time/s", "open/ranges", "open/b", "open/cancelled-",
	"list/pages-seek", "delete/partial", "delete-all/siblings",
}

// Run runs the suite on every ground, as subtests named by it: whole over
// memory, elsewhere the cases of samples, and under the race detector every
// other one of these. Those whose memory is not watched run concurrently.
func Run(t *testing.T, s Suite) {
	t.Helper()
	grounds := s.On
	if grounds == nil {
		grounds = []Ground{Mock(), File(), S3()}
	}
	for id := range s.Changes {
		if !slices.ContainsFunc(replicatest.Cases(), func(c replicatest.Case) bool { return c.ID == id }) {
			t.Errorf("Changes has %q, which is no case of the suite", id)
		}
	}
	for _, ground := range grounds {
		t.Run(ground.Name, func(t *testing.T) {
			if slices.Contains(ground.Lacks, replicatest.BoundedMemory) {
				t.Parallel()
			}
			runs := race.OneOf(2)
			replicatest.Run(t, s.config(ground, func(c replicatest.Case) bool {
				return s.Changes[c.ID] == "" && s.selects(ground, c) && (Whole || runs())
			}))
			s.runChanged(t, ground)
		})
	}
}

// runChanged sees the cases fail that are declared not to hold.
func (s *Suite) runChanged(t *testing.T, ground Ground) {
	t.Helper()
	if len(s.Changes) == 0 {
		return
	}
	report, err := replicatest.Check(t.Context(), s.config(ground, func(c replicatest.Case) bool { return s.Changes[c.ID] != "" && s.selects(ground, c) }))
	if err != nil {
		t.Fatal(err)
	}
	for _, res := range report {
		if res.Skipped == "" && res.Err == nil {
			t.Errorf("Changes has %s (%s), and the case holds", res.Case.ID, s.Changes[res.Case.ID])
		}
	}
}

func (s *Suite) selects(ground Ground, c replicatest.Case) bool {
	return s.Varies[c.ID] == "" && begins(c.ID, s.Only) && (Whole || ground.Name == "mock" && !race.Enabled || begins(c.ID, samples))
}

// begins reports that id begins with one of prefixes, if there are any.
func begins(id string, prefixes []string) bool {
	return len(prefixes) == 0 || slices.ContainsFunc(prefixes, func(prefix string) bool { return strings.HasPrefix(id, prefix) })
}

func (s *Suite) config(ground Ground, cases func(replicatest.Case) bool) replicatest.Config {
	return replicatest.Config{
		New:         func(context.Context) (replicatest.Store, error) { return s.store(ground) },
		Lacks:       append(slices.Clone(ground.Lacks), s.Lacks...),
		PageSize:    pageSize,
		BodySize:    512 << 10,
		LargeSize:   ground.LargeSize,
		MemoryLimit: 12 << 20,
		Prompt:      5 * time.Second,
		Secrets:     append([]string{secret}, s.Secrets...),
		Select:      cases,
	}
}

// store returns a fresh store with every client wrapped.
func (s *Suite) store(ground Ground) (replicatest.Store, error) {
	store, err := ground.New()
	if err != nil {
		return store, err
	}
	further := func(open func() (ltxstore.ReplicaClient, error)) func() (ltxstore.ReplicaClient, error) {
		return func() (ltxstore.ReplicaClient, error) {
			client, err := open()
			return s.Wrap(client), err
		}
	}
	sibling := store.Sibling
	store.Client = s.Wrap(store.Client)
	store.Another, store.Once = further(store.Another), further(store.Once)
	store.Parent, store.Missing = further(store.Parent), further(store.Missing)
	store.Sibling = func(suffix string) (ltxstore.ReplicaClient, error) {
		client, err := sibling(suffix)
		return s.Wrap(client), err
	}
	if s.Adapt != nil {
		s.Adapt(&store)
	}
	return store, nil
}
