package replicatest

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"github.com/superfly/ltx"
)

func listCases() []Case {
	return []Case{
		{ID: "list/sorted", Clauses: []string{"L1", "L6"},
			Rule: "Files written in any order, including overlapping ones, are listed by (MinTXID, MaxTXID).", run: listSorted},
		{ID: "list/seek", Clauses: []string{"L2"},
			Rule: "A seek to a file, between files, into a range or beyond the end lists the files with MinTXID ≥ seek.", run: listSeek},
		{ID: "list/levels-apart", Clauses: []string{"L2", "L4"},
			Rule: "The listing of a level has only its files, even for levels such as 1, 10 and 100.", run: listLevels},
		{ID: "list/sizes", Clauses: []string{"L1", "T1"},
			Rule: "A listing has each file's size and, with useMetadata, its time.", run: listSizes},
		{ID: "list/empty", Clauses: []string{"L5"},
			Rule: "An empty or missing level has no items, and listing it succeeds.", run: listEmpty},
		{ID: "list/foreign-files", Clauses: []string{"L4"}, Needs: []Capability{RawAccess},
			Rule: "Temporary files, other names, deeper prefixes and zero-byte files are not listed.", run: listForeign},
		{ID: "list/torn-reported", Clauses: []string{"L4"}, Needs: []Capability{RawAccess},
			Rule: "A zero-byte file is reported to the function of WithTorn; a whole or deleted one is not.", run: listTorn},
		{ID: "list/levels-found", Clauses: []string{"L7"}, Needs: []Capability{FoundLevels},
			Rule: "LTXLevels returns every level that has a file, also above SnapshotLevel, in ascending order.", run: listFoundLevels},
		{ID: "list/items-are-values", Clauses: []string{"L5"},
			Rule: "An item stays unchanged when the iterator advances, and changing it affects no other.", run: listItems},
		{ID: "list/closed", Clauses: []string{"L5"},
			Rule: "After Close, Next returns false; a second Close succeeds.", run: listClosed},
		{ID: "list/deleted-and-added", Clauses: []string{"L1", "D1"},
			Rule: "A listing has a file from the moment it is written until it is deleted.", run: listDeletedAndAdded},
	}
}

func listSorted(ctx context.Context, e *env) error {
	sorted := []file{
		{1, 1, 1}, {1, 1, 2}, {1, 1, 0x100}, {1, 2, 2}, {1, 2, 9}, {1, 3, 0xffffffff}, {1, 9, 9}, {1, 0xa, 0xa}, {1, 0x10, 0x10},
		{1, 0xff, 0xff}, {1, 0x100, 0x1ff}, {1, 0xffffffff, math.MaxUint64}, {1, math.MaxUint64, math.MaxUint64},
	}
	mixed := slices.Clone(sorted)
	rand.New(newRandom(1)).Shuffle(len(mixed), func(i, j int) { mixed[i], mixed[j] = mixed[j], mixed[i] })
	for _, f := range mixed {
		if _, err := e.write(ctx, f, e.bodyOf(f)); err != nil {
			return err
		}
	}
	return e.lists(ctx, 1, 0, sorted...)
}

func listSeek(ctx context.Context, e *env) error {
	files := []file{{2, 1, 4}, {2, 5, 5}, {2, 8, 20}, {2, 10, 12}, {2, 0x21, 0x30}}
	if err := e.writeAll(ctx, files...); err != nil {
		return err
	}
	for _, seek := range []ltx.TXID{0, 1, 2, 4, 5, 6, 8, 9, 10, 11, 15, 0x20, 0x21, 0x22, 0x100, math.MaxUint64} {
		want := slices.DeleteFunc(slices.Clone(files), func(f file) bool { return f.min < seek })
		if err := e.lists(ctx, 2, seek, want...); err != nil {
			return err
		}
	}
	return nil
}

func listLevels(ctx context.Context, e *env) error {
	levels := []int{0, 1, 9, 10, 11, 16, 19, 100, 256, 1000}
	for i, level := range levels {
		if err := e.writeAll(ctx, file{level, ltx.TXID(i + 1), ltx.TXID(i + 1)}); err != nil {
			return err
		}
	}
	for i, level := range levels {
		if err := e.lists(ctx, level, 0, file{level, ltx.TXID(i + 1), ltx.TXID(i + 1)}); err != nil {
			return err
		}
	}
	return e.lists(ctx, 2, 0)
}

func listSizes(ctx context.Context, e *env) error {
	var want []*ltx.FileInfo
	var files []file
	for i := range 12 {
		f := file{3, ltx.TXID(i + 1), ltx.TXID(i + 5)}
		files = append(files, f)
		info, err := e.write(ctx, f, e.ltxFile(f.min, f.max, timeOf(f.min), 1+i))
		if err != nil {
			return err
		}
		want = append(want, info)
	}
	got, err := e.list(ctx, 3, 0, true)
	if err != nil {
		return err
	}
	if err := sameFiles("listing", got, files); err != nil {
		return err
	}
	for i := range want {
		if got[i].Size != want[i].Size || !got[i].CreatedAt.Equal(want[i].CreatedAt) {
			return fmt.Errorf("%v is listed with %d bytes of %v: want %d of %v", fileOf(got[i]), got[i].Size, got[i].CreatedAt, want[i].Size, want[i].CreatedAt)
		}
	}
	return nil
}

func listEmpty(ctx context.Context, e *env) error {
	return first(
		func() error { return e.lists(ctx, 0, 0) }, // an empty replica
		func() error { return e.lists(ctx, 9, 5) },
		func() error { return e.writeAll(ctx, file{1, 1, 1}) },
		func() error { return e.lists(ctx, 0, 0) }, // a missing level
		func() error { return e.lists(ctx, 9, 0) },
		func() error { return e.client.DeleteLTXFiles(ctx, []*ltx.FileInfo{file{1, 1, 1}.info()}) },
		func() error { return e.lists(ctx, 1, 0) }, // a level that was emptied
	)
}

func listForeign(ctx context.Context, e *env) error {
	ours := []file{{0, 2, 2}, {0, 4, 4}}
	if err := e.writeAll(ctx, ours...); err != nil {
		return err
	}
	dir, name := e.Raw.Keys.LevelPrefix(0), ltx.FormatFilename(3, 3)
	for _, key := range []string{
		dir + "notes.txt", dir + name + ".tmp", dir + "." + name, dir + name + "~",
		dir + "3-3.ltx", dir + "000000000000000A-000000000000000A.ltx", dir + "0000000000000004-0000000000000003.ltx",
		dir + "0000000000000003_0000000000000003.ltx", dir + "0000000000000003-0000000000000003.LTX",
		dir + "deeper/" + name, dir + ltx.FormatFilename(5, 5) + "/child", dir + "zzz", dir + "!",
		"foreign.txt", "ltx/" + name, "0000.txt",
	} {
		if err := e.Raw.Put(ctx, key, []byte("foreign")); err != nil {
			return fmt.Errorf("put %s: %w", key, err)
		}
	}
	if err := e.Raw.Put(ctx, e.Raw.Keys.File(0, 6, 6), nil); err != nil {
		return fmt.Errorf("put a torn upload: %w", err)
	}
	for _, useMetadata := range []bool{false, true} {
		infos, err := e.list(ctx, 0, 0, useMetadata)
		if err != nil {
			return err
		}
		if err := sameFiles("listing among foreign files", infos, ours); err != nil {
			return err
		}
	}
	return e.lists(ctx, 0, 3, ours[1])
}

func listItems(ctx context.Context, e *env) error {
	files := []file{{0, 1, 1}, {0, 2, 2}, {0, 3, 3}, {0, 4, 4}}
	if err := e.writeAll(ctx, files...); err != nil {
		return err
	}
	itr, err := e.client.LTXFiles(ctx, 0, 0, false)
	if err != nil {
		return err
	}
	kept, err := keepItems(itr)
	if err := errors.Join(err, itr.Err(), itr.Close()); err != nil {
		return err
	}
	if len(kept) != len(files) {
		return fmt.Errorf("%d files are listed: want %d", len(kept), len(files))
	}
	return first(
		func() error { return sameFiles("kept items", kept[1:], files[1:]) },
		func() error { return e.lists(ctx, 0, 0, files...) },
	)
}

// keepItems returns the items of a listing. It changes the first one after reading the second.
func keepItems(itr ltx.FileIterator) (kept []*ltx.FileInfo, err error) {
	for itr.Next() {
		item := itr.Item()
		if item == nil {
			return kept, errors.New("Next is true and Item is nil")
		}
		if again := itr.Item(); again == nil || fileOf(again) != fileOf(item) {
			return kept, errors.New("a second Item returns another file")
		}
		kept = append(kept, item)
		if len(kept) == 2 {
			*kept[0] = ltx.FileInfo{Level: 99, MinTXID: 99, MaxTXID: 99} // the caller may change it
		}
	}
	return kept, nil
}

func listClosed(ctx context.Context, e *env) error {
	files := []file{{0, 1, 1}, {0, 2, 2}, {0, 3, 3}}
	if err := e.writeAll(ctx, files...); err != nil {
		return err
	}
	for taken := range len(files) + 2 {
		itr, err := e.client.LTXFiles(ctx, 0, 0, false)
		if err != nil {
			return err
		}
		for range taken {
			itr.Next()
		}
		if err := errors.Join(itr.Close(), itr.Close()); err != nil {
			return fmt.Errorf("close after %d items: %w", taken, err)
		}
		if itr.Next() {
			return fmt.Errorf("closed after %d items: Next is true", taken)
		}
		if err := itr.Err(); err != nil {
			return fmt.Errorf("closed after %d items: Err is %w", taken, err)
		}
	}
	return nil
}

func listDeletedAndAdded(ctx context.Context, e *env) error {
	var want []file
	for i := range ltx.TXID(10) {
		f := file{0, i + 1, i + 1}
		want = append(want, f)
		if err := e.writeAll(ctx, f); err != nil {
			return err
		}
		if i >= 3 {
			if err := e.client.DeleteLTXFiles(ctx, []*ltx.FileInfo{want[0].info()}); err != nil {
				return err
			}
			want = want[1:]
		}
		if err := e.lists(ctx, 0, 0, want...); err != nil {
			return err
		}
	}
	return nil
}
