package rangeio_test

import (
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"math"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ltxstore/ltxstore/backend/rangeio"
)

func TestCheck(t *testing.T) {
	for _, ok := range [][2]int64{{0, 0}, {1, 0}, {0, 1}, {math.MaxInt64, math.MaxInt64}} {
		assert.NoError(t, rangeio.Check(ok[0], ok[1]))
	}
	for want, bad := range map[string][2]int64{
		"offset is -1: want 0 or more: invalid argument":                              {-1, 0},
		"offset is -9223372036854775808: want 0 or more: invalid argument":            {math.MinInt64, -1},
		"size is -1: want 0 (to the end) or more: invalid argument":                   {0, -1},
		"size is -9223372036854775808: want 0 (to the end) or more: invalid argument": {5, math.MinInt64},
	} {
		err := rangeio.Check(bad[0], bad[1])
		assert.EqualError(t, err, want)
		assert.ErrorIs(t, err, fs.ErrInvalid)
	}
}

func TestClamp(t *testing.T) {
	const top = math.MaxInt64
	for _, tt := range []struct{ offset, size, file, start, n int64 }{
		{0, 0, 10, 0, 10},
		{0, 1, 10, 0, 1},
		{1, 0, 10, 1, 9},
		{4, 3, 10, 4, 3},
		{9, 1, 10, 9, 1},
		{9, 2, 10, 9, 1},
		{10, 0, 10, 10, 0},
		{10, 1, 10, 10, 0},
		{11, 1, 10, 10, 0},
		{0, 0, 0, 0, 0},
		{0, 5, 0, 0, 0},
		{top, top, 10, 10, 0},
		{1, top, 10, 1, 9},
		{top, top, top, top, 0},
		{top - 1, top, top, top - 1, 1},
		{1, top, top, 1, top - 1},
	} {
		start, n := rangeio.Clamp(tt.offset, tt.size, tt.file)
		assert.Equal(t, [2]int64{tt.start, tt.n}, [2]int64{start, n}, "%+v", tt)
	}
}

// The three functions mean the same as each other and as net/http: every
// small range of a file, asked of a real server.
func TestRangesAgreeWithHTTP(t *testing.T) {
	const fileSize = 6
	data := []byte("abcdef")
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(data))
	}))
	defer srv.Close()

	for offset := range int64(fileSize + 2) {
		for size := range int64(fileSize + 3) {
			name := fmt.Sprintf("offset %d size %d", offset, size)
			start, n := rangeio.Clamp(offset, size, fileSize)
			req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, srv.URL, nil)
			require.NoError(t, err)
			if value := rangeio.HTTPRange(offset, size); value != "" {
				req.Header.Set("Range", value)
			}
			resp, err := srv.Client().Do(req)
			require.NoError(t, err)
			body, err := io.ReadAll(resp.Body)
			require.NoError(t, err)
			require.NoError(t, resp.Body.Close())

			switch resp.StatusCode {
			case http.StatusOK:
				assert.Zero(t, offset+size, name)
				assert.Equal(t, data, body, name)
			case http.StatusPartialContent:
				got, total, err := rangeio.CheckContentRange(resp.Header.Get("Content-Range"), offset, size)
				require.NoError(t, err, name)
				assert.Equal(t, [2]int64{n, fileSize}, [2]int64{got, total}, name)
				assert.Equal(t, data[start:start+n], body, name)
			case http.StatusRequestedRangeNotSatisfiable:
				assert.Zero(t, n, name)
			default:
				assert.Fail(t, resp.Status, name)
			}
		}
	}
}

func TestHTTPRange(t *testing.T) {
	for _, tt := range []struct {
		offset, size int64
		want         string
	}{
		{0, 0, ""},
		{0, 1, "bytes=0-0"},
		{5, 0, "bytes=5-"},
		{5, 10, "bytes=5-14"},
		{1, math.MaxInt64, "bytes=1-"},
		{0, math.MaxInt64, "bytes=0-9223372036854775806"},
		{math.MaxInt64, math.MaxInt64, "bytes=9223372036854775807-"},
		{math.MaxInt64 - 1, 1, "bytes=9223372036854775806-9223372036854775806"},
	} {
		assert.Equal(t, tt.want, rangeio.HTTPRange(tt.offset, tt.size))
	}
}

func TestCheckContentRange(t *testing.T) {
	for _, tt := range []struct {
		header       string
		offset, size int64
		n, total     int64
		problem      string
	}{
		{header: "bytes 5-9/100", offset: 5, size: 5, n: 5, total: 100},
		{header: "bytes 5-9/100", offset: 5, size: 50, n: 5, total: 100},
		{header: "bytes 5-99/100", offset: 5, n: 95, total: 100},
		{header: "Bytes 5-9/*", offset: 5, size: 5, n: 5, total: -1},
		{header: " bytes 0-0/1 ", offset: 0, size: 1, n: 1, total: 1},
		{header: "bytes 0-9223372036854775806/*", offset: 0, n: math.MaxInt64, total: -1},

		{header: "bytes 0-4/100", offset: 5, size: 5, problem: "start at 5"},
		{header: "bytes 5-10/100", offset: 5, size: 5, problem: "at most 5 bytes"},
		{header: "", offset: 5, size: 5, problem: "want bytes first-last/total"},
		{header: "bytes */100", offset: 5, size: 5, problem: "want bytes"},
		{header: "bytes 5-9", offset: 5, size: 5, problem: "want bytes"},
		{header: "bytes 5-9/", offset: 5, size: 5, problem: "want bytes"},
		{header: "bytes 5-4/100", offset: 5, size: 5, problem: "want bytes"},
		{header: "bytes 5-100/100", offset: 5, problem: "want bytes"},
		{header: "bytes 0-0/0", size: 1, problem: "want bytes"},
		{header: "bytes -5-9/100", offset: 5, size: 5, problem: "want bytes"},
		{header: "bytes +5-9/100", offset: 5, size: 5, problem: "want bytes"},
		{header: "bytes 5-+9/100", offset: 5, size: 5, problem: "want bytes"},
		{header: "bytes 5-9/-1", offset: 5, size: 5, problem: "want bytes"},
		{header: "bytes=5-9/100", offset: 5, size: 5, problem: "want bytes"},
		{header: "items 5-9/100", offset: 5, size: 5, problem: "want bytes"},
		{header: "bytes 5-9223372036854775807/*", offset: 5, problem: "want bytes"},
		{header: "bytes 5-9223372036854775808/*", offset: 5, problem: "want bytes"},
		{header: "bytes a-b/c", offset: 5, problem: "want bytes"},
	} {
		n, total, err := rangeio.CheckContentRange(tt.header, tt.offset, tt.size)
		if tt.problem != "" {
			assert.ErrorContains(t, err, tt.problem, tt.header)
			assert.ErrorContains(t, err, fmt.Sprintf("%q", tt.header))
			continue
		}
		assert.NoError(t, err, tt.header)
		assert.Equal(t, [2]int64{tt.n, tt.total}, [2]int64{n, total}, tt.header)
	}
}

func TestRefusedSize(t *testing.T) {
	for header, want := range map[string]int64{
		"bytes */0": 0, "bytes */1234": 1234, "": -1, "bytes */*": -1, "bytes */-5": -1, "bytes 0-1/2": -1, "1234": -1,
	} {
		assert.Equal(t, want, rangeio.RefusedSize(header), "%q", header)
	}
}
