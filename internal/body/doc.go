// Package body keeps a body in memory, in chunks from a pool, so that it can be
// written again.
package body
