package flow

import (
	"errors"
	"fmt"
	"hash/maphash"
)

// MaxEmptyPages is the number of consecutive pages that may be empty. A store may return empty
// pages when it skips deleted objects.
const MaxEmptyPages = 1000

// ErrRepeats is the error of a listing whose pages repeat.
var ErrRepeats = errors.New("listing repeats and would not end")

// Pages detects a paged listing that does not end, in constant memory: it detects repeated pages,
// whatever the length of their cycle, and empty ones. It is used for one listing by one goroutine.
// The zero value is ready to use.
type Pages struct {
	seed          maphash.Seed
	tokens, pages cycle
	empty         int
}

// Add is called with each page that is not the last: token is where the listing continues, and
// names are those on the page. It returns an error if the listing makes no progress, at the latest
// when a cycle has repeated three times.
func (p *Pages) Add(token string, names ...[]string) error {
	if p.seed == (maphash.Seed{}) {
		p.seed = maphash.MakeSeed()
	}
	if p.tokens.add(maphash.String(p.seed, token)) {
		return fmt.Errorf("same continuation token as before: %w", ErrRepeats)
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
			return fmt.Errorf("%d consecutive pages are empty: %w", p.empty, ErrRepeats)
		}
		return nil
	}
	p.empty = 0
	if p.pages.add(h.Sum64()) {
		return fmt.Errorf("same %d names as on an earlier page: %w", n, ErrRepeats)
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
