package s3

import (
	"bytes"
	"io/fs"
	"net/url"
	"strconv"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ltxstore/ltxstore/internal/s3fake"
)

const mib = int64(1) << 20

// layOut plays a plan for a body of total bytes: the parts, and the largest.
func layOut(t *testing.T, p plan, total int64) (count int, largest int64) {
	t.Helper()
	var sent, last int64
	for sent < total {
		size := p.next(count, sent)
		require.Positive(t, size, "%d of %d bytes have no part", total-sent, total)
		require.LessOrEqual(t, size, int64(maxPartSize))
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
	const gib, tib = 1024 * mib, 1024 * 1024 * mib
	for name, tt := range map[string]struct {
		partSize, size int64
		provider       provider
		total          int64 // that is played
		largest        int64 // part, at most
	}{
		"known, small":               {5 * mib, 6 * mib, provider{}, 6 * mib, 5 * mib},
		"known, just fits":           {5 * mib, 50_000 * mib, provider{}, 50_000 * mib, 5 * mib},
		"known, one more":            {5 * mib, 50_000*mib + 1, provider{}, 50_000*mib + 1, 5*mib + 1},
		"known, 5 TiB":               {5 * mib, 5 * tib, provider{}, 5 * tib, 525 * mib},
		"known, 1000 parts":          {5 * mib, 12 * gib, provider{maxParts: 1000}, 12 * gib, 13 * mib},
		"known, 1000 parts, most":    {5 * mib, 5000 * gib, provider{maxParts: 1000}, 5000 * gib, 5 * gib},
		"known, equal":               {5 * mib, 100 * gib, provider{equalParts: true}, 100 * gib, 11 * mib},
		"hint too small":             {5 * mib, 6 * mib, provider{}, 5 * tib, 5 * gib},
		"unknown, 1 GiB":             {5 * mib, -1, provider{}, gib, 5 * mib},
		"unknown, 50 GiB":            {5 * mib, -1, provider{}, 50 * gib, 42 * mib},
		"unknown, 12 GiB":            {5 * mib, -1, provider{}, 12 * gib, 10 * mib},
		"unknown, one more":          {5 * mib, -1, provider{}, 50_000*mib + 1, 42 * mib},
		"unknown, 5 TiB":             {5 * mib, -1, provider{}, 5 * tib, 5 * gib},
		"unknown, large parts":       {600 * mib, -1, provider{}, 5 * tib, 600 * mib},
		"unknown, 1000, 12 GiB":      {5 * mib, -1, provider{maxParts: 1000}, 12 * gib, 150 * mib},
		"unknown, 1000, one more":    {5 * mib, -1, provider{maxParts: 1000}, 50_000*mib + 1, 650 * mib},
		"known, 1000, one more":      {5 * mib, 50_000*mib + 1, provider{maxParts: 1000}, 50_000*mib + 1, 51 * mib},
		"unknown, 1000, 2 TiB":       {5 * mib, -1, provider{maxParts: 1000}, 2 * tib, 5 * gib},
		"unknown, equal":             {5 * mib, -1, provider{equalParts: true}, 390 * gib, 40 * mib},
		"unknown, equal, very large": {5 * gib, -1, provider{equalParts: true}, 5 * tib, 5 * gib},
		"unknown, equal, large":      {3 * gib, -1, provider{equalParts: true}, 5 * tib, 5 * gib},
	} {
		t.Run(name, func(t *testing.T) {
			p, err := newPlan(tt.partSize, tt.size, tt.provider)
			require.NoError(t, err)
			count, largest := layOut(t, p, tt.total)
			assert.LessOrEqual(t, largest, tt.largest)
			limit := tt.provider.maxParts
			if limit == 0 {
				limit = 10_000
			}
			assert.LessOrEqual(t, count, limit)
			assert.Zero(t, p.next(limit, tt.total), "no part past the limit")
			assert.GreaterOrEqual(t, p.total(), tt.total)
			t.Logf("%d parts, the largest of %d MiB, slope %d", count, largest/mib, p.slope)
			if tt.provider.equalParts {
				assert.Equal(t, p.base, p.next(0, 0))
				assert.Equal(t, p.base, p.next(limit-1, tt.total))
			}
		})
	}
	for _, size := range []int64{5*tib + 1, 1 << 62} {
		_, err := newPlan(5*mib, size, provider{})
		require.ErrorIs(t, err, fs.ErrInvalid)
	}
	for _, size := range []int64{5000*gib + 1, 5 * tib} {
		_, err := newPlan(5*mib, size, provider{maxParts: 1000})
		require.ErrorIs(t, err, fs.ErrInvalid, "1,000 parts of 5 GiB hold less")
	}
	// A stream turns out to be as large only when the parts are at their end.
	for _, partSize := range []int64{5 * mib, maxPartSize} {
		p, err := newPlan(partSize, -1, provider{maxParts: 1000})
		require.NoError(t, err)
		assert.Less(t, p.total(), int64(5*tib))
		require.ErrorIs(t, p.tooLarge(p.total()), fs.ErrInvalid)
	}
}

// sentParts returns the sizes of the parts as the server saw them, by number.
func (w *writeBench) sentParts(t *testing.T) []int64 {
	t.Helper()
	byNumber := make(map[int]int64)
	for _, entry := range w.faults.Log() {
		if entry.Operation != "UploadPart" {
			continue
		}
		query, err := url.ParseQuery(entry.Query)
		require.NoError(t, err)
		number, err := strconv.Atoi(query.Get("partNumber"))
		require.NoError(t, err)
		byNumber[number], err = strconv.ParseInt(entry.Header.Get("Content-Length"), 10, 64)
		require.NoError(t, err)
	}
	sizes := make([]int64, len(byNumber))
	for i := range sizes {
		require.Contains(t, byNumber, i+1, "parts are numbered from 1 on")
		sizes[i] = byNumber[i+1]
	}
	return sizes
}

// What is 12 GiB in parts of 5 MiB, where 1,000 parts are allowed, is 12 MiB
// in parts of 5 KiB.
func TestStreamGrowsItsParts(t *testing.T) {
	body := plainBody(12 << 20)
	w := newWriteBench(t, s3fake.Options{MaxParts: 1000, MinPart: 5 << 10}, func(r *replica) {
		r.cfg.PartSize, r.cfg.UploadThreshold = 5<<10, 5<<10
		r.provider.maxParts = 1000
	})
	w.faults.Record()
	_, err := w.write(t, onlyRead{bytes.NewReader(body)})
	require.NoError(t, err)
	w.holds(t, body)
	sizes := w.sentParts(t)
	assert.Greater(t, len(sizes), 300, "the first parts are small")
	assert.LessOrEqual(t, len(sizes), 1000)
	var sent int64
	for i, size := range sizes[:len(sizes)-1] {
		want := max(5<<10, sent/83) // 1,000 parts have the slope 1000/12
		require.Equal(t, want, size, "part %d, behind %d bytes", i+1, sent)
		sent += size
	}
	assert.Greater(t, sizes[len(sizes)-2], int64(100<<10), "the last parts are large")
}

func TestStreamOfEqualParts(t *testing.T) {
	body := plainBody(3<<20 + 7)
	w := newWriteBench(t, s3fake.Options{MaxParts: 100, EqualParts: true}, func(r *replica) {
		r.cfg.PartSize, r.cfg.UploadThreshold = 8<<10, 8<<10
		r.provider.maxParts, r.provider.equalParts = 100, true
	})
	w.faults.Record()
	_, err := w.write(t, onlyRead{bytes.NewReader(body)})
	require.NoError(t, err)
	w.holds(t, body)
	sizes := w.sentParts(t)
	assert.Len(t, sizes, 49)
	for i, size := range sizes[:len(sizes)-1] {
		require.EqualValues(t, 64<<10, size, "part %d", i+1)
	}

	_, err = w.WriteLTXFile(t.Context(), 0, 2, 2, onlyRead{bytes.NewReader(plainBody(100*64<<10 + 1))})
	require.ErrorIs(t, err, fs.ErrInvalid)
	require.ErrorContains(t, err, "PartSize")
	w.holds(t, body)
	assert.Len(t, w.server.Keys("bucket"), 1)

	_, err = w.write(t, onlyRead{bytes.NewReader(body[:1<<20])})
	require.NoError(t, err)
	w.holds(t, body[:1<<20])
}

// A body that just fills the last part is not too large.
func TestStreamThatJustFits(t *testing.T) {
	w := newWriteBench(t, s3fake.Options{}, func(r *replica) {
		r.cfg.PartSize, r.cfg.UploadThreshold = 1<<10, 1<<10
		r.provider.maxParts, r.provider.equalParts = 4, true
	})
	body := plainBody(4 * 8 << 10)
	_, err := w.write(t, onlyRead{bytes.NewReader(body)})
	require.NoError(t, err)
	w.holds(t, body)
}
