package gcsfake_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"testing"

	"cloud.google.com/go/storage"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/api/iterator"

	"github.com/ltxstore/ltxstore/internal/testkit/gcsfake"
)

// list returns names, and prefixes behind a ">".
func list(t *testing.T, it *storage.ObjectIterator) (found []string) {
	t.Helper()
	for {
		attrs, err := it.Next()
		if errors.Is(err, iterator.Done) {
			return found
		}
		require.NoError(t, err)
		if attrs.Prefix != "" {
			found = append(found, ">"+attrs.Prefix)
			continue
		}
		found = append(found, attrs.Name)
	}
}

// model is what a listing is, page by page: said in the plainest way.
func model(keys []string, q *storage.Query, pageSize int) (found []string) {
	var things []string
	for _, key := range keys {
		rest, ok := strings.CutPrefix(key, q.Prefix)
		if !ok || key < q.StartOffset || q.EndOffset != "" && key >= q.EndOffset {
			continue
		}
		thing := key
		if before, _, ok := strings.Cut(rest, q.Delimiter); ok && q.Delimiter != "" {
			thing = ">" + q.Prefix + before + q.Delimiter
		}
		if !slices.Contains(things, thing) {
			things = append(things, thing)
		}
	}
	for page := range slices.Chunk(things, pageSize) {
		for _, prefixes := range []bool{false, true} { // an answer has them apart
			for _, thing := range page {
				if strings.HasPrefix(thing, ">") == prefixes {
					found = append(found, thing)
				}
			}
		}
	}
	return found
}

func TestListing(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	word := func() string {
		b := make([]byte, random.IntN(5))
		for i := range b {
			b[i] = "ab/-"[random.IntN(4)]
		}
		return string(b)
	}
	for round := range 60 {
		pageSize := 1 + random.IntN(5)
		s := serve(t, gcsfake.Options{PageSize: pageSize})
		for range random.IntN(30) {
			if key := word(); key != "" {
				s.Put(name, key, nil)
			}
		}
		for range 4 {
			q := &storage.Query{Prefix: word(), StartOffset: word(), EndOffset: word(), Delimiter: []string{"", "/", "/", "a", "-/"}[random.IntN(5)]}
			if random.IntN(2) == 0 {
				q.Prefix = ""
			}
			if random.IntN(2) == 0 {
				q.EndOffset = ""
			}
			want := model(s.Keys(name), q, pageSize)
			require.Equal(t, want, list(t, s.Objects(t.Context(), q)), "round %d: %+v in pages of %d of %q", round, q, pageSize, s.Keys(name))
		}
	}
}

func TestPages(t *testing.T) {
	s := serve(t, gcsfake.Options{PageSize: 10})
	var want []string
	for i := range 25 {
		key := fmt.Sprintf("%02d", i)
		want = append(want, key)
		s.Put(name, key, nil)
	}
	assert.Equal(t, want, list(t, s.Objects(t.Context(), nil)))
	assert.Equal(t, map[string]int{"ListObjects": 3}, s.layer.Counts())
	it := s.Objects(t.Context(), nil)
	it.PageInfo().MaxSize = 9
	assert.Equal(t, want, list(t, it))
	assert.Equal(t, map[string]int{"ListObjects": 6}, s.layer.Counts())

	// A page begins behind the last, whatever became of it.
	it = s.Objects(t.Context(), nil)
	_, err := it.Next()
	require.NoError(t, err)
	require.NoError(t, s.Object("09").Delete(t.Context()))
	s.Put(name, "095", nil)
	assert.Equal(t, append(want[1:10:10], append([]string{"095"}, want[10:]...)...), list(t, it))
}

func TestListRefuses(t *testing.T) {
	s := serve(t, gcsfake.Options{})
	for query, code := range map[string]int{
		"maxResults=0": 400, "maxResults=x": 400, "pageToken=%3F": 400, "pageToken=eHg=": 400, "versions=true": 501, "matchGlob=*": 501,
		"fields=items(": 400, "fields=items)": 400, "fields=,": 400, "fields=items//x": 400, "fields=items(name": 400, "fields=items/(name)": 400, "maxResults=5&versions=false": 200,
	} {
		assert.Equal(t, code, s.send(t, "GET", "/storage/v1/b/bucket/o?"+query, "").StatusCode, query)
	}
}

func TestFields(t *testing.T) {
	s := serve(t, gcsfake.Options{PageSize: 1})
	require.NoError(t, write(t, s.Object("a/b"), "x", func(w *storage.Writer) { w.Metadata = map[string]string{"k": "v", "l": "w"} }))
	s.Put(name, "b", nil)
	q := &storage.Query{}
	require.NoError(t, q.SetAttrSelection([]string{"Name", "Size", "Created"}))
	it := s.Objects(t.Context(), q)
	attrs, err := it.Next()
	require.NoError(t, err)
	assert.Equal(t, "a/b", attrs.Name)
	assert.EqualValues(t, 1, attrs.Size)
	assert.NotZero(t, attrs.Created)
	assert.Empty(t, attrs.Metadata, "not asked for")
	assert.Zero(t, attrs.Generation)
	assert.Equal(t, []string{"b"}, list(t, it), "the page's token is asked for")

	for fields, want := range map[string]string{
		"kind":                         `{"kind":"storage#objects"}`,
		"items(name,metadata)":         `{"items":[{"metadata":{"k":"v","l":"w"},"name":"a/b"}]}`,
		"items/metadata/k,kind":        `{"items":[{"metadata":{"k":"v"}}],"kind":"storage#objects"}`,
		"items(metadata(l),name)":      `{"items":[{"metadata":{"l":"w"},"name":"a/b"}]}`,
		"items(metadata/k,size),bogus": `{"items":[{"metadata":{"k":"v"},"size":"1"}]}`,
		"items/metadata/*":             `{"items":[{"metadata":{"k":"v","l":"w"}}]}`,
	} {
		assert.JSONEq(t, want, s.send(t, "GET", "/storage/v1/b/bucket/o?fields="+fields, "").body, fields)
	}
	assert.JSONEq(t, `{"prefixes":["a/"]}`, s.send(t, "GET", "/storage/v1/b/bucket/o?fields=prefixes&delimiter=/", "").body)
	assert.JSONEq(t, `{"size":"1"}`, s.send(t, "GET", "/storage/v1/b/bucket/o/a%2Fb?fields=size", "").body)
	assert.Equal(t, http.StatusBadRequest, s.send(t, "GET", "/storage/v1/b/bucket/o/a%2Fb?fields=(", "").StatusCode)
}
