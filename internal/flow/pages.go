package flow

import (
	"errors"
	"fmt"
	"hash/maphash"
)

// MaxEmptyPages is how many pages in a row may be empty, which they are when a store skips
// deleted objects.
const MaxEmptyPages = 1000

// ErrRepeats is the error of a listing whose pages repeat.
var ErrRepeats = errors.New("the listing repeats itself: it would not end")

// Pages detects a paged listing that does not end, in constant memory: pages that repeat, whatever
// the length of their cycle, and empty pages. The zero value is for one listing and one goroutine.
type Pages struct {
	seed          maphash.Seed
	tokens, pages cycle
	empty         int
}

// Add is called with each page that another one follows: token is where the listing continues, and
// names are the page's. It returns an error if the listing makes no progress, at the latest when a
// cycle has repeated three times.
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

// cycle detects a repeating sequence: each value is compared with an earlier one, which is replaced
// after 1, 2, 4, … further values (Brent's algorithm).
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
