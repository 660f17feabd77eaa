package settings

import (
	"cmp"
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

// Known returns the known names in brackets: all if they are few, otherwise
// the three that are most similar to key.
func Known(key string, names []string) string {
	names = slices.Compact(slices.Sorted(slices.Values(names)))
	const few, most = 16, 3
	if len(names) <= few {
		return " (known: " + strings.Join(names, ", ") + ")"
	}
	slices.SortStableFunc(names, func(a, b string) int {
		return cmp.Compare(distance(strings.ToLower(key), a), distance(strings.ToLower(key), b))
	})
	return " (nearest: " + strings.Join(names[:most], ", ") + ")"
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
