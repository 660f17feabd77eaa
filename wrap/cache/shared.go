package cache

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/internal/flow"
	"github.com/ltxstore/ltxstore/wrap/internal/layer"
)

// shared is a listing of the store in progress, for all its readers. It advances when one of
// them needs more files, and ends when none is left. The mutex of listings protects it.
type shared struct {
	listings *listings
	level    *level
	n        int
	seek     ltx.TXID
	since    time.Time

	ctx    context.Context
	cancel context.CancelFunc
	stored ltx.FileIterator

	readers int
	files   []ltx.FileInfo
	pulling chan struct{} // closed when files has more
	ended   bool
	err     error
	full    bool // no room for more files: each reader continues alone
	counted int  // files counted in listings.held
	spoiled bool // a change was made meanwhile

	tornMu sync.Mutex
	torn   []ltx.FileInfo // zero-byte files that are not in files yet

	panicked flow.Panic // of the listing
}

// reader is a reader of a shared listing.
type reader struct {
	*shared
	next ltxstore.ReplicaClient
	seen func([]ltx.FileInfo)
	at   int
	want int              // files of the next page
	own  ltx.FileIterator // of a reader that continues alone
	last ltx.FileInfo
}

// page is a backend.PageFunc.
func (r *reader) page(ctx context.Context) (files []ltx.FileInfo, more bool, err error) {
	r.want = layer.NextPage(r.want)
	for r.own == nil {
		r.listings.mu.Lock()
		switch {
		case r.at < len(r.files):
			files = append(files, r.files[r.at:min(r.at+r.want, len(r.files))]...)
			r.at += len(files)
			for _, file := range files {
				if file.Size > 0 { // torn files are reported ahead of others
					r.last = file
				}
			}
			more = !r.ended || r.err != nil || r.at < len(r.files)
			r.listings.mu.Unlock()
			return files, more, nil
		case r.ended:
			defer r.listings.mu.Unlock()
			r.panicked.Rethrow()
			return nil, false, r.err
		case r.full:
			r.listings.mu.Unlock()
			if r.own, err = r.next.LTXFiles(ctx, r.n, max(r.seek, r.last.MinTXID), false); err != nil {
				return nil, false, err
			}
			continue
		case r.pulling == nil:
			r.pulling = make(chan struct{})
			go r.pull(r.next, r.seen, r.want)
		}
		wait := r.pulling
		r.listings.mu.Unlock()
		select {
		case <-wait:
		case <-ctx.Done():
			return nil, false, flow.Err(ctx)
		}
	}
	return r.alone()
}

// alone returns the next page of the reader's own listing.
func (r *reader) alone() (files []ltx.FileInfo, more bool, err error) {
	for len(files) < r.want && r.own.Next() {
		if item := *r.own.Item(); compareFiles(item, r.last) > 0 {
			files = append(files, item)
		}
	}
	if err := r.own.Err(); err != nil {
		return nil, false, err
	}
	r.seen(files)
	return files, len(files) == r.want, nil
}

// pull lists more files.
func (sh *shared) pull(next ltxstore.ReplicaClient, seen func([]ltx.FileInfo), want int) {
	var files []ltx.FileInfo
	var ended bool
	err := errPanicked
	defer func() { sh.pulled(files, ended, err) }()
	sh.panicked.Do(func() {
		files, ended, err = sh.list(next, want)
		seen(files)
	})
}

// pulled adds the files that were listed.
func (sh *shared) pulled(files []ltx.FileInfo, ended bool, err error) {
	l := sh.listings
	l.mu.Lock()
	defer l.mu.Unlock()
	sh.ended, sh.err = ended || err != nil, err
	if l.room(len(files)) || sh.ended {
		l.held += len(files)
		sh.counted += len(files)
		sh.files = append(sh.files, files...)
	} else {
		sh.full = true
	}
	if sh.ended || sh.full {
		sh.finish()
	}
	close(sh.pulling)
	sh.pulling = nil
}

// errPanicked ends a listing that panicked.
var errPanicked = errors.New("panicked")

// tear records a zero-byte file that the store's listing omits. It is kept among the files,
// of which backend.NewPageIterator reports it to each reader, and omits it again.
func (sh *shared) tear(file ltx.FileInfo) {
	sh.tornMu.Lock()
	defer sh.tornMu.Unlock()
	file.Size = 0
	sh.torn = append(sh.torn, file)
}

// withTorn returns the files and the zero-byte ones reported meanwhile, sorted.
func (sh *shared) withTorn(files []ltx.FileInfo) []ltx.FileInfo {
	sh.tornMu.Lock()
	defer sh.tornMu.Unlock()
	files = append(files, sh.torn...)
	slices.SortFunc(files, compareFiles)
	sh.torn = nil
	return files
}

// list returns the store's next files, and whether they are the last.
func (sh *shared) list(next ltxstore.ReplicaClient, want int) (files []ltx.FileInfo, ended bool, err error) {
	if sh.stored == nil {
		sh.stored, err = next.LTXFiles(sh.ctx, sh.n, sh.seek, false)
	}
	for err == nil && len(files) < want {
		if ended = !sh.stored.Next(); ended {
			err = sh.stored.Err()
			break
		}
		files = append(files, *sh.stored.Item())
	}
	if sh.stored != nil && (ended || err != nil) {
		if closeErr := sh.stored.Close(); err == nil {
			err = closeErr
		}
	}
	return sh.withTorn(files), ended, err
}

// finish ends a listing, and keeps it if it is complete. It is called with the mutex held.
func (sh *shared) finish() {
	if sh.level.running[sh.seek] == sh {
		delete(sh.level.running, sh.seek)
	}
	delete(sh.level.all, sh)
	if sh.ended && sh.err == nil && !sh.spoiled && sh.listings.held <= sh.listings.bound {
		sh.release()
		files := sh.files[:len(sh.files):len(sh.files)]
		if !slices.IsSortedFunc(files, compareFiles) { // a store reports torn files of a page before the page
			files = slices.Clone(files)
			slices.SortFunc(files, compareFiles)
		}
		sh.listings.keep(sh.level, &whole{sh.seek, sh.since, files})
	}
}

func (sh *shared) release() {
	sh.listings.held -= sh.counted
	sh.counted = 0
}

// leave is called when a reader is done. The last one ends the listing.
func (r *reader) leave() error {
	var err error
	if r.own != nil {
		err = r.own.Close()
	}
	l := r.listings
	l.mu.Lock()
	r.readers--
	last, wait := r.readers == 0, r.pulling
	if last {
		r.spoiled = true
		r.finish()
	}
	l.mu.Unlock()
	if last {
		r.cancel()
		if wait != nil {
			<-wait // adds files
		}
		if r.stored != nil && !r.ended {
			_ = r.stored.Close() // it was canceled above
		}
		l.mu.Lock()
		r.release()
		l.mu.Unlock()
	}
	return err
}
