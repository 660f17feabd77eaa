package object

import (
	"context"
	"slices"
	"sync"

	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore/internal/flow"
)

// guesser lists a level. Only the end of a page tells where the next one starts, but
// the files of a level are usually spread evenly over its transactions: guesser
// guesses where later pages start and requests them concurrently. A wrong guess costs
// only a request: files that are already known are dropped, and missing ones are
// listed with the token.
//
// Wrong guesses are limited to a fifth of the pages received so far. The first guess is
// therefore made after five pages.
type guesser struct {
	*replica
	level   int
	rest    ListOptions // options for listing everything after last
	last    string      // everything up to this key is known
	repeats flow.Pages

	asked  []*guess        // being requested, in the order of their keys
	ctx    context.Context // of their requests
	cancel context.CancelFunc
	wait   sync.WaitGroup
	never  bool // guessing cannot work, or has failed
	short  bool // a page has ended before the next one started

	spent int      // completed requests, useful or not
	full  int      // entries of the largest page
	known int      // entries received
	ends  ltx.TXID // where the last requested page is expected to end
}

// guess is a request whose response is not needed yet.
type guess struct {
	opts     ListOptions
	from     string // the page starts after this key; empty if it continues another
	done     chan struct{}
	page     Page
	err      error
	panicked flow.Panic
}

const (
	maxGuesses = 16
	wasted     = 5 // one in so many pages may be wasted
)

// next returns the next page that has new entries, or is the last.
func (g *guesser) next(ctx context.Context) (Page, error) {
	for {
		page, opts, guessed, err := g.answer(ctx)
		if guessed && err != nil && flow.Err(ctx) == nil {
			g.giveUp() // continue with the token
			continue
		}
		if err != nil {
			return Page{}, err
		}
		keys := keysOf(page)
		g.full = max(g.full, len(keys))
		if !guessed && (!slices.IsSorted(keys) || len(keys) > 0 && keys[0] <= g.last) {
			g.giveUp()
		}
		first, last, n := g.files(page)
		end := g.last
		if len(keys) > 0 {
			end = slices.Max(keys)
		}
		if guessed {
			if end <= g.last {
				continue // it starts after the level's end, or others reached further
			}
			page, keys = after(page, g.last), slices.DeleteFunc(keys, func(key string) bool { return key <= g.last })
		}
		g.known += len(keys)
		if page.Next == "" {
			g.giveUp()
			return page, nil
		}
		if err := g.repeats.Add(page.Next, keys); err != nil {
			return Page{}, err
		}
		g.last, g.rest = end, opts
		g.rest.Token = page.Next
		if g.never {
			return page, nil
		}
		if n > 1 {
			g.guess(ctx, last, step(first, last, n, g.short))
		}
		return page, nil
	}
}

// giveUp cancels all guesses: from now on, pages are requested one after the other.
func (g *guesser) giveUp() {
	g.never, g.asked = true, nil
	if g.cancel != nil {
		g.cancel()
	}
}

// answer returns the next response in the order of keys. That of a guess is used once
// everything before its start is known.
func (g *guesser) answer(ctx context.Context) (page Page, opts ListOptions, guessed bool, err error) {
	g.spent++
	if len(g.asked) > 0 && g.asked[0].from > g.last {
		g.short = true
	} else if len(g.asked) > 0 {
		a := g.asked[0]
		g.asked = g.asked[1:]
		<-a.done
		a.panicked.Rethrow()
		return a.page, a.opts, a.from != "", a.err
	}
	page, err = g.list(ctx, g.rest)
	return page, g.rest, false, err
}

// guess requests pages after those that are being requested, step transactions apart.
// last is the last known file.
func (g *guesser) guess(ctx context.Context, last ltx.FileInfo, step ltx.TXID) {
	if step >= 1<<32 {
		return
	}
	risk := len(g.asked)
	if risk > 0 && g.asked[0].from <= g.last {
		risk-- // the request that continues there is needed
	}
	for ; risk < maxGuesses && wasted*(g.spent+risk+1)*g.full <= (wasted+1)*g.known; risk++ {
		if len(g.asked) == 0 {
			g.asked = append(g.asked, g.ask(ctx, g.rest, ""))
			g.ends = last.MinTXID + step
		}
		from := g.Keys.File(g.level, g.ends, g.ends+last.MaxTXID-last.MinTXID)
		if from <= g.last || g.ends > 1<<62 {
			return
		}
		opts := g.rest
		// Some stores include the start key itself, if it exists.
		opts.Token, opts.StartAt = "", from+"0"
		g.asked = append(g.asked, g.ask(ctx, opts, from))
		g.ends += step
	}
}

// step returns how many transactions the next page is expected to have, if a page has
// n files from first to last. If pages have ended early, it assumes shorter ones.
func step(first, last ltx.FileInfo, n int, short bool) ltx.TXID {
	span := (last.MinTXID - first.MinTXID) * ltx.TXID(n) / ltx.TXID(n-1)
	if short {
		span -= span / 8
	}
	return max(span, 1)
}

// files returns the first and the last file of the level in a page, and their number.
func (g *guesser) files(page Page) (first, last ltx.FileInfo, n int) {
	for _, o := range page.Objects {
		level, minTXID, maxTXID, ok := g.Keys.Parse(o.Key)
		if !ok || level != g.level {
			continue
		}
		if last = (ltx.FileInfo{MinTXID: minTXID, MaxTXID: maxTXID}); n == 0 {
			first = last
		}
		n++
	}
	return first, last, n
}

func (g *guesser) ask(ctx context.Context, opts ListOptions, from string) *guess {
	if g.ctx == nil {
		g.ctx, g.cancel = context.WithCancel(ctx)
	}
	a := &guess{opts: opts, from: from, done: make(chan struct{})}
	g.wait.Go(func() {
		defer close(a.done)
		a.panicked.Do(func() { a.page, a.err = g.list(g.ctx, opts) })
	})
	return a
}

func (r *replica) list(ctx context.Context, opts ListOptions) (page Page, err error) {
	err = r.do(ctx, func(ctx context.Context) (err error) {
		page, err = r.Bucket.List(ctx, opts)
		return err
	})
	return page, err
}

// keysOf returns the keys of a page, sorted if the store sorts.
func keysOf(page Page) []string {
	keys := make([]string, len(page.Objects), len(page.Objects)+len(page.Prefixes))
	for i, o := range page.Objects {
		keys[i] = o.Key
	}
	if len(page.Prefixes) > 0 && slices.IsSorted(keys) {
		keys = append(keys, page.Prefixes...)
		slices.Sort(keys)
	}
	return keys
}

// after returns a page with only the entries after key.
func after(page Page, key string) Page {
	page.Objects = slices.DeleteFunc(page.Objects, func(o Object) bool { return o.Key <= key })
	page.Prefixes = slices.DeleteFunc(page.Prefixes, func(prefix string) bool { return prefix <= key })
	return page
}
