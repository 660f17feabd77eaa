// Package race detects the race detector, for tests. With it they take several
// times as long, and sync.Pool drops items at random, so that allocations
// cannot be counted.
package race

// OneOf returns a function that reports for each case in turn whether to run
// it: with the race detector one of n, and otherwise all of them.
func OneOf(n int) func() bool {
	count := 0
	return func() bool {
		count++
		return !Enabled || count%n == 0
	}
}
