package object

import (
	"cmp"
	"io/fs"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// layOut plays a plan for a body of total bytes: the parts, and the largest.
func layOut(t *testing.T, p plan, total int64) (count int, largest int64) {
	t.Helper()
	var sent, last int64
	for sent < total {
		size := p.next(count, sent)
		require.Positive(t, size, "%d of %d bytes have no part", total-sent, total)
		require.LessOrEqual(t, size, p.maxPart)
		require.GreaterOrEqual(t, size, last, "parts do not shrink")
		last = size
		size = min(size, total-sent)
		sent += size
		largest = max(largest, size)
		count++
	}
	return count, largest
}

func TestPlan(t *testing.T) {
	const mib, gib, tib = int64(1) << 20, int64(1) << 30, int64(1) << 40
	for name, tt := range map[string]struct {
		partSize, size int64
		traits         Traits
		total          int64 // bytes that are laid out
		largest        int64 // part, at most
	}{
		"known, small":               {5 * mib, 6 * mib, Traits{}, 6 * mib, 5 * mib},
		"known, just fits":           {5 * mib, 50_000 * mib, Traits{}, 50_000 * mib, 5 * mib},
		"known, one more":            {5 * mib, 50_000*mib + 1, Traits{}, 50_000*mib + 1, 5*mib + 1},
		"known, 5 TiB":               {5 * mib, 5 * tib, Traits{}, 5 * tib, 525 * mib},
		"known, 1000 parts":          {5 * mib, 12 * gib, Traits{MaxParts: 1000}, 12 * gib, 13 * mib},
		"known, 1000 parts, most":    {5 * mib, 5000 * gib, Traits{MaxParts: 1000}, 5000 * gib, 5 * gib},
		"known, equal":               {5 * mib, 100 * gib, Traits{EqualParts: true}, 100 * gib, 11 * mib},
		"known, small store":         {5 * mib, gib, Traits{MaxParts: 20, MaxPartSize: 64 * mib, MaxObjectSize: gib}, gib, 52 * mib},
		"hint too small":             {5 * mib, 6 * mib, Traits{}, 5 * tib, 5 * gib},
		"unknown, 1 GiB":             {5 * mib, -1, Traits{}, gib, 5 * mib},
		"unknown, 50 GiB":            {5 * mib, -1, Traits{}, 50 * gib, 42 * mib},
		"unknown, 12 GiB":            {5 * mib, -1, Traits{}, 12 * gib, 10 * mib},
		"unknown, one more":          {5 * mib, -1, Traits{}, 50_000*mib + 1, 42 * mib},
		"unknown, 5 TiB":             {5 * mib, -1, Traits{}, 5 * tib, 5 * gib},
		"unknown, large parts":       {600 * mib, -1, Traits{}, 5 * tib, 600 * mib},
		"unknown, 1000, 12 GiB":      {5 * mib, -1, Traits{MaxParts: 1000}, 12 * gib, 150 * mib},
		"unknown, 1000, 2 TiB":       {5 * mib, -1, Traits{MaxParts: 1000}, 2 * tib, 5 * gib},
		"unknown, equal":             {5 * mib, -1, Traits{EqualParts: true}, 390 * gib, 40 * mib},
		"unknown, equal, very large": {5 * gib, -1, Traits{EqualParts: true}, 5 * tib, 5 * gib},
		"unknown, equal, large":      {3 * gib, -1, Traits{EqualParts: true}, 5 * tib, 5 * gib},
	} {
		t.Run(name, func(t *testing.T) {
			p, err := newPlan(tt.partSize, tt.size, tt.traits)
			require.NoError(t, err)
			count, largest := layOut(t, p, tt.total)
			assert.LessOrEqual(t, largest, tt.largest)
			limit := cmp.Or(tt.traits.MaxParts, 10_000)
			assert.LessOrEqual(t, count, limit)
			assert.Zero(t, p.next(limit, tt.total), "no part past the limit")
			if tt.traits.EqualParts {
				assert.Equal(t, p.base, p.next(0, 0))
				assert.Equal(t, p.base, p.next(limit-1, tt.total))
			}
		})
	}
	for name, tt := range map[string]struct {
		size   int64
		traits Traits
	}{
		"one more than 5 TiB":     {5*tib + 1, Traits{}},
		"absurd":                  {1 << 62, Traits{}},
		"1000 parts of 5 GiB":     {5000*gib + 1, Traits{MaxParts: 1000}},
		"the store's own maximum": {gib + 1, Traits{MaxObjectSize: gib}},
		"less than a part beyond": {20*64*mib + 1, Traits{MaxParts: 20, MaxPartSize: 64 * mib, MaxObjectSize: 20*64*mib + mib}},
		"20 parts of 64 MiB":      {20*64*mib + 1, Traits{MaxParts: 20, MaxPartSize: 64 * mib}},
	} {
		_, err := newPlan(5*mib, tt.size, tt.traits)
		require.ErrorIs(t, err, fs.ErrInvalid, name)
	}
}
