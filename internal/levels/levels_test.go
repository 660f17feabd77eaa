package levels_test

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ltxstore/ltxstore/internal/deletion"
	"github.com/ltxstore/ltxstore/internal/levels"
)

func parse(prefix string) (int, bool) {
	_, digits, _ := strings.Cut(strings.TrimSuffix(prefix, "/"), "/")
	level, err := strconv.Atoi(digits)
	return level, err == nil
}

func lister(pages map[string][]deletion.Page) func(string) func(context.Context) (deletion.Page, error) {
	return func(prefix string) func(context.Context) (deletion.Page, error) {
		n := 0
		return func(context.Context) (deletion.Page, error) {
			if n == len(pages[prefix]) {
				return deletion.Page{}, errors.New("listed past the end")
			}
			n++
			return pages[prefix][n-1], nil
		}
	}
}

func TestFind(t *testing.T) {
	list := lister(map[string][]deletion.Page{
		"a/": {{Prefixes: []string{"a/10/", "a/x/", "a/2/"}, More: true}, {Keys: []string{"a/7"}, More: true}, {Prefixes: []string{"a/3/"}}},
		"b/": {{Prefixes: []string{"b/2/"}}},
	})
	found, err := levels.Find(t.Context(), []string{"a/", "b/"}, []string{"c/9/"}, list, parse)
	require.NoError(t, err)
	assert.Equal(t, []int{2, 3, 9, 10}, found)

	_, err = levels.Find(t.Context(), []string{"none/"}, nil, list, parse)
	assert.ErrorContains(t, err, "past the end")

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = levels.Find(ctx, []string{"a/"}, nil, list, parse)
	assert.ErrorIs(t, err, context.Canceled)
}
