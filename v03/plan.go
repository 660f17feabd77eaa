package v03

import (
	"cmp"
	"context"
	"fmt"
	"io/fs"
	"slices"
	"time"

	"github.com/ltxstore/ltxstore"
)

// Target selects a state. The zero value is the newest one in the replica.
type Target struct {
	// Generation is the generation to restore from. Empty means the one with the newest
	// file or, with At, the newest one that has files before and after At; if there is
	// none, the one with the last file before At.
	Generation string `json:"generation,omitzero"`

	// At is a point in time: the state that had been stored by then. The zero time is the
	// newest state.
	At time.Time `json:"at,omitzero"`
}

// EmptyError is the error of a replica with nothing to restore. It matches fs.ErrNotExist if the
// replica has no generation.
type EmptyError struct {
	Target      Target
	Generations int // number of generations
}

func (e *EmptyError) Error() string {
	switch {
	case e.Generations == 0:
		return "replica has no generation of Litestream v0.3"
	case e.Target.Generation != "" && e.Target.At.IsZero():
		return fmt.Sprintf("generation %s has no snapshot", e.Target.Generation)
	case e.Target.Generation != "":
		return fmt.Sprintf("generation %s has no snapshot from %s or before", e.Target.Generation, e.Target.At.UTC().Format(time.RFC3339Nano))
	case e.Target.At.IsZero():
		return "no generation has a snapshot"
	}
	return fmt.Sprintf("no generation has a snapshot from %s or before", e.Target.At.UTC().Format(time.RFC3339Nano))
}

// Is reports whether target is fs.ErrNotExist and the replica has no generation.
func (e *EmptyError) Is(target error) bool { return target == fs.ErrNotExist && e.Generations == 0 }

// named returns the names of all generations, or only the given one, and the number of
// generations.
func named(ctx context.Context, client ltxstore.ReplicaClient, generation string) (names []string, all int, err error) {
	if generation != "" && !IsGeneration(generation) {
		return nil, 0, fmt.Errorf("generation is %q: want 16 lower-case hexadecimal digits: %w", generation, fs.ErrInvalid)
	}
	names, err = Generations(ctx, client)
	switch {
	case err != nil || generation == "":
		return names, len(names), err
	case len(names) == 0:
		return nil, 0, &EmptyError{Target: Target{Generation: generation}}
	case !slices.Contains(names, generation):
		return nil, 0, fmt.Errorf("unknown generation %s: want one of %v: %w", generation, names, fs.ErrInvalid)
	}
	return []string{generation}, len(names), nil
}

// choose returns the generation to restore from, up to the target's time.
func choose(ctx context.Context, client ltxstore.ReplicaClient, target Target) (*Generation, error) {
	names, all, err := named(ctx, client, target.Generation)
	if err != nil {
		return nil, err
	}
	var best *Generation
	var spans bool
	var updated time.Time
	for _, name := range names {
		g, err := ReadGeneration(ctx, client, name)
		if err != nil {
			return nil, err
		}
		_, last := g.Bounds()
		here := !last.Before(target.At)
		cut := g.until(target.At)
		if len(cut.Snapshots) == 0 {
			continue
		}
		if !here { // of those that end before At, the last
			_, last = cut.Bounds()
		}
		if best == nil || here && !spans || here == spans && last.After(updated) {
			best, spans, updated = cut, here, last
		}
	}
	if best == nil {
		return nil, &EmptyError{Target: target, Generations: all}
	}
	return best, nil
}

// until returns the generation as of a point in time. As in v0.3, the segments end before
// the first that is newer.
func (g *Generation) until(at time.Time) *Generation {
	if at.IsZero() {
		return g
	}
	cut := &Generation{Name: g.Name}
	for _, s := range g.Snapshots {
		if !s.CreatedAt.After(at) {
			cut.Snapshots = append(cut.Snapshots, s)
		}
	}
	end := slices.IndexFunc(g.Segments, func(s Segment) bool { return s.CreatedAt.After(at) })
	if end < 0 {
		end = len(g.Segments)
	}
	cut.Segments = g.Segments[:end]
	return cut
}

// newestFirst returns the snapshots from the newest to the oldest.
func (g *Generation) newestFirst() []Snapshot {
	found := slices.Clone(g.Snapshots)
	slices.SortFunc(found, func(a, b Snapshot) int {
		return cmp.Or(b.CreatedAt.Compare(a.CreatedAt), cmp.Compare(b.Index, a.Index))
	})
	return found
}

// from returns the segments after a snapshot that continue each other according to their
// names, and the error of the next; nil if there is none.
func (g *Generation) from(s Snapshot) (list []Segment, gap *DamageError) {
	start := slices.IndexFunc(g.Segments, func(seg Segment) bool { return seg.Index >= s.Index })
	if start < 0 {
		return nil, nil
	}
	list = g.Segments[start:]
	next := s.Index // of the next WAL file
	for i, seg := range list {
		switch {
		case seg.Index < next: // another segment of the same file
		case seg.Index > next:
			return list[:i], missing(g.Name, next, 0, "WAL file is missing: the next is %08x", seg.Index)
		case seg.Offset != 0:
			return list[:i], missing(g.Name, seg.Index, 0, "segment is missing: the next starts at %d", seg.Offset)
		default:
			next++
		}
	}
	return list, nil
}
