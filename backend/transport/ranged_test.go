package transport_test

import (
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/backend/object"
	"github.com/ltxstore/ltxstore/backend/transport"
)

// body remembers that it was closed.
type body struct {
	io.Reader
	closed bool
}

func (b *body) Close() error { b.closed = true; return nil }

// A Content-Range is the range that was asked for, and nothing else passes for one.
func TestRanged(t *testing.T) {
	asked := object.GetOptions{Offset: 10, Size: 5}
	for _, test := range []struct {
		contentRange string
		length       int64
		opts         object.GetOptions
		want         []int64 // offset, length and size
	}{
		{"bytes 10-14/100", -1, asked, []int64{10, 5, 100}},
		{"bytes 10-12/*", 3, asked, []int64{10, 3, -1}},
		{"bytes 10-99/100", 90, object.GetOptions{Offset: 10}, []int64{10, 90, 100}},
		{"", 100, asked, []int64{0, 100, 100}},
		{"", -1, object.GetOptions{}, []int64{0, -1, -1}},
		{"bytes 10-14/100", 5, asked, []int64{10, 5, 100}},
		{"bytes 0-4/100", 5, asked, nil},
		{"bytes 10-20/100", 11, asked, nil},
		{"bytes 10-14/100", 4, asked, nil},
		{"bytes 10-14/100", 0, asked, nil},
		{"items 10-14/100", 5, asked, nil},
		{"bytes 0-4/100", 5, asked, nil},
	} {
		b := &body{Reader: strings.NewReader("")}
		got, err := transport.Ranged(object.Content{Object: object.Object{Size: -7}, Body: b, Length: test.length}, test.contentRange, test.opts)
		assert.Equal(t, test.want == nil, b.closed, test)
		if test.want == nil {
			require.ErrorIs(t, err, ltxstore.ErrUnavailable, test)
			continue
		}
		require.NoError(t, err, test)
		assert.Equal(t, test.want, []int64{got.Offset, got.Length, got.Size}, test)
	}
}

// An empty 206 for a range that starts at the end is a refused range.
func TestRangeAtEnd(t *testing.T) {
	for span, want := range map[string]error{"bytes 10-9/10": object.ErrRange, "bytes 10-9/11": ltxstore.ErrUnavailable, "bytes 11-10/11": ltxstore.ErrUnavailable} {
		b := &body{Reader: strings.NewReader("")}
		_, err := transport.Ranged(object.Content{Body: b}, span, object.GetOptions{Offset: 10})
		require.ErrorIs(t, err, want, span)
		assert.True(t, b.closed)
	}
}
