package chart

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestAt(t *testing.T) {
	measures := []int{30, 10, 20, 40}
	s := Of(measures)
	for part, want := range map[float64]int{0: 10, 0.25: 10, 0.26: 20, 0.5: 20, 0.75: 30, 0.99: 40, 1: 40} {
		assert.Equal(t, want, s.At(part), "at %v", part)
	}
	assert.Equal(t, []int{30, 10, 20, 40}, measures)
	assert.Equal(t, 20, Of([]int{30, 20, 10}).At(0.5))
	assert.Equal(t, 7, Of([]int{7}).At(0))
	assert.Zero(t, Of[int](nil).At(0.5))
}
