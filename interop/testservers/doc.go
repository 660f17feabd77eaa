// Package testservers has the tests on servers that are not written in Go, one file
// for each. `make test-servers` runs them, and .ci/install-servers installs the
// servers. A test whose server is missing fails.
package testservers
