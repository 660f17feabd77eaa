// Package flow has tools for concurrent work: contexts, bounded and ordered goroutines that pass
// panics on, pooled buffers, listings that may not end, and lazily made connections.
package flow
