package flow

import (
	"errors"
	"fmt"
	"hash/maphash"
)

// MaxEmptyPages is how many pages in a row may bring nothing: a store may
// answer so while it passes over what is deleted, but not for ever.
const MaxEmptyPages = 1000

// ErrRepeats is the error of a listing whose pages come again.
var ErrRepeats = errors.New("the listing repeats itself: it would not end")

// Pages finds out that a paged listing does not end, in memory that does not
// grow: pages that come again, whatever the length of their cycle, and pages
// that bring nothing. The zero value is for one listing, and for one goroutine.
type Pages struct {
	seed          maphash.Seed
	tokens, pages cycle
	empty         int
}

// Add is told of each page after which there is another: token is where the
// listing goes on, and names are what the page has. It returns an error if the
// listing does not get anywhere, at the latest when a cycle has come three
// times.
func (p *Pages) Add(token string, names ...[]string) error {
	if p.seed == (maphash.Seed{}) {
		p.seed = maphash.MakeSeed()
	}
	if p.tokens.add(maphash.String(p.seed, token)) {
		return fmt.Errorf("a continuation token has come before: %w", ErrRepeats)
	}
	var h maphash.Hash
	h.SetSeed(p.seed)
	n := 0
	for _, some := range names {
		n += len(some)
		for _, name := range some {
			h.WriteString(name)
			h.WriteByte(0)
		}
	}
	if n == 0 {
		if p.empty++; p.empty == MaxEmptyPages {
			return fmt.Errorf("%d pages in a row are empty: %w", p.empty, ErrRepeats)
		}
		return nil
	}
	p.empty = 0
	if p.pages.add(h.Sum64()) {
		return fmt.Errorf("a page has the same %d names as one before: %w", n, ErrRepeats)
	}
	return nil
}

// cycle finds a value that comes again in a sequence that repeats: each value
// is compared with one before it, which is replaced after 1, 2, 4, … further
// values (Brent's algorithm).
type cycle struct {
	kept        uint64
	count, next int
}

func (c *cycle) add(value uint64) (again bool) {
	switch {
	case c.count > 0 && value == c.kept:
		return true
	case c.count == c.next:
		c.kept, c.next = value, max(2*c.next, 1)
	}
	c.count++
	return false
}
