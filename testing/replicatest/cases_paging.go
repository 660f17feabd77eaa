package replicatest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/superfly/ltx"
)

func pagingCases() []Case {
	few := []Capability{FewRequests}
	return []Case{
		{ID: "list/pages", Clauses: []string{"L1", "L3"}, Needs: few,
			Rule: "A level of several pages is listed whole and in order, also with useMetadata.", run: listPages},
		{ID: "list/pages-seek", Clauses: []string{"L2", "L3"}, Needs: few,
			Rule: "A seek near the end of a page returns every file from there on.", run: listPagesSeek},
		{ID: "list/lazy", Clauses: []string{"L3"}, Needs: append(few, CountedRequests),
			Rule: "The first file of a level of seven pages, and a listing closed there, cost at most half of what the level costs.", run: listLazy},
		{ID: "list/costs", Clauses: []string{"L3"}, Needs: append(few, CountedRequests),
			Rule: "Listing nine pages costs at most nine requests, a fifth more and two, and returns every file.", run: listCosts},
		{ID: "list/seek-costs", Clauses: []string{"L2"}, Needs: append(few, CountedRequests),
			Rule: "A seek to the last file of seven pages costs at most a third of what the level costs.", run: listSeekCosts},
		{ID: "list/pages-cancelled", Clauses: []string{"L5", "C2"}, Needs: few,
			Rule: "When the context ends, Next is false and Err and Close return its error.", run: listCancelled},
		{ID: "list/pages-closed", Clauses: []string{"L5", "C3"}, Needs: few,
			Rule: "Closing early stops fetching ahead.", run: listPagesClosed},
		{ID: "list/while-changing", Clauses: []string{"L1", "C1"}, Needs: few,
			Rule: "While other files are written and deleted, a listing has every remaining file once, in order.", run: listWhileChanging},
		{ID: "list/fails-later", Clauses: []string{"L5"}, Needs: append(few, FailingLists),
			Rule: "When a page cannot be fetched, Next is false and Err and Close return the error.", run: listFailsLater},
		{ID: "delete/pages", Clauses: []string{"D1"}, Needs: few,
			Rule: "One call deletes every other file of a level of several pages.", run: deletePages},
		{ID: "delete-all/pages", Clauses: []string{"D2"}, Needs: few,
			Rule: "DeleteAll deletes a level of several pages.", run: deleteAllPages},
	}
}

// writePages writes two and a half pages of level 0: transactions 10, 20, 30….
func (e *env) writePages(ctx context.Context) ([]file, error) {
	return e.writeTens(ctx, e.PageSize*5/2+1)
}

func (e *env) writeTens(ctx context.Context, n int) ([]file, error) {
	files := make([]file, n)
	for i := range files {
		id := ltx.TXID(i+1) * 10
		files[i] = file{0, id, id}
	}
	return files, e.writeAll(ctx, files...)
}

func listPages(ctx context.Context, e *env) error {
	files, err := e.writePages(ctx)
	if err != nil {
		return err
	}
	for _, useMetadata := range []bool{false, true} {
		infos, err := e.list(ctx, 0, 0, useMetadata)
		if err != nil {
			return err
		}
		if err := sameFiles(fmt.Sprintf("listing with useMetadata %t", useMetadata), infos, files); err != nil {
			return err
		}
		for _, info := range infos {
			if useMetadata && !info.CreatedAt.Equal(timeOf(info.MinTXID)) {
				return fmt.Errorf("CreatedAt of %v is %v: want %v", fileOf(info), info.CreatedAt, timeOf(info.MinTXID))
			}
		}
	}
	return nil
}

func listPagesSeek(ctx context.Context, e *env) error {
	files, err := e.writePages(ctx)
	if err != nil {
		return err
	}
	n := e.PageSize
	for _, i := range []int{0, 1, n - 1, n, n + 1, 2*n - 1, 2 * n, 2*n + 1, len(files) - 1} {
		for _, seek := range []ltx.TXID{files[i].min, files[i].min + 1} {
			j, _ := slices.BinarySearchFunc(files, seek, func(f file, seek ltx.TXID) int { return int(f.min) - int(seek) })
			if err := e.lists(ctx, 0, seek, files[j:]...); err != nil {
				return err
			}
		}
	}
	return e.lists(ctx, 0, files[len(files)-1].min+1)
}

// costs checks that part, given a level of seven pages and whether to list it
// with useMetadata, makes at most the given share of the requests that listing
// the level makes.
func (e *env) costs(ctx context.Context, what string, share int64, part func(files []file, useMetadata bool) error) error {
	files, err := e.writeTens(ctx, e.PageSize*7)
	if err != nil {
		return err
	}
	for _, useMetadata := range []bool{false, true} {
		start := e.Requests()
		infos, err := e.list(ctx, 0, 0, useMetadata)
		if err != nil {
			return err
		}
		if err := sameFiles("listing", infos, files); err != nil {
			return err
		}
		whole := e.Requests() - start
		if whole < 7 {
			return fmt.Errorf("listing %d files, %d per page, made %d requests: want Store.Requests to count 7 or more", len(files), e.PageSize, whole)
		}
		start = e.Requests()
		if err := part(files, useMetadata); err != nil {
			return err
		}
		if cost := e.Requests() - start; cost > whole/share {
			return fmt.Errorf("%s with useMetadata %t costs %d requests, and the level %d: want at most %d", what, useMetadata, cost, whole, whole/share)
		}
	}
	return nil
}

func listCosts(ctx context.Context, e *env) error {
	const pages = 9
	files, err := e.writeTens(ctx, e.PageSize*pages)
	if err != nil {
		return err
	}
	start := e.Requests()
	infos, err := e.list(ctx, 0, 0, false)
	if err != nil {
		return err
	}
	if cost, most := e.Requests()-start, int64(pages*6/5+2); cost > most {
		return fmt.Errorf("listing %d files, %d per page, made %d requests: want at most %d", len(files), e.PageSize, cost, most)
	}
	return sameFiles("listing", infos, files)
}

func listLazy(ctx context.Context, e *env) error {
	return e.costs(ctx, "the first file", 2, func(files []file, useMetadata bool) error {
		itr, err := e.client.LTXFiles(ctx, 0, 0, useMetadata)
		if err != nil {
			return err
		}
		if !itr.Next() || fileOf(itr.Item()) != files[0] {
			return fmt.Errorf("the first item is not %v: %w", files[0], errors.Join(itr.Err(), itr.Close()))
		}
		return itr.Close()
	})
}

func listSeekCosts(ctx context.Context, e *env) error {
	return e.costs(ctx, "a seek to the last file", 3, func(files []file, useMetadata bool) error {
		last := files[len(files)-1]
		infos, err := e.list(ctx, 0, last.min, useMetadata)
		if err != nil {
			return err
		}
		return sameFiles("listing from the last file", infos, []file{last})
	})
}

func listCancelled(ctx context.Context, e *env) error {
	files, err := e.writePages(ctx)
	if err != nil {
		return err
	}
	for _, taken := range []int{0, 1, e.PageSize - 1, e.PageSize, e.PageSize + 1} {
		cancelled, cancel := context.WithCancel(ctx)
		defer cancel()
		itr, err := e.client.LTXFiles(cancelled, 0, 0, false)
		if err != nil {
			return err
		}
		for range taken {
			if !itr.Next() {
				return fmt.Errorf("Next is false: %w", errors.Join(itr.Err(), itr.Close()))
			}
		}
		cancel()
		more := 0
		if err := e.promptly("Next", func() error {
			for itr.Next() {
				more++
			}
			return nil
		}); err != nil {
			return err
		}
		if taken+more == len(files) {
			return fmt.Errorf("cancelled after %d items, the listing continued to its end", taken)
		}
		for what, err := range map[string]error{"Err": itr.Err(), "Close": itr.Close()} {
			if err := is(fmt.Sprintf("%s, cancelled after %d items", what, taken), err, context.Canceled); err != nil {
				return err
			}
		}
	}
	return nil
}

func listPagesClosed(ctx context.Context, e *env) error {
	if _, err := e.writePages(ctx); err != nil {
		return err
	}
	for _, taken := range []int{0, 1, e.PageSize + 1} {
		err := e.leaks(ctx, fmt.Sprintf("a listing closed after %d items", taken), func(ctx context.Context) error {
			itr, err := e.client.LTXFiles(ctx, 0, 0, true)
			if err != nil {
				return err
			}
			for range taken {
				itr.Next()
			}
			if err := itr.Close(); err != nil {
				return err
			}
			if itr.Next() {
				return errors.New("Next is true")
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func listWhileChanging(ctx context.Context, e *env) error {
	stay, err := e.writePages(ctx)
	if err != nil {
		return err
	}
	if err := e.listBetweenChanges(ctx, stay); err != nil {
		return fmt.Errorf("changed between two items: %w", err)
	}
	stop := make(chan struct{})
	var changer sync.WaitGroup
	var changeErr error
	changer.Go(func() {
		for i := 0; changeErr == nil; i++ {
			select {
			case <-stop:
				return
			default:
			}
			changeErr = first(e.comesAndGoes(ctx, i*37%len(stay)))
		}
	})
	err = func() error {
		for range 5 {
			infos, err := e.list(ctx, 0, 0, false)
			if err != nil {
				return err
			}
			if err := sameStaying(infos, stay); err != nil {
				return err
			}
		}
		return nil
	}()
	close(stop)
	changer.Wait()
	return errors.Join(err, changeErr)
}

// listBetweenChanges lists files. After half of a page, a file that sorts before
// all of them is added, and after half of the next page it is deleted.
func (e *env) listBetweenChanges(ctx context.Context, stay []file) error {
	itr, err := e.client.LTXFiles(ctx, 0, 0, false)
	if err != nil {
		return err
	}
	come, gone := e.comesAndGoes(ctx, -1)
	changes := []func() error{come, gone}
	var infos []*ltx.FileInfo
	for itr.Next() {
		infos = append(infos, itr.Item())
		if len(infos)%max(e.PageSize, 2) == max(e.PageSize/2, 1) {
			if err := changes[0](); err != nil {
				return errors.Join(err, itr.Close())
			}
			slices.Reverse(changes)
		}
	}
	if err := first(itr.Err, itr.Close, gone); err != nil {
		return err
	}
	return sameStaying(infos, stay)
}

// comesAndGoes returns functions that write and delete a file between the file of
// writePages at index i and the next.
func (e *env) comesAndGoes(ctx context.Context, i int) (come, gone func() error) {
	id := ltx.TXID(i+1)*10 + 5
	f := file{0, id, id}
	return func() error { return e.writeAll(ctx, f) },
		func() error { return e.client.DeleteLTXFiles(ctx, []*ltx.FileInfo{f.info()}) }
}

// sameStaying checks a listing during which files of comesAndGoes changed.
func sameStaying(infos []*ltx.FileInfo, stay []file) error {
	if !slices.IsSortedFunc(infos, func(a, b *ltx.FileInfo) int { return int(a.MinTXID) - int(b.MinTXID) }) {
		return errors.New("a listing during changes is not sorted")
	}
	infos = slices.DeleteFunc(infos, func(info *ltx.FileInfo) bool { return info.MinTXID%10 == 5 })
	return sameFiles("unchanged files in a listing during changes", infos, stay)
}

func listFailsLater(ctx context.Context, e *env) error {
	files, err := e.writePages(ctx)
	if err != nil {
		return err
	}
	e.Faults.Lists()
	itr, err := e.client.LTXFiles(ctx, 0, 0, false)
	if err != nil {
		return nil // it may fail immediately
	}
	n := 0
	for itr.Next() {
		n++
	}
	errNext, errClose := itr.Err(), itr.Close()
	switch {
	case errNext == nil:
		return fmt.Errorf("a listing whose second page fails has %d of %d files, and Err is nil", n, len(files))
	case errClose == nil:
		return errors.New("a listing whose second page fails has an Err, but Close returns nil")
	case itr.Next():
		return errors.New("Next is true after an error")
	}
	return nil
}

func deletePages(ctx context.Context, e *env) error {
	files, err := e.writePages(ctx)
	if err != nil {
		return err
	}
	var gone []*ltx.FileInfo
	var stay []file
	for i, f := range files {
		if i%2 == 0 && i%100 != 0 {
			gone = append(gone, f.info())
		} else {
			stay = append(stay, f)
		}
	}
	return first(
		func() error { return e.client.DeleteLTXFiles(ctx, gone) },
		func() error { return e.lists(ctx, 0, 0, stay...) },
	)
}

func deleteAllPages(ctx context.Context, e *env) error {
	if _, err := e.writePages(ctx); err != nil {
		return err
	}
	return first(
		func() error { return e.client.DeleteAll(ctx) },
		func() error { return e.lists(ctx, 0, 0) },
	)
}
