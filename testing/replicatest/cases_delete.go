package replicatest

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore"
)

func deleteCases() []Case {
	return []Case{
		{ID: "delete/some", Clauses: []string{"D1"},
			Rule: "The given files are deleted, of several levels in one call; all others remain.", run: deleteSome},
		{ID: "delete/missing", Clauses: []string{"D1"},
			Rule: "Deleting missing files, the same file twice, or an empty list succeeds.", run: deleteMissing},
		{ID: "delete/partial-failure", Clauses: []string{"D1"}, Needs: []Capability{FailingDeletes},
			Rule: "If some deletions fail, all other files are deleted, and the error names each file that was not.", run: deletePartialFailure},
		{ID: "delete/bad-entry", Clauses: []string{"D1", "W8"},
			Rule: "A list with a nil entry or an invalid name is fs.ErrInvalid, and none of its files is deleted.", run: deleteBadEntry},
		{ID: "delete-all/everything", Clauses: []string{"D2"},
			Rule: "After DeleteAll nothing is listed at any level; a second DeleteAll succeeds; the replica can be written again.", run: deleteEverything},
		{ID: "delete-all/empty", Clauses: []string{"D2"},
			Rule: "DeleteAll of a replica that was never written succeeds.", run: deleteAllEmpty},
		{ID: "delete-all/siblings", Clauses: []string{"D2"}, Needs: []Capability{Siblings},
			Rule: "Replicas whose paths begin with the path of this one survive.", run: deleteAllSiblings},
		{ID: "delete-all/foreign-files", Clauses: []string{"D2"}, Needs: []Capability{RawAccess},
			Rule: "Foreign files survive, wherever they are; nothing else does.", run: deleteAllForeign},
		{ID: "delete-all/directories", Clauses: []string{"D2"}, Needs: []Capability{RawAccess},
			Rule: "Nothing remains of a replica without foreign files, not even a directory.", run: deleteAllDirectories},
		{ID: "delete-all/leftovers", Clauses: []string{"D2"}, Needs: []Capability{Leftovers},
			Rule: "The leftovers of a killed writer are not listed, and DeleteAll removes them.", run: deleteAllLeftovers},
		{ID: "delete-all/parent", Clauses: []string{"D2"}, Needs: []Capability{Parents},
			Rule: "DeleteAll of the replica at the parent path leaves this one, and vice versa.", run: deleteAllParent},
	}
}

func deleteSome(ctx context.Context, e *env) error {
	files := []file{{0, 1, 1}, {0, 2, 2}, {0, 3, 3}, {1, 1, 2}, {1, 3, 3}, {9, 1, 3}}
	if err := e.writeAll(ctx, files...); err != nil {
		return err
	}
	gone := []file{{0, 1, 1}, {0, 3, 3}, {1, 1, 2}, {9, 1, 3}}
	var infos []*ltx.FileInfo
	for _, f := range gone {
		infos = append(infos, f.info())
	}
	if err := e.client.DeleteLTXFiles(ctx, infos); err != nil {
		return err
	}
	for _, f := range gone {
		if err := e.missing(ctx, f); err != nil {
			return err
		}
	}
	return first(
		func() error { return e.lists(ctx, 0, 0, file{0, 2, 2}) },
		func() error { return e.lists(ctx, 1, 0, file{1, 3, 3}) },
		func() error { return e.holds(ctx, file{0, 2, 2}, e.bodyOf(file{0, 2, 2})) },
	)
}

func deleteMissing(ctx context.Context, e *env) error {
	f, never := file{0, 1, 1}, file{4, 7, 9}
	del := func(files ...file) func() error {
		return func() error {
			var infos []*ltx.FileInfo
			for _, f := range files {
				infos = append(infos, f.info())
			}
			return e.client.DeleteLTXFiles(ctx, infos)
		}
	}
	return first(
		del(never), // in a store without any file
		func() error { return e.writeAll(ctx, f, file{0, 2, 2}) },
		del(), del(never), del(f, never, f), del(f),
		func() error { return e.client.DeleteLTXFiles(ctx, nil) },
		func() error { return e.lists(ctx, 0, 0, file{0, 2, 2}) },
	)
}

func deletePartialFailure(ctx context.Context, e *env) error {
	var infos []*ltx.FileInfo
	var files, stuck []file
	for i := range ltx.TXID(20) {
		f := file{0, i + 1, i + 1}
		files, infos = append(files, f), append(infos, f.info())
		if i%7 == 2 {
			stuck = append(stuck, f)
		}
	}
	if err := e.writeAll(ctx, files...); err != nil {
		return err
	}
	e.Faults.Deletes(func(level int, minTXID, maxTXID ltx.TXID) bool {
		return slices.Contains(stuck, file{level, minTXID, maxTXID})
	})
	err := e.client.DeleteLTXFiles(ctx, infos)
	if err == nil {
		return errors.New("deletions fail, but DeleteLTXFiles returns no error")
	}
	for _, f := range files {
		named := strings.Contains(err.Error(), ltx.FormatFilename(f.min, f.max))
		if want := slices.Contains(stuck, f); named != want {
			return fmt.Errorf("error %q: names %v is %t, want %t", err, f, named, want)
		}
	}
	return e.lists(ctx, 0, 0, stuck...)
}

func deleteBadEntry(ctx context.Context, e *env) error {
	good := []file{{0, 1, 1}, {0, 2, 2}}
	if err := e.writeAll(ctx, good...); err != nil {
		return err
	}
	for i, bad := range []*ltx.FileInfo{file{0, 3, 2}.info(), file{-1, 1, 1}.info(), nil} {
		err := e.client.DeleteLTXFiles(ctx, []*ltx.FileInfo{good[0].info(), bad, good[1].info()})
		if err := is(fmt.Sprintf("delete with bad entry %d", i), err, fs.ErrInvalid); err != nil {
			return err
		}
	}
	return first(
		func() error { return e.holds(ctx, good[0], e.bodyOf(good[0])) },
		func() error { return e.holds(ctx, good[1], e.bodyOf(good[1])) },
	)
}

func deleteEverything(ctx context.Context, e *env) error {
	files := []file{{0, 1, 1}, {0, 2, 2}, {1, 1, 2}, {8, 1, 2}, {9, 1, 2}, {10, 1, 2}}
	nothing := func() error {
		for _, f := range files {
			if err := e.lists(ctx, f.level, 0); err != nil {
				return err
			}
		}
		return e.missing(ctx, files[0])
	}
	deleteAll := func() error { return e.client.DeleteAll(ctx) }
	write := func() error { return e.writeAll(ctx, files...) }
	return first(
		write, deleteAll, nothing,
		deleteAll, nothing,
		write,
		func() error { return e.holds(ctx, files[0], e.bodyOf(files[0])) },
		func() error { return e.lists(ctx, 9, 0, file{9, 1, 2}) },
	)
}

func deleteAllEmpty(ctx context.Context, e *env) error {
	return first(
		func() error { return e.client.DeleteAll(ctx) },
		func() error { return e.lists(ctx, 0, 0) },
		func() error { return e.writeAll(ctx, file{0, 1, 1}) },
		func() error { return e.lists(ctx, 0, 0, file{0, 1, 1}) },
	)
}

func deleteAllSiblings(ctx context.Context, e *env) error {
	files := []file{{0, 1, 1}, {9, 1, 1}}
	var siblings []*env
	for _, suffix := range []string{"2", "-0001", ".bak", "0"} {
		sibling, done, err := e.reopen(func() (ltxstore.ReplicaClient, error) { return e.Sibling(suffix) })
		if err != nil {
			return err
		}
		defer done()
		siblings = append(siblings, sibling)
		if err := sibling.writeAll(ctx, files...); err != nil {
			return err
		}
	}
	intact := func() error {
		for _, sibling := range siblings {
			if err := first(
				func() error { return sibling.lists(ctx, 0, 0, files[0]) },
				func() error { return sibling.holds(ctx, files[1], e.bodyOf(files[1])) },
			); err != nil {
				return fmt.Errorf("a sibling's file: %w", err)
			}
		}
		return nil
	}
	late := []file{{0, 3, 3}, {0, 1000, 1000}}
	err := first(
		func() error { return e.client.DeleteAll(ctx) },
		intact,
		func() error { return e.writeAll(ctx, append(late, files...)...) },
		// They are not in each other's listings, whatever sorts between their names.
		func() error { return e.lists(ctx, 0, 0, files[0], late[0], late[1]) },
		func() error { return e.lists(ctx, 0, 2, late...) },
		func() error { return e.lists(ctx, 0, 999, late[1]) },
		func() error { return e.client.DeleteAll(ctx) },
		intact,
	)
	for _, sibling := range siblings {
		err = errors.Join(err, sibling.client.DeleteAll(ctx))
	}
	return err
}

func deleteAllForeign(ctx context.Context, e *env) error {
	keys := e.Raw.Keys
	foreign := []string{
		"notes.txt", "ltx.txt", "ltx/notes.txt", "ltx2/" + ltx.FormatFilename(1, 1), "snapshots2/" + ltx.FormatFilename(1, 1),
		"other/ltx/0000/" + ltx.FormatFilename(1, 1), "other/0000/" + ltx.FormatFilename(1, 1),
		keys.LevelPrefix(0) + "notes.txt", keys.LevelPrefix(0) + "deeper/" + ltx.FormatFilename(1, 1), keys.LevelPrefix(9) + "1-1.ltx",
		"generations/0123456789abcdef/snapshots/00000000.snapshot.lz4",
	}
	slices.Sort(foreign)
	for _, key := range foreign {
		if err := e.Raw.Put(ctx, key, []byte("foreign")); err != nil {
			return fmt.Errorf("put %s: %w", key, err)
		}
	}
	if err := e.writeAll(ctx, file{0, 1, 1}, file{0, 2, 2}, file{1, 1, 2}, file{9, 1, 2}); err != nil {
		return err
	}
	for range 2 {
		if err := e.client.DeleteAll(ctx); err != nil {
			return err
		}
		left, err := e.keys(ctx)
		if err != nil {
			return err
		}
		if !slices.Equal(left, foreign) {
			return fmt.Errorf("DeleteAll leaves %q: want the foreign files %q", left, foreign)
		}
	}
	return nil
}

func deleteAllDirectories(ctx context.Context, e *env) error {
	if err := e.writeAll(ctx, file{0, 1, 1}, file{5, 1, 2}, file{9, 1, 2}); err != nil {
		return err
	}
	_, err := e.client.WriteLTXFile(ctx, 7, 7, 7, &source{body: e.failingBody(), end: errSource})
	if err := is("write", err, errSource); err != nil {
		return err
	}
	if err := e.client.DeleteAll(ctx); err != nil {
		return err
	}
	return e.empty(ctx)
}

func deleteAllLeftovers(ctx context.Context, e *env) error {
	if err := e.writeAll(ctx, file{0, 1, 1}); err != nil {
		return err
	}
	if err := e.Raw.Leave(ctx); err != nil {
		return fmt.Errorf("leave: %w", err)
	}
	return first(
		func() error {
			if left, err := e.keys(ctx); err != nil || len(left) < 2 {
				return fmt.Errorf("the store has %q after Raw.Leave: want a file and a leftover: %w", left, err)
			}
			return nil
		},
		func() error { return e.lists(ctx, 0, 0, file{0, 1, 1}) },
		func() error { return e.client.DeleteAll(ctx) },
		func() error { return e.empty(ctx) },
	)
}

// empty checks that there is nothing below the replica's path, not even a directory.
func (e *env) empty(ctx context.Context) error {
	left, err := e.Raw.List(ctx)
	if err != nil {
		return fmt.Errorf("list the raw store: %w", err)
	}
	if len(left) > 0 {
		return fmt.Errorf("DeleteAll leaves %q: want nothing", left)
	}
	return nil
}

func deleteAllParent(ctx context.Context, e *env) error {
	parent, done, err := e.reopen(e.Parent)
	if err != nil {
		return err
	}
	defer done()
	files := []file{{0, 1, 1}, {9, 1, 1}}
	for _, pair := range [][2]*env{{parent, e}, {e, parent}} {
		deleted, kept := pair[0], pair[1]
		if err := first(
			func() error { return deleted.writeAll(ctx, files...) },
			func() error { return kept.writeAll(ctx, files...) },
			func() error { return deleted.client.DeleteAll(ctx) },
			func() error { return deleted.lists(ctx, 0, 0) },
			func() error { return kept.lists(ctx, 0, 0, files[0]) },
			func() error { return kept.holds(ctx, files[1], e.bodyOf(files[1])) },
		); err != nil {
			return err
		}
	}
	return parent.client.DeleteAll(ctx)
}
