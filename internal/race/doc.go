// Package race tells tests of the race detector: under it they take several
// times as long, and sync.Pool drops things at random, which spoils counts of
// allocations.
package race
