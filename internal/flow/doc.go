// Package flow has tools for concurrent work: contexts, bounded and ordered goroutines that
// propagate panics, pooled buffers, detection of endless listings, and lazily made connections.
package flow
