package object

import (
	"context"
	"slices"
	"sync"

	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore/internal/flow"
)

// guesser lists a level. A page tells only at its end where the next one begins,
// but the files of a level are spread evenly over its transactions: where later
// pages begin can be guessed, and they are asked for at the same time. A guess
// that was wrong costs a request and nothing else: what a page has of files that
// are known is left out, and what is missing before it is asked for by the token.
//
// Guesses are bounded by what they may waste, a fifth of the pages that have
// come: the first is made when there are five.
type guesser struct {
	*replica
	level   int
	rest    ListOptions // what lists all behind last
	last    string      // the key up to which everything is known
	repeats flow.Pages

	asked  []*guess        // being asked for, in the order of their keys
	ctx    context.Context // of their requests
	cancel context.CancelFunc
	wait   sync.WaitGroup
	never  bool // guessing cannot work, or has failed
	short  bool // a page has ended before the one behind it began

	spent int      // requests whose answers were used or of no use
	full  int      // entries of the largest page
	known int      // entries that have come
	ends  ltx.TXID // where the last page that was asked for is expected to end
}

// guess is a request whose answer is not needed yet.
type guess struct {
	opts     ListOptions
	from     string // the page begins behind this key; empty for what continues a page
	done     chan struct{}
	page     Page
	err      error
	panicked flow.Panic
}

const (
	maxGuesses = 16
	wasted     = 5 // one page in so many may be
)

// next returns the next page that has something new, or is the last.
func (g *guesser) next(ctx context.Context) (Page, error) {
	for {
		page, opts, guessed, err := g.answer(ctx)
		if guessed && err != nil && flow.Err(ctx) == nil {
			g.giveUp() // the token leads on
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
				continue // it begins behind the level's end, or others went further
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

// giveUp ends what is being asked for: from now on one page is asked for after
// the other.
func (g *guesser) giveUp() {
	g.never, g.asked = true, nil
	if g.cancel != nil {
		g.cancel()
	}
}

// answer returns the next answer in the order of keys. That of a guess is used when
// all up to its beginning is known.
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

// guess asks for pages behind those that are being asked for, step transactions
// apart. last is the last file that is known.
func (g *guesser) guess(ctx context.Context, last ltx.FileInfo, step ltx.TXID) {
	if step >= 1<<32 {
		return
	}
	risk := len(g.asked)
	if risk > 0 && g.asked[0].from <= g.last {
		risk-- // what continues there is needed
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
		// Some stores begin with the key that they are told, if it is there.
		opts.Token, opts.StartAt = "", from+"0"
		g.asked = append(g.asked, g.ask(ctx, opts, from))
		g.ends += step
	}
}

// step returns how many transactions the next page has, where a page has n files
// from first to last. Where pages have ended early they are taken to be shorter.
func step(first, last ltx.FileInfo, n int, short bool) ltx.TXID {
	span := (last.MinTXID - first.MinTXID) * ltx.TXID(n) / ltx.TXID(n-1)
	if short {
		span -= span / 8
	}
	return max(span, 1)
}

// files returns the first and the last file of the level in a page, and how many
// it has.
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

// after returns a page without what is not after key.
func after(page Page, key string) Page {
	page.Objects = slices.DeleteFunc(page.Objects, func(o Object) bool { return o.Key <= key })
	page.Prefixes = slices.DeleteFunc(page.Prefixes, func(prefix string) bool { return prefix <= key })
	return page
}
