package httprange_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/ltxstore/ltxstore/internal/testkit/httprange"
)

func TestParse(t *testing.T) {
	for _, tt := range []struct {
		header     string
		size       int64
		first, end int64
		ok, bad    bool
	}{
		{header: "", size: 10},
		{header: "bytes=0-0", size: 10, first: 0, end: 1, ok: true},
		{header: "bytes=2-5", size: 10, first: 2, end: 6, ok: true},
		{header: "bytes=2-99", size: 10, first: 2, end: 10, ok: true},
		{header: "bytes=2-9223372036854775807", size: 10, first: 2, end: 10, ok: true},
		{header: "bytes=2-", size: 10, first: 2, end: 10, ok: true},
		{header: "bytes=9-", size: 10, first: 9, end: 10, ok: true},
		{header: "bytes=10-", size: 10, bad: true},
		{header: "bytes=0-", size: 0, bad: true},
		{header: "bytes=-3", size: 10, first: 7, end: 10, ok: true},
		{header: "bytes=-99", size: 10, first: 0, end: 10, ok: true},
		{header: "bytes=-0", size: 10, bad: true},
		{header: "bytes=-3", size: 0, bad: true},
		{header: "bytes=5-2", size: 10},
		{header: "bytes=1-2,4-5", size: 10},
		{header: "bytes=x-", size: 10},
		{header: "bytes=-x", size: 10},
		{header: "bytes=1-x", size: 10},
		{header: "bytes=1", size: 10},
		{header: "items=1-2", size: 10},
	} {
		first, end, ok, err := httprange.Parse(tt.header, tt.size)
		assert.Equal(t, tt.bad, err != nil, "%q of %d", tt.header, tt.size)
		assert.Equal(t, tt.ok, ok, "%q of %d", tt.header, tt.size)
		assert.Equal(t, [2]int64{tt.first, tt.end}, [2]int64{first, end}, "%q of %d", tt.header, tt.size)
	}
}
