// Package testservers has the tests on servers that are no Go programs, one file
// for each: `make test-servers` runs them. .ci/install-servers installs these
// servers; one that is missing fails its tests.
package testservers
