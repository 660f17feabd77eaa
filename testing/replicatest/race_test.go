//go:build race

package replicatest_test

const raceEnabled = true
