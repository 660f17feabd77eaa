package v03

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"time"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/backend"
)

// Generation is what a replica holds of a generation.
type Generation struct {
	Name      string     `json:"name"`
	Snapshots []Snapshot `json:"snapshots"` // by Index
	Segments  []Segment  `json:"segments"`  // by Index and Offset

	// Others are the paths of what is in its folders and is neither: temporary
	// files, for one. The first 100.
	Others []string `json:"others,omitempty"`
}

const maxOthers = 100

// Generations returns the names of a replica's generations, sorted; none if it is not
// one of v0.3. It costs one listing. A client that cannot list raw files is
// errors.ErrUnsupported, and nil fs.ErrInvalid.
func Generations(ctx context.Context, client ltxstore.ReplicaClient) ([]string, error) {
	lister, _, err := rawOf(client)
	if err != nil {
		return nil, err
	}
	var names []string
	err = lister.ListRaw(ctx, root, func(f backend.RawFile) error {
		if f.Folder && IsGeneration(f.Name) {
			names = append(names, f.Name)
		}
		return nil
	})
	slices.Sort(names)
	return names, err
}

// ReadGeneration lists a generation: of a name that the replica does not have, nothing.
// It costs two listings. Memory is about 64 bytes for each file. It fails as Generations
// does; a name that IsGeneration refuses is fs.ErrInvalid.
func ReadGeneration(ctx context.Context, client ltxstore.ReplicaClient, name string) (*Generation, error) {
	lister, _, err := rawOf(client)
	if err != nil {
		return nil, err
	}
	if !IsGeneration(name) {
		return nil, fmt.Errorf("generation is %q: want 16 lower-case hexadecimal digits: %w", name, fs.ErrInvalid)
	}
	g := &Generation{Name: name, Snapshots: []Snapshot{}, Segments: []Segment{}}
	list := func(dir string, take func(f backend.RawFile) bool) error {
		dir = root + "/" + name + "/" + dir
		return lister.ListRaw(ctx, dir, func(f backend.RawFile) error {
			if (f.Folder || !take(f)) && len(g.Others) < maxOthers {
				g.Others = append(g.Others, dir+"/"+f.Name)
			}
			return nil
		})
	}
	err = list(snapshotsDir, func(f backend.RawFile) bool {
		index, ok := parseSnapshot(f.Name)
		if ok {
			g.Snapshots = append(g.Snapshots, Snapshot{name, index, f.Size, f.Modified})
		}
		return ok
	})
	if err != nil {
		return nil, err
	}
	err = list(walDir, func(f backend.RawFile) bool {
		index, offset, ok := parseSegment(f.Name)
		if ok {
			g.Segments = append(g.Segments, Segment{name, index, offset, f.Size, f.Modified})
		}
		return ok
	})
	if err != nil {
		return nil, err
	}
	slices.SortFunc(g.Snapshots, func(a, b Snapshot) int { return cmp.Compare(a.Index, b.Index) })
	slices.SortFunc(g.Segments, func(a, b Segment) int {
		return cmp.Or(cmp.Compare(a.Index, b.Index), cmp.Compare(a.Offset, b.Offset))
	})
	slices.Sort(g.Others)
	return g, nil
}

// List lists all generations, in the order of their first files. It costs and fails as
// Generations and ReadGeneration do.
func List(ctx context.Context, client ltxstore.ReplicaClient) ([]*Generation, error) {
	names, err := Generations(ctx, client)
	if err != nil {
		return nil, err
	}
	found := make([]*Generation, len(names))
	for i, name := range names {
		if found[i], err = ReadGeneration(ctx, client, name); err != nil {
			return nil, err
		}
	}
	slices.SortStableFunc(found, func(a, b *Generation) int {
		first, _ := a.Bounds()
		second, _ := b.Bounds()
		return first.Compare(second)
	})
	return found, nil
}

// Bounds returns the times of the first and the last file, by the store's clock; both
// are zero if there is none.
func (g *Generation) Bounds() (first, last time.Time) {
	see := func(at time.Time) {
		if first.IsZero() || at.Before(first) {
			first = at
		}
		if at.After(last) {
			last = at
		}
	}
	for _, s := range g.Snapshots {
		see(s.CreatedAt)
	}
	for _, s := range g.Segments {
		see(s.CreatedAt)
	}
	return first, last
}

// rawOf returns what reads a client's raw files.
func rawOf(client ltxstore.ReplicaClient) (backend.RawLister, backend.RawOpener, error) {
	if client == nil {
		return nil, nil, fmt.Errorf("client is nil: want a ReplicaClient: %w", fs.ErrInvalid)
	}
	lister, lists := ltxstore.As[backend.RawLister](client)
	opener, opens := ltxstore.As[backend.RawOpener](client)
	if !lists || !opens {
		return nil, nil, fmt.Errorf("client of type %q cannot read files of Litestream v0.3: want one that is a backend.RawLister and a backend.RawOpener: %w",
			client.Type(), errors.ErrUnsupported)
	}
	return lister, opener, nil
}
