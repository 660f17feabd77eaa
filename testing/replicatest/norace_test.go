//go:build !race

package replicatest_test

const raceEnabled = false
