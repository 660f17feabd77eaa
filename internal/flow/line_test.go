package flow_test

import (
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/ltxstore/ltxstore/internal/flow"
)

func TestLine(t *testing.T) {
	for _, limit := range []int{-1, 1, 3} {
		synctest.Test(t, func(t *testing.T) {
			var running, most atomic.Int64
			var got, want []int
			line := flow.Line[int]{Limit: limit, Take: func(i int) { got = append(got, i) }}
			for i := range 10 {
				want = append(want, i)
				line.Do(func() int {
					most.Store(max(most.Load(), running.Add(1)))
					defer running.Add(-1)
					time.Sleep(time.Duration(10-i) * time.Second) // the later, the faster
					return i
				})
			}
			line.Wait()
			assert.Equal(t, want, got)
			assert.Equal(t, int64(max(limit, 1)), most.Load())
			assert.Zero(t, running.Load())
		})
	}
}
