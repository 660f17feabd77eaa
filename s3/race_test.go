//go:build race

package s3

// raceEnabled: the race detector has sync.Pool drop things at random.
const raceEnabled = true
