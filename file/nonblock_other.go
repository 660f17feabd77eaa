//go:build !unix

package file

// nonblock does nothing where no file's name leads to a pipe.
const nonblock = 0
