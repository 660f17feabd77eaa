package settings

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Nearest returns the name that key is most likely a misspelling of, or the empty
// string if none is similar. At least one letter must be right.
func Nearest(key string, names []string) string {
	best, nearest := max(2, len(key)/3)+1, ""
	for _, name := range names {
		if d := distance(strings.ToLower(key), strings.ToLower(name)); d < min(best, max(len(key), len(name))) {
			best, nearest = d, name
		}
	}
	return nearest
}

// Unknown returns the error for a setting that is none of names: with the one that it is
// most likely a misspelling of; otherwise with all if they are few, or with the three that
// are most similar. where is its place, or empty.
func Unknown(key, where string, names []string) error {
	if nearest := Nearest(key, names); nearest != "" {
		return fmt.Errorf("unknown setting %q%s: did you mean %s?", key, where, nearest)
	}
	names = slices.Compact(slices.Sorted(slices.Values(names)))
	const few, most = 16, 3
	if len(names) <= few {
		return fmt.Errorf("unknown setting %q%s (known: %s)", key, where, strings.Join(names, ", "))
	}
	slices.SortStableFunc(names, func(a, b string) int {
		return cmp.Compare(distance(strings.ToLower(key), a), distance(strings.ToLower(key), b))
	})
	return fmt.Errorf("unknown setting %q%s (nearest: %s)", key, where, strings.Join(names[:most], ", "))
}

// distance is the Levenshtein distance: the number of letters to insert,
// delete or replace. To bound the cost, long texts count as entirely
// different.
func distance(a, b string) int {
	if len(a) > 64 || len(b) > 64 {
		return max(len(a), len(b))
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
