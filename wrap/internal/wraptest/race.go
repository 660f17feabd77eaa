//go:build race

package wraptest

const race = true
