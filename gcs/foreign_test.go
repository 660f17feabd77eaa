package gcs

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/internal/flow"
	"github.com/ltxstore/ltxstore/internal/testkit/gcsfake"
	"github.com/ltxstore/ltxstore/internal/testkit/httpfault"
)

// notMissing are 404 that are not the service's.
var notMissing = map[string]httpfault.Effect{
	"no route":  httpfault.Status(404, http.Header{"Content-Type": {"text/plain; charset=utf-8"}}, "404 page not found\n"),
	"HTML":      httpfault.HTML(404),
	"nothing":   httpfault.Status(404, nil, ""),
	"message":   httpfault.Status(404, http.Header{"Content-Type": {"application/json"}}, `{"message":"no Route matched with those values"}`),
	"error":     httpfault.Status(404, http.Header{"Content-Type": {"application/json"}}, `{"error":"not found"}`),
	"no reason": httpfault.Status(404, http.Header{"Content-Type": {"application/json"}}, `{"error":{"code":404,"message":"Not Found"}}`),
	"XML":       httpfault.Status(404, http.Header{"Content-Type": {"application/xml"}}, `<Error><Code>NoSuchKey</Code></Error>`),
}

// operations are all that a client does over the wire, and on which requests
// they depend.
var operations = map[string]struct {
	request string
	do      func(*testing.T, *bench) error
}{
	"open":       {"ReadObject", func(t *testing.T, b *bench) error { _, err := b.read(t, 0, 0); return err }},
	"open range": {"ReadObject", func(t *testing.T, b *bench) error { _, err := b.read(t, 100, 50); return err }},
	"list":       {"ListObjects", func(t *testing.T, b *bench) error { _, err := b.list(t, 0, false); return err }},
	"times":      {"ReadObject", func(t *testing.T, b *bench) error { _, err := b.list(t, 0, true); return err }},
	"write": {"WriteObject", func(t *testing.T, b *bench) error {
		_, err := b.WriteLTXFile(t.Context(), 0, 2, 2, bytes.NewReader(plainBody(300)))
		return err
	}},
	"begin": {"StartResumableWrite", func(t *testing.T, b *bench) error {
		_, err := b.WriteLTXFile(t.Context(), 0, 2, 2, bytes.NewReader(plainBody(2*testChunk+5)))
		return err
	}},
	"chunk": {"WriteChunk", func(t *testing.T, b *bench) error {
		_, err := b.WriteLTXFile(t.Context(), 0, 2, 2, bytes.NewReader(plainBody(2*testChunk+5)))
		return err
	}},
	"delete":     {"DeleteObject", func(t *testing.T, b *bench) error { return b.DeleteLTXFiles(t.Context(), infos(1)) }},
	"delete all": {"ListObjects", func(t *testing.T, b *bench) error { return b.DeleteAll(t.Context()) }},
	"delete of all": {"DeleteObject", func(t *testing.T, b *bench) error {
		return b.DeleteAll(t.Context())
	}},
}

// A 404 that the service did not send says nothing about files: a lost route is
// an outage, of each operation (clauses O2, T3).
func TestForeign404(t *testing.T) {
	for name, effect := range notMissing {
		for what, op := range operations {
			t.Run(what+"/"+name, func(t *testing.T) {
				b := newBench(t, gcsfake.Options{}, nil)
				b.server.Put("bucket", testKey, ltxBody(t, 1000))
				// The whole service is away, also for who asks again in another way.
				b.faults.Add(&httpfault.Rule{Match: httpfault.Match{Func: func(r *http.Request) bool {
					is := gcsfake.Operation(r)
					return is == op.request || is == "GetObject"
				}}, Times: -1, Do: effect})
				err := op.do(t, b)
				require.ErrorIs(t, err, ltxstore.ErrUnavailable)
				assert.NotErrorIs(t, err, fs.ErrNotExist)
				assert.NotErrorIs(t, err, ltxstore.ErrStoreNotFound)
				assert.Equal(t, []string{testKey}, b.server.Keys("bucket")[:1])
			})
		}
	}
}

// What an emulator says of a missing file in words of its own is confirmed by a
// request whose answer has a reason.
func TestMissingIsConfirmed(t *testing.T) {
	b := newBench(t, gcsfake.Options{}, nil)
	b.fail("ReadObject", 1, httpfault.Status(404, http.Header{"Content-Type": {"text/plain"}}, "Not Found\n"))
	_, err := b.read(t, 0, 0)
	require.ErrorIs(t, err, fs.ErrNotExist)
	b.counts(t, map[string]int{"ReadObject": 1, "GetObject": 1})

	b.faults.Reset()
	_, err = b.read(t, 0, 0)
	require.ErrorIs(t, err, fs.ErrNotExist)
	b.counts(t, map[string]int{"ReadObject": 1})
}

// notTheAnswer are answers of success that are not to the request.
var notTheAnswer = map[string]httpfault.Effect{
	"{}":           jsonAnswer(200, `{}`),
	"other kind":   jsonAnswer(200, `{"kind":"storage#bucket","id":"bucket","name":"bucket"}`),
	"error within": jsonAnswer(200, `{"kind":"storage#objects","items":[],"error":{"code":503}}`),
	"status":       jsonAnswer(200, `{"status":"UNAVAILABLE","code":503}`),
	"list":         jsonAnswer(200, `[]`),
	"null":         jsonAnswer(200, `null `+`x`),
	"text":         httpfault.Status(200, http.Header{"Content-Type": {"text/plain"}}, "OK"),
	"nothing":      httpfault.Status(200, nil, ""),
	"no content":   httpfault.Status(205, nil, ""),
	"accepted":     jsonAnswer(202, `{"kind":"storage#objects"}`),
	"page": httpfault.Status(200, http.Header{"Content-Type": {"text/html"}, "ETag": {`"1"`}, "Last-Modified": {"Mon, 02 Jan 2006 15:04:05 GMT"}},
		"<html>sign in</html>"),
}

func jsonAnswer(status int, body string) httpfault.Effect {
	return httpfault.Status(status, http.Header{"Content-Type": {"application/json"}}, body)
}

// An answer of success that does not say what was asked for is none: asked
// again, and then an error, never an empty listing or a file (36).
func TestForeignSuccess(t *testing.T) {
	for name, effect := range notTheAnswer {
		for what, op := range operations {
			t.Run(what+"/"+name, func(t *testing.T) {
				b := newBench(t, gcsfake.Options{}, nil)
				b.server.Put("bucket", testKey, ltxBody(t, 1000))
				b.fail(op.request, -1, effect)
				err := op.do(t, b)
				require.ErrorIs(t, err, ltxstore.ErrUnavailable)
				assert.Contains(t, b.server.Keys("bucket"), testKey)
				assert.GreaterOrEqual(t, b.faults.Counts()[op.request], 3, "asked again")
			})
		}
	}
	for _, what := range []string{"list", "write", "begin", "chunk", "open", "times", "delete all"} {
		t.Run(what+"/204", func(t *testing.T) { // which is how a deletion is answered
			b := newBench(t, gcsfake.Options{}, nil)
			b.server.Put("bucket", testKey, ltxBody(t, 1000))
			b.fail(operations[what].request, -1, httpfault.Status(204, nil, ""))
			require.ErrorIs(t, operations[what].do(t, b), ltxstore.ErrUnavailable)
		})
	}
}

// What an answer says of another object or another listing does not count.
func TestAnswerToAnotherRequest(t *testing.T) {
	const other = `{"kind":"storage#object","name":"db/other","size":"300","crc32c":"AAAAAA==","generation":"1"}`
	another := func(x httpfault.Exchange, w http.ResponseWriter, r *http.Request) {
		told := httptest.NewRecorder()
		x.Next.ServeHTTP(told, r)
		jsonAnswer(200, strings.ReplaceAll(told.Body.String(), testKey, "db/other"))(x, w, r)
	}
	for _, size := range []int{300, 2*testChunk + 5} {
		body := ltxBody(t, size)
		b := newBench(t, gcsfake.Options{}, nil)
		b.fail("WriteObject", -1, another)
		b.faults.Add(&httpfault.Rule{Match: httpfault.Match{Operation: "WriteChunk"}, Skip: 2, Do: another})
		_, err := b.write(t, bytes.NewReader(body))
		require.NoError(t, err, "the object is asked for")
		b.holds(t, body)
		assert.Equal(t, 1, b.faults.Counts()["GetObject"])

		b.fail("GetObject", -1, jsonAnswer(200, other))
		b.faults.Add(&httpfault.Rule{Match: httpfault.Match{Operation: "WriteChunk"}, Skip: 2, Do: another})
		_, err = b.write(t, bytes.NewReader(body))
		require.ErrorIs(t, err, ltxstore.ErrUnavailable)
		assert.ErrorContains(t, err, "db/other")
	}

	for _, item := range []string{`{"name":"elsewhere/1","size":"3"}`, `{"name":"","size":"3"}`, `{}`} {
		b := newBench(t, gcsfake.Options{}, nil)
		b.fail("ListObjects", -1, jsonAnswer(200, `{"kind":"storage#objects","items":[`+item+`]}`))
		_, err := b.list(t, 0, false)
		require.ErrorIs(t, err, ltxstore.ErrUnavailable, item)
		require.ErrorIs(t, b.DeleteAll(t.Context()), ltxstore.ErrUnavailable, item)
	}
	root := newBench(t, gcsfake.Options{}, func(cfg *Config) { cfg.Path, cfg.Layout = "", ltxstore.LayoutLitestreamS3 })
	root.fail("ListObjects", -1, jsonAnswer(200, `{"kind":"storage#objects","items":[{}]}`))
	require.ErrorIs(t, root.DeleteAll(t.Context()), ltxstore.ErrUnavailable)
}

// A field of another kind of document means nothing.
func TestDescriptionWithMore(t *testing.T) {
	b := newBench(t, gcsfake.Options{}, nil)
	b.server.Put("bucket", testKey, ltxBody(t, 300))
	b.fail("ReadObject", -1, httpfault.Status(416, nil, ""))
	b.fail("GetObject", -1, jsonAnswer(200, `{"kind":"storage#object","name":"`+testKey+`","size":"300","nextPageToken":"x"}`))
	got, err := b.read(t, 300, 0)
	require.NoError(t, err)
	assert.Empty(t, got)
}

// A description without a size is not that of an empty object.
func TestDescriptionWithoutSize(t *testing.T) {
	b := newBench(t, gcsfake.Options{}, nil)
	b.server.Put("bucket", testKey, ltxBody(t, 300))
	b.fail("ReadObject", -1, httpfault.Status(416, nil, ""))
	b.fail("GetObject", -1, jsonAnswer(200, `{"kind":"storage#object","name":"`+testKey+`"}`))
	_, err := b.read(t, 0, 5)
	require.ErrorIs(t, err, ltxstore.ErrUnavailable)
	assert.NotErrorIs(t, err, fs.ErrNotExist)
}

// repeats answers a listing with tokens that come again, and as many items as
// are given.
func repeats(token func(n int) string, item func(n int) string) httpfault.Effect {
	n := 0
	return func(x httpfault.Exchange, w http.ResponseWriter, r *http.Request) {
		n++
		items := ""
		if name := item(n); name != "" {
			items = `{"name":"` + name + `","size":"3","timeCreated":"2024-01-01T00:00:00Z"}`
		}
		jsonAnswer(200, `{"kind":"storage#objects","nextPageToken":"`+token(n)+`","items":[`+items+`]}`)(x, w, r)
	}
}

// A listing that repeats itself ends with an error, soon, and not in the
// caller's patience: also one whose pages are empty, which the library reads by
// itself.
func TestListingRepeats(t *testing.T) {
	same := func(int) string { return "A" }
	turn := func(n int) string { return string(rune('A' + n%2)) }
	new := func(n int) string { return fmt.Sprint("t", n) }
	nothing := func(int) string { return "" }
	for name, tt := range map[string]struct {
		token, item func(n int) string
		most        int
	}{
		"same token":            {same, keyOf, 10},
		"two in turn":           {turn, keyOf, 10},
		"same token, no items":  {same, nothing, 10},
		"two in turn, no items": {turn, nothing, 10},
		"new tokens, same page": {new, func(n int) string { return keyOf(1 + n%3) }, 20},
		"new tokens, no items":  {new, nothing, flow.MaxEmptyPages + 1},
	} {
		for what, do := range map[string]func(context.Context, *bench) error{
			"list":       func(_ context.Context, b *bench) error { _, err := b.list(t, 0, false); return err },
			"delete all": func(ctx context.Context, b *bench) error { return b.DeleteAll(ctx) },
		} {
			t.Run(what+"/"+name, func(t *testing.T) {
				b := newBench(t, gcsfake.Options{}, nil)
				b.fail("ListObjects", -1, repeats(tt.token, tt.item))
				err := do(t.Context(), b)
				require.ErrorIs(t, err, flow.ErrRepeats)
				assert.False(t, ltxstore.IsRetryable(err))
				assert.LessOrEqual(t, b.faults.Counts()["ListObjects"], 5*tt.most)
			})
		}
	}
}

// Answers without an end do not fill the memory: an error is cut, and keeps the
// meaning of its status; a document is refused.
func TestAnswersAreBounded(t *testing.T) {
	endless := func(status int, sent *int64) httpfault.Effect {
		return func(_ httpfault.Exchange, w http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(status)
			*sent = 0
			block := bytes.Repeat([]byte(`{"error":{"message":"`), 1<<12)
			for r.Context().Err() == nil && *sent < 4<<30 {
				n, err := w.Write(block)
				if *sent += int64(n); err != nil {
					return
				}
			}
		}
	}
	for what, op := range operations {
		for status, want := range map[int]error{403: fs.ErrPermission, 200: nil} {
			if status == 200 && op.request == "ReadObject" || what == "delete all" || what == "list" && status == 200 {
				continue // a body may have any length, and a listing 64 MiB
			}
			t.Run(fmt.Sprint(what, "/", status), func(t *testing.T) {
				b := newBench(t, gcsfake.Options{}, func(cfg *Config) { cfg.Retry.MaxAttempts = 1 })
				b.server.Put("bucket", testKey, ltxBody(t, 1000))
				var sent int64
				b.fail(op.request, -1, endless(status, &sent))
				err := op.do(t, b)
				require.Error(t, err)
				if want != nil {
					require.ErrorIs(t, err, want)
				}
				assert.Less(t, len(err.Error()), 4<<10)
				b.faults.Clear()
				assert.NotErrorIs(t, err, fs.ErrNotExist)
			})
		}
	}
}
