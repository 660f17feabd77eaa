// Package race tells tests of the race detector: under it they take several
// times as long, and sync.Pool drops things at random, which spoils counts of
// allocations.
package race

// OneOf returns what says of each case in turn whether to run it: under the
// race detector it is one of n, otherwise, as in make cover, all of them.
func OneOf(n int) func() bool {
	count := 0
	return func() bool {
		count++
		return !Enabled || count%n == 0
	}
}
