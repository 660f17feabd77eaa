package flow_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ltxstore/ltxstore/internal/flow"
)

// A cycle of any length is found, wherever it begins, by its tokens or by its
// names; three times round is enough.
func TestPagesRepeat(t *testing.T) {
	for _, lead := range []int{0, 1, 5, 100} {
		for _, length := range []int{1, 2, 3, 7, 64, 1000} {
			at := func(i int) int {
				if i < lead {
					return i
				}
				return lead + (i-lead)%length
			}
			for name, add := range map[string]func(p *flow.Pages, i int) error{
				"tokens": func(p *flow.Pages, i int) error { return p.Add(fmt.Sprint(at(i)), []string{fmt.Sprint(i)}) },
				"names":  func(p *flow.Pages, i int) error { return p.Add(fmt.Sprint(i), nil, []string{fmt.Sprint(at(i))}) },
			} {
				var p flow.Pages
				i := 0
				for add(&p, i) == nil {
					i++
					require.Less(t, i, 2*lead+3*length+3, "%s: cycle of %d after %d", name, length, lead)
				}
				assert.ErrorIs(t, add(&p, i), flow.ErrRepeats)
				assert.GreaterOrEqual(t, i, lead+length, "%s: cycle of %d after %d: nothing had come twice", name, length, lead)
			}
		}
	}
}

func TestPagesEnd(t *testing.T) {
	var p flow.Pages
	for i := range 10 * flow.MaxEmptyPages {
		names := []string{fmt.Sprint(i)}
		if i%flow.MaxEmptyPages != 0 {
			names = nil
		}
		require.NoError(t, p.Add(fmt.Sprint(i), names), "%d", i)
	}
	var empty flow.Pages
	for i := range flow.MaxEmptyPages - 1 {
		require.NoError(t, empty.Add(fmt.Sprint(i)))
	}
	assert.ErrorIs(t, empty.Add("last"), flow.ErrRepeats)
	var split flow.Pages // the same letters, other names
	require.NoError(t, split.Add("1", []string{"ab", "c"}))
	require.NoError(t, split.Add("2", []string{"a", "bc"}))
}
