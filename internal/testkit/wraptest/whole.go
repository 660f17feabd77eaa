//go:build whole

package wraptest

// Whole says that every case runs, on every ground.
const Whole = true
