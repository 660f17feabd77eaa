package gcs

import (
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"strconv"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/internal/scrub"
	"github.com/ltxstore/ltxstore/internal/testkit/gcsfake"
	"github.com/ltxstore/ltxstore/internal/testkit/httpfault"
)

// storesInPart passes only the first n bytes of a chunk on, as the service may
// when its connection breaks, and says how much it has.
func storesInPart(n int64) httpfault.Effect {
	return func(x httpfault.Exchange, w http.ResponseWriter, r *http.Request) {
		whole, _ := io.ReadAll(r.Body)
		c, ok := parseChunk(r.Header.Get("Content-Range"))
		if !ok {
			http.Error(w, "not a chunk", 400)
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(whole[:n]))
		r.ContentLength = n
		r.Header.Set("Content-Range", fmt.Sprintf("bytes %d-%d/*", c.first, c.first+n-1))
		r.Header.Del("X-Goog-Hash")
		x.Next.ServeHTTP(w, r)
	}
}

// storesNothing answers a chunk as if nothing of the upload had arrived.
func storesNothing(header http.Header) httpfault.Effect {
	return httpfault.Status(200, header, "")
}

var incompleteHeader = http.Header{"X-Http-Status-Code-Override": {"308"}}

// What of a chunk is not stored is sent again, from where the service says: in
// the middle of an upload and at its end, after a part of it and after nothing
// (39, 40).
func TestWriteChunkStoredInPart(t *testing.T) {
	asLast := jsonAnswer(200, `{"kind":"storage#object"}`)
	plain308 := func(x httpfault.Exchange, w http.ResponseWriter, r *http.Request) {
		r.Header.Del("X-Guploader-No-308") // a service that does not know it
		storesInPart(testChunk)(x, w, r)
	}
	const size = 5*testChunk + 17 // chunks of 2
	for name, tt := range map[string]struct {
		skip, times int
		do          httpfault.Effect
		sent        []string // Content-Ranges
	}{
		"first, half": {0, 1, storesInPart(testChunk), []string{"0-524287/*", "262144-524287/*", "524288-1048575/*", "1048576-1310736/1310737"}},
		"last, a part": {2, 1, storesInPart(testChunk), []string{"0-524287/*", "524288-1048575/*", "1048576-1310736/1310737",
			"1310720-1310736/1310737"}},
		"first, nothing": {0, 1, storesNothing(incompleteHeader), []string{"0-524287/*", "0-524287/*", "524288-1048575/*", "1048576-1310736/1310737"}},
		"last, nothing more": {2, 1, storesNothing(http.Header{"X-Http-Status-Code-Override": {"308"}, "Range": {"bytes=0-1048575"}}),
			[]string{"0-524287/*", "524288-1048575/*", "1048576-1310736/1310737", "1048576-1310736/1310737"}},
		"first, as last": {0, 1, asLast, []string{"0-524287/*", "0-524287/*", "524288-1048575/*", "1048576-1310736/1310737"}},
		"first, a lie": {0, 1, storesNothing(http.Header{"X-Http-Status-Code-Override": {"308"}, "Range": {"bytes=0-262143"}}),
			[]string{"0-524287/*", "262144-524287/*", "0-524287/*", "524288-1048575/*", "1048576-1310736/1310737"}},
		"first, half, in 308": {0, 1, plain308, []string{"0-524287/*", "262144-524287/*", "524288-1048575/*", "1048576-1310736/1310737"}},
		"last, a part, in 308": {2, 1, plain308, []string{"0-524287/*", "524288-1048575/*", "1048576-1310736/1310737",
			"1310720-1310736/1310737"}},
		"last, all but the object": {2, 1, storesNothing(http.Header{"X-Http-Status-Code-Override": {"308"}, "Range": {"bytes=0-1310736"}}),
			[]string{"0-524287/*", "524288-1048575/*", "1048576-1310736/1310737", "*/1310737", "1048576-1310736/1310737"}},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, gcsfake.Options{}, func(cfg *Config) { cfg.Transfer.PartSize = 2 * testChunk })
			b.faults.Add(&httpfault.Rule{Match: httpfault.Match{Operation: "WriteChunk"}, Skip: tt.skip, Times: tt.times, Do: tt.do})
			if name == "last, all but the object" {
				// It is complete only when it is sent whole.
				b.faults.Add(&httpfault.Rule{Match: httpfault.Match{Operation: "WriteChunk"}, Skip: 3,
					Do: storesNothing(http.Header{"X-Http-Status-Code-Override": {"308"}, "Range": {"bytes=0-1048575"}})})
			}
			b.faults.Record()
			body := ltxBody(t, size)
			_, err := b.write(t, onlyRead{bytes.NewReader(body)})
			require.NoError(t, err)
			b.holds(t, body)
			var sent []string
			for _, entry := range b.faults.Log() {
				if entry.Operation == "WriteChunk" {
					sent = append(sent, entry.Header.Get("Content-Range")[len("bytes "):])
				}
			}
			assert.Equal(t, tt.sent, sent)
		})
	}
}

// A service that stores little at a time is sent the rest as often as that
// makes progress; one that makes none is asked as often as the policy allows,
// and no upload is left.
func TestWriteChunkIsBounded(t *testing.T) {
	stored := func(n int) httpfault.Effect {
		header := http.Header{"X-Http-Status-Code-Override": {"308"}}
		if n > 0 {
			header.Set("Range", "bytes=0-"+strconv.Itoa(n-1))
		}
		return storesNothing(header)
	}
	for name, tt := range map[string]struct {
		skip int
		do   httpfault.Effect
		most int
	}{
		"first, nothing":           {0, stored(0), 3},
		"first, a part":            {0, stored(1000), 1 + 3},
		"last, a part":             {2, stored(2*testChunk + 5), 2 + 1 + 3},
		"last, all":                {2, stored(2*testChunk + 17), 2 + 1 + 3},
		"second, less than before": {1, stored(testChunk / 2), 1 + 3},
		"second, nothing at all":   {1, stored(0), 1 + 3},
		"more than was sent":       {0, stored(3 * testChunk), 3},
		"not a range":              {0, storesNothing(http.Header{"X-Http-Status-Code-Override": {"308"}, "Range": {"0-5"}}), 3},
		"negative":                 {0, storesNothing(http.Header{"X-Http-Status-Code-Override": {"308"}, "Range": {"bytes=0--5"}}), 3},
		"a byte more each time": {2, func() httpfault.Effect {
			n := 2 * testChunk
			return func(x httpfault.Exchange, w http.ResponseWriter, r *http.Request) {
				n++
				stored(n)(x, w, r)
			}
		}(), 2 + extraPieces},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, gcsfake.Options{}, nil)
			b.faults.Add(&httpfault.Rule{Match: httpfault.Match{Operation: "WriteChunk"}, Skip: tt.skip, Times: -1, Do: tt.do})
			_, err := b.write(t, onlyRead{bytes.NewReader(ltxBody(t, 2*testChunk+17))})
			require.ErrorIs(t, err, ltxstore.ErrUnavailable)
			assert.Equal(t, tt.most, b.faults.Counts()["WriteChunk"])
			assert.Equal(t, 1, b.faults.Counts()["CancelResumableWrite"])
			b.nothing(t)
		})
	}
}

// An error is one, whatever its headers say: the library would go on.
func TestWriteChunkFailsAsIncomplete(t *testing.T) {
	for _, skip := range []int{0, 2} {
		for status, want := range map[int]error{400: nil, 403: fs.ErrPermission, 503: ltxstore.ErrThrottled} {
			b := newBench(t, gcsfake.Options{}, nil)
			b.faults.Add(&httpfault.Rule{Match: httpfault.Match{Operation: "WriteChunk"}, Skip: skip, Times: -1,
				Do: httpfault.Status(status, http.Header{"X-Http-Status-Code-Override": {"308"}}, "")})
			_, err := b.write(t, onlyRead{bytes.NewReader(ltxBody(t, 2*testChunk+17))})
			require.Error(t, err)
			if want != nil {
				require.ErrorIs(t, err, want)
			}
			assert.LessOrEqual(t, b.faults.Counts()["WriteChunk"], skip+3)
			b.nothing(t)
		}
	}
}

// A body that ends with a chunk needs an empty one, which is sent as often, too.
func TestWriteEndWithoutBytes(t *testing.T) {
	b := newBench(t, gcsfake.Options{}, nil)
	b.faults.Add(&httpfault.Rule{Match: httpfault.Match{Operation: "WriteChunk"}, Skip: 2, Times: 2,
		Do: storesNothing(http.Header{"X-Http-Status-Code-Override": {"308"}, "Range": {fmt.Sprint("bytes=0-", 2*testChunk-1)}})})
	body := ltxBody(t, 2*testChunk)
	_, err := b.write(t, onlyRead{bytes.NewReader(body)})
	require.NoError(t, err)
	b.holds(t, body)
	b.counts(t, map[string]int{"StartResumableWrite": 1, "WriteChunk": 5})
}

func TestParseChunk(t *testing.T) {
	for header, want := range map[string]chunk{
		"bytes 0-9/*": {0, 10, -1}, "bytes 5-9/10": {5, 10, 10}, "bytes */10": {10, 10, 10}, "bytes */0": {0, 0, 0}, "bytes 5-5/6": {5, 6, 6},
	} {
		c, ok := parseChunk(header)
		require.True(t, ok, header)
		assert.Equal(t, want, c)
		assert.Equal(t, header, c.String())
	}
	for _, header := range []string{"", "bytes */*", "bytes 9-0/*", "bytes 0-9/x", "items 0-9/*", "bytes x-9/*", "bytes 0-x/*"} {
		_, ok := parseChunk(header)
		assert.False(t, ok, header)
	}
}

func TestStoredBytes(t *testing.T) {
	s := &sending{roundTripper: &roundTripper{secrets: new(scrub.Secrets)}}
	for header, want := range map[string]int64{"": 0, "bytes=0-0": 1, "bytes=0-9": 10, "9": -1, "bytes=1-9": -1, "bytes=0--9": -1, "bytes=0-x": -1, "bytes=0-": -1} {
		n, err := s.storedBytes(&http.Response{Header: http.Header{"Range": {header}}})
		if want < 0 {
			assert.ErrorIs(t, err, ltxstore.ErrUnavailable, header)
			continue
		}
		require.NoError(t, err, header)
		assert.Equal(t, want, n, header)
	}
}

// An upload that is not complete has status 308, which may be in a header of a success.
func TestIsIncomplete(t *testing.T) {
	for _, tt := range []struct {
		status             int
		override, location string
		want               bool
	}{{308, "", "", true}, {308, "", "https://h", false}, {200, "308", "", true}, {299, "308", "", true}, {200, "", "", false}, {300, "308", "", false}, {200, "200", "", false}} {
		header := http.Header{}
		header.Set(statusOverride, tt.override)
		header.Set("Location", tt.location)
		assert.Equal(t, tt.want, isIncomplete(&http.Response{StatusCode: tt.status, Header: header}), tt)
	}
}
