package s3

import (
	"sync"
	"sync/atomic"
)

// each calls do with 0 to n-1, at most limit of them at once, and returns when
// all have returned.
func each(n, limit int, do func(i int)) {
	var next atomic.Int64
	var workers sync.WaitGroup
	for range min(n, max(limit, 1)) {
		workers.Go(func() {
			for {
				i := int(next.Add(1)) - 1
				if i >= n {
					return
				}
				do(i)
			}
		})
	}
	workers.Wait()
}
