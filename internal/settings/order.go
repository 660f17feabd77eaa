package settings

import (
	"slices"
	"strings"
)

// Order returns the wrappers of this library in the order in which they are
// stacked, the outermost first. The documentation of wrap.Chain gives the
// reasons.
func Order() []string {
	return []string{"readonly", "trace", "checksum", "compress", "crypt", "cache", "mirror", "metrics", "retry", "throttle"}
}

// WrapperOf returns the name of the wrapper that the setting key belongs to,
// imported or not, or the empty string.
func WrapperOf(key string) string {
	head, _, _ := strings.Cut(key, ".")
	switch {
	case head == "age": // Litestream's name
		return "crypt"
	case slices.Contains(Order(), head):
		return head
	}
	return Wrappers().First(head)
}

// WrapperNames returns the names of all wrappers that are registered or part of
// this library, sorted and without aliases.
func WrapperNames() []string {
	names := append(Wrappers().Names(), Order()...)
	slices.Sort(names)
	return slices.Compact(names)
}
