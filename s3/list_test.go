package s3

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/backend/object"
)

const level0 = "db/ltx/0000/"

func stubIDs(found []ltx.FileInfo) (ids []int) {
	for _, f := range found {
		ids = append(ids, int(f.MinTXID))
	}
	return ids
}

func TestList(t *testing.T) {
	s, c := newStub(t, nil)
	s.pageSize = 3
	for id := 1; id <= 10; id++ {
		s.put(stubKey(level0, id), make([]byte, id))
	}
	s.put(stubKey("db/ltx/0001/", 77), []byte("other level"))
	s.put(stubKey("db/ltx/0000-1/", 77), []byte("sibling"))
	s.put(stubKey("db2/ltx/0000/", 77), []byte("sibling"))
	s.put(level0+"lock.json", []byte("stranger"))
	s.put(level0+"a b+c%\x01ü", []byte("stranger"))
	s.put(level0, []byte("directory"))
	s.put(stubKey(level0, 11), nil)
	for i := range 50 {
		s.put(fmt.Sprintf("%s0000000000000004/%d", level0, i), []byte("deep"))
	}
	found, err := stubList(t.Context(), c, 0, 0, false)
	require.NoError(t, err)
	assert.Equal(t, []int{1, 2, 3, 4, 5, 6, 7, 8, 9, 10}, stubIDs(found))
	for i, f := range found {
		assert.Equal(t, ltx.FileInfo{MinTXID: ltx.TXID(i + 1), MaxTXID: ltx.TXID(i + 1), Size: int64(i + 1), CreatedAt: stubTime}, f)
	}
	// 11 files, 3 strangers and one deeper prefix, 3 a page.
	assert.Equal(t, 5, s.seen("LIST"))
	assert.Zero(t, s.seen("HEAD")+s.seen("GET"))
	for i, list := range s.of("LIST") {
		q := list.URL.Query()
		assert.Equal(t, level0, q.Get("prefix"))
		assert.Equal(t, "/", q.Get("delimiter"))
		assert.Equal(t, i > 0, q.Has("continuation-token"))
		assert.False(t, q.Has("start-after") || q.Has("max-keys"))
	}

	for level, want := range map[int][]int{1: {77}, 2: nil, 9: nil} {
		found, err := stubList(t.Context(), c, level, 0, true)
		require.NoError(t, err)
		assert.Equal(t, want, stubIDs(found))
	}
	_, err = c.LTXFiles(t.Context(), -1, 0, false)
	require.ErrorIs(t, err, fs.ErrInvalid)
}

func TestListSeek(t *testing.T) {
	for _, ignores := range []bool{false, true} {
		s, c := newStub(t, func(r *replica) { r.provider.noStartAfter = ignores })
		s.pageSize = 100
		for id := 1; id <= 1000; id++ {
			s.put(stubKey(level0, id), []byte("x"))
		}
		found, err := stubList(t.Context(), c, 0, 991, false)
		require.NoError(t, err)
		assert.Equal(t, []int{991, 992, 993, 994, 995, 996, 997, 998, 999, 1000}, stubIDs(found))
		lists := s.of("LIST")
		if ignores {
			assert.Len(t, lists, 10)
			assert.False(t, lists[0].URL.Query().Has("start-after"))
			_, err = stubList(t.Context(), c, 0, 991, true)
			require.NoError(t, err)
			assert.Equal(t, 10, s.seen("HEAD"), "none for what is not wanted")
			continue
		}
		assert.Len(t, lists, 1, "a late seek is one LIST")
		assert.Equal(t, level0+"00000000000003df", lists[0].URL.Query().Get("start-after"))
		s.pageSize = 4
		found, err = stubList(t.Context(), c, 0, 991, false)
		require.NoError(t, err)
		assert.Len(t, found, 10)
	}
}

func TestListUnsorted(t *testing.T) {
	for _, known := range []bool{false, true} {
		s, c := newStub(t, func(r *replica) { r.provider.unsorted = known })
		entry := func(id int) string {
			return fmt.Sprintf("<Contents><Key>%s</Key><Size>1</Size><LastModified>2024-01-01T00:00:00Z</LastModified></Contents>", stubKey(level0, id))
		}
		pages := []string{entry(5) + entry(9), entry(1) + entry(7), entry(3)}
		if !known { // what is detected must be so on the first page
			pages[0] = entry(9) + entry(5)
		}
		s.tell(func(n int, w http.ResponseWriter, r *http.Request) bool {
			more := n < len(pages)
			fmt.Fprintf(w, "<ListBucketResult><IsTruncated>%t</IsTruncated><NextContinuationToken>t%d</NextContinuationToken>%s</ListBucketResult>", more, n, pages[n-1])
			return true
		})
		found, err := stubList(t.Context(), c, 0, 0, false)
		require.NoError(t, err)
		assert.Equal(t, []int{1, 3, 5, 7, 9}, stubIDs(found))
	}
}

// What an answer leaves out is asked for; keys are decoded only if it says so.
func TestListSparseAnswers(t *testing.T) {
	s, c := newStub(t, nil)
	s.put(stubKey(level0, 1), []byte("one"))
	s.put(stubKey(level0, 2), []byte("two!"))
	s.put(stubKey(level0, 3), nil)
	answer := func(encoding, contents string) stubHook {
		return func(_ int, w http.ResponseWriter, r *http.Request) bool {
			if kindOfRequest(r) != "LIST" {
				return false
			}
			fmt.Fprintf(w, "<ListBucketResult>%s%s<Contents></Contents><CommonPrefixes></CommonPrefixes></ListBucketResult>", encoding, contents)
			return true
		}
	}
	for name, contents := range map[string]string{
		"nothing but keys": "<Contents><Key>%[1]s</Key></Contents><Contents><Key>%[2]s</Key></Contents><Contents><Key>%[3]s</Key></Contents>",
		"no size":          "<Contents><Key>%[1]s</Key><LastModified>2024-05-06T07:08:09Z</LastModified></Contents><Contents><Key>%[2]s</Key></Contents>",
		"no time":          "<Contents><Key>%[1]s</Key><Size>3</Size></Contents><Contents><Key>%[2]s</Key><Size>4</Size></Contents>",
	} {
		s.tell(answer("", fmt.Sprintf(contents, stubKey(level0, 1), stubKey(level0, 2), stubKey(level0, 3))))
		found, err := stubList(t.Context(), c, 0, 0, false)
		require.NoError(t, err, name)
		assert.Equal(t, []ltx.FileInfo{{MinTXID: 1, MaxTXID: 1, Size: 3, CreatedAt: stubTime}, {MinTXID: 2, MaxTXID: 2, Size: 4, CreatedAt: stubTime}}, found, name)
	}

	encoded := strings.ReplaceAll(stubKey(level0, 1), "/", "%2F")
	for encoding, want := range map[string]int{"": 0, "<EncodingType>url</EncodingType>": 1} {
		s.tell(answer(encoding, "<Contents><Key>"+encoded+"</Key><Size>3</Size><LastModified>2024-05-06T07:08:09Z</LastModified></Contents><Contents><Key>%zz</Key></Contents>"))
		found, err := stubList(t.Context(), c, 0, 0, false)
		require.NoError(t, err)
		assert.Len(t, found, want)
	}

	for text, want := range map[string]string{
		"<IsTruncated>true</IsTruncated>": "without a continuation token",
		"<IsTruncated>true</IsTruncated><NextContinuationToken>same</NextContinuationToken>":   "would not end",
		"<NextContinuationToken>other</NextContinuationToken>":                                 "without IsTruncated",
		"<IsTruncated>maybe</IsTruncated><NextContinuationToken>other</NextContinuationToken>": "IsTruncated",
	} {
		s.tell(answer("", text))
		_, err := stubList(t.Context(), c, 0, 0, false)
		require.ErrorContains(t, err, want)
	}
	for code, want := range map[string]error{"NoSuchBucket": ltxstore.ErrStoreNotFound, "AccessDenied": fs.ErrPermission} {
		s.tell(func(_ int, w http.ResponseWriter, r *http.Request) bool { stubFail(w, 404, code); return true })
		_, err := stubList(t.Context(), c, 0, 0, false)
		require.ErrorIs(t, err, want)
		assert.ErrorContains(t, err, "s3: list "+level0)
	}
}

func TestListMetadata(t *testing.T) {
	at := time.Date(2023, 1, 2, 3, 4, 5, 678_000_000, time.UTC)
	s, c := newStub(t, nil)
	put := func(id int, body []byte, name, value string) {
		s.put(stubKey(level0, id), body)
		if name != "" {
			s.change(stubKey(level0, id), func(o *stubObject) { o.metadata = map[string]string{name: value} })
		}
	}
	header := at.Add(time.Hour)
	lies := stubLTX(t, 1, header, 10)
	put(1, lies, "litestream-timestamp", at.Format(time.RFC3339Nano))
	put(2, lies, "LiteStream-Timestamp", at.In(time.FixedZone("", 3600)).Format(time.RFC3339Nano))
	put(3, lies, "", "")                                 // stripped by a copy
	put(4, lies, "litestream-timestamp", "last Tuesday") // spoilt
	put(5, []byte("wrapped, no LTX"), "", "")            // T2
	put(6, []byte("w"), "litestream-timestamp", at.Format(time.RFC3339Nano))
	put(7, nil, "", "") // torn
	put(8, lies, "litestream-timestamp", "0001-01-01T00:00:00Z")
	found, err := stubList(t.Context(), c, 0, 0, true)
	require.NoError(t, err)
	require.Equal(t, []int{1, 2, 3, 4, 5, 6, 8}, stubIDs(found))
	for i, want := range []time.Time{at, at, header, header, stubTime, at, header} {
		assert.Equal(t, want, found[i].CreatedAt, "file %d", found[i].MinTXID)
	}
	assert.Equal(t, 7, s.seen("HEAD"), "none for the torn one")
	gets := s.of("GET")
	require.Len(t, gets, 4)
	assert.Equal(t, "bytes=0-99", gets[0].Header.Get("Range"))

	t.Run("a bad header is corrupt", func(t *testing.T) {
		defer s.remove(stubKey(level0, 9))
		put(9, []byte("LTX1 and no more"), "", "")
		_, err := stubList(t.Context(), c, 0, 0, true)
		require.ErrorIs(t, err, ltxstore.ErrChecksum)
		assert.ErrorContains(t, err, stubKey(level0, 9))
	})
	t.Run("deleted meanwhile", func(t *testing.T) {
		for _, method := range []string{"HEAD", "GET"} {
			s.tell(func(_ int, w http.ResponseWriter, r *http.Request) bool {
				if r.Method == "HEAD" && method == "GET" || kindOfRequest(r) == "LIST" || !strings.Contains(r.URL.Path, stubKey("", 3)) {
					return false
				}
				stubFail(w, 404, "NoSuchKey")
				return true
			})
			found, err := stubList(t.Context(), c, 0, 0, true)
			require.NoError(t, err)
			assert.Equal(t, []int{1, 2, 4, 5, 6, 8}, stubIDs(found))
		}
	})
	t.Run("a proxy's 404 is a failure", func(t *testing.T) {
		for _, page := range []string{"404 page not found\n", htmlError, ""} {
			for _, lost := range []string{"HEAD GET", "GET"} {
				s.tell(func(_ int, w http.ResponseWriter, r *http.Request) bool {
					if !strings.Contains(lost, kindOfRequest(r)) || !strings.Contains(r.URL.Path, stubKey("", 3)) {
						return false
					}
					w.WriteHeader(404)
					_, _ = io.WriteString(w, page)
					return true
				})
				_, err := stubList(t.Context(), c, 0, 0, true)
				require.ErrorIs(t, err, ltxstore.ErrUnavailable)
				assert.NotErrorIs(t, err, fs.ErrNotExist)
				assert.ErrorContains(t, err, stubKey(level0, 3))
			}
		}
	})
	t.Run("a HEAD's 404 is not believed", func(t *testing.T) {
		s.tell(func(_ int, w http.ResponseWriter, r *http.Request) bool {
			if r.Method == "HEAD" {
				w.WriteHeader(404)
			}
			return r.Method == "HEAD"
		})
		again, err := stubList(t.Context(), c, 0, 0, true)
		require.NoError(t, err)
		assert.Equal(t, found, again, "what the HEAD did not tell, the GET does")
	})
	t.Run("a failure is an error", func(t *testing.T) {
		for _, method := range []string{"HEAD", "GET"} {
			for status, want := range map[int]error{403: fs.ErrPermission, 503: ltxstore.ErrThrottled, 500: ltxstore.ErrUnavailable} {
				s.tell(func(_ int, w http.ResponseWriter, r *http.Request) bool {
					if kindOfRequest(r) != method || !strings.Contains(r.URL.Path, stubKey("", 3)) {
						return false
					}
					w.WriteHeader(status)
					return true
				})
				_, err := stubList(t.Context(), c, 0, 0, true)
				require.ErrorIs(t, err, want, "%s %d", method, status)
				require.ErrorContains(t, err, stubKey(level0, 3))
			}
		}
	})
	s.tell(nil)
}

// HEADs go MetadataConcurrency at once, and end with the context.
func TestListMetadataConcurrency(t *testing.T) {
	s, c := newStub(t, nil)
	for id := 1; id <= 100; id++ {
		s.put(stubKey(level0, id), []byte("x"))
	}
	var at atomic.Int32
	full := make(chan struct{})
	s.tell(func(_ int, _ http.ResponseWriter, r *http.Request) bool {
		if r.Method != "HEAD" {
			return false
		}
		if at.Add(1) == 8 {
			close(full)
		}
		<-r.Context().Done()
		return true
	})
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-full; cancel() }()
	_, err := stubList(ctx, c, 0, 0, true)
	require.ErrorIs(t, err, context.Canceled)
	assert.EqualValues(t, 8, at.Load())
}

// A full page that does not say whether more follow is an error; one that is not full is the
// last.
func TestFullPageWithoutIsTruncated(t *testing.T) {
	entry := "<Contents><Key>p/%d</Key><Size>1</Size></Contents>"
	for _, tt := range []struct {
		maxKeys string
		objects int
		last    bool
	}{{"<MaxKeys>2</MaxKeys>", 1, true}, {"<MaxKeys>2</MaxKeys>", 2, false}, {"", 999, true}, {"", 1000, false}, {"<MaxKeys>1001</MaxKeys>", 1000, true}} {
		r := replicaAt(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, "<ListBucketResult><Name>bucket</Name>"+tt.maxKeys)
			for i := range tt.objects {
				_, _ = fmt.Fprintf(w, entry, i)
			}
			_, _ = io.WriteString(w, "</ListBucketResult>")
		}))
		page, err := r.bucket().List(t.Context(), object.ListOptions{Prefix: "p/"})
		assert.Equal(t, tt.last, err == nil, "%v: %v", tt, err)
		if tt.last {
			assert.Len(t, page.Objects, tt.objects)
			assert.Empty(t, page.Next)
		}
	}
}
