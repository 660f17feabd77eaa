//go:build !unix

package file

// nonblock is 0 on systems where a file cannot be a named pipe.
const nonblock = 0
