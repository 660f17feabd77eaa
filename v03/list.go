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

// Generation lists the files of a generation.
type Generation struct {
	Name      string     `json:"name"`
	Snapshots []Snapshot `json:"snapshots"` // by Index
	Segments  []Segment  `json:"segments"`  // by Index and Offset

	// Others are the paths of other files in its folders, such as temporary ones: at most
	// the first 100.
	Others []string `json:"others,omitempty"`
}

const maxOthers = 100

// Generations returns the sorted names of a replica's generations. There are none if it is
// not a replica of v0.3. It costs one listing. It fails with errors.ErrUnsupported if the
// client cannot list raw files, and with fs.ErrInvalid if it is nil.
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

// ReadGeneration lists a generation. The result is empty if the generation does not exist.
// It costs two listings, and about 64 bytes of memory for each file. It fails as
// Generations does, and with fs.ErrInvalid if the name is not that of a generation.
func ReadGeneration(ctx context.Context, client ltxstore.ReplicaClient, name string) (*Generation, error) {
	var err error
	g := &Generation{Name: name}
	if g.Snapshots, err = listSnapshots(ctx, client, name, &g.Others); err != nil {
		return nil, err
	}
	if g.Segments, err = listSegments(ctx, client, name, &g.Others); err != nil {
		return nil, err
	}
	slices.Sort(g.Others)
	return g, nil
}

// Snapshots lists the snapshots of a generation as ReadGeneration does, in one
// listing.
func Snapshots(ctx context.Context, client ltxstore.ReplicaClient, generation string) ([]Snapshot, error) {
	return listSnapshots(ctx, client, generation, new([]string))
}

// Segments lists the WAL segments of a generation as ReadGeneration does, in one
// listing.
func Segments(ctx context.Context, client ltxstore.ReplicaClient, generation string) ([]Segment, error) {
	return listSegments(ctx, client, generation, new([]string))
}

func listSnapshots(ctx context.Context, client ltxstore.ReplicaClient, generation string, others *[]string) ([]Snapshot, error) {
	found, err := listFolder(ctx, client, generation, snapshotsDir, others, func(f backend.RawFile) (Snapshot, bool) {
		index, ok := parseSnapshot(f.Name)
		return Snapshot{generation, index, f.Size, f.Modified}, ok
	})
	slices.SortFunc(found, func(a, b Snapshot) int { return cmp.Compare(a.Index, b.Index) })
	return found, err
}

func listSegments(ctx context.Context, client ltxstore.ReplicaClient, generation string, others *[]string) ([]Segment, error) {
	found, err := listFolder(ctx, client, generation, walDir, others, func(f backend.RawFile) (Segment, bool) {
		index, offset, ok := parseSegment(f.Name)
		return Segment{generation, index, offset, f.Size, f.Modified}, ok
	})
	slices.SortFunc(found, func(a, b Segment) int {
		return cmp.Or(cmp.Compare(a.Index, b.Index), cmp.Compare(a.Offset, b.Offset))
	})
	return found, err
}

// listFolder returns the files in a folder of a generation as parse returns them, and adds
// the paths of all others to others.
func listFolder[T any](ctx context.Context, client ltxstore.ReplicaClient, generation, folder string, others *[]string,
	parse func(backend.RawFile) (T, bool)) ([]T, error) {
	lister, _, err := rawOf(client)
	if err != nil {
		return nil, err
	}
	if !IsGeneration(generation) {
		return nil, fmt.Errorf("generation is %q: want 16 lower-case hexadecimal digits: %w", generation, fs.ErrInvalid)
	}
	found := []T{}
	dir := root + "/" + generation + "/" + folder
	err = lister.ListRaw(ctx, dir, func(f backend.RawFile) error {
		if parsed, ok := parse(f); ok && !f.Folder {
			found = append(found, parsed)
		} else if len(*others) < maxOthers {
			*others = append(*others, dir+"/"+f.Name)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return found, nil
}

// List lists all generations, in the order of their first files. It costs and fails as
// Generations and ReadGeneration do.
func List(ctx context.Context, client ltxstore.ReplicaClient) ([]*Generation, error) {
	return list(ctx, client, "")
}

// Find lists the generation with that name. If it does not exist, Find fails with
// fs.ErrInvalid, or with an *EmptyError if the replica has no generations. It costs and
// fails as Generations and ReadGeneration do.
func Find(ctx context.Context, client ltxstore.ReplicaClient, generation string) (*Generation, error) {
	if generation == "" {
		return nil, fmt.Errorf("generation is empty: want a name: %w", fs.ErrInvalid)
	}
	found, err := list(ctx, client, generation)
	if err != nil {
		return nil, err
	}
	return found[0], nil
}

func list(ctx context.Context, client ltxstore.ReplicaClient, generation string) ([]*Generation, error) {
	names, _, err := named(ctx, client, generation)
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
// are zero if there are no files.
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

// rawOf returns the interfaces that read a client's raw files.
func rawOf(client ltxstore.ReplicaClient) (backend.RawLister, backend.RawOpener, error) {
	if client == nil {
		return nil, nil, fmt.Errorf("client is nil: want a ReplicaClient: %w", fs.ErrInvalid)
	}
	lister, lists := ltxstore.As[backend.RawLister](client)
	opener, opens := ltxstore.As[backend.RawOpener](client)
	if !lists || !opens {
		return nil, nil, fmt.Errorf("client of type %q cannot read files of Litestream v0.3: want a backend.RawLister and backend.RawOpener: %w",
			client.Type(), errors.ErrUnsupported)
	}
	return lister, opener, nil
}
