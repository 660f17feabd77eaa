package s3

import (
	"bytes"
	"cmp"
	"context"
	"crypto/md5"
	"encoding/base64"
	"encoding/xml"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go/middleware"
	"github.com/stretchr/testify/require"
	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/backend/object"
	"github.com/ltxstore/ltxstore/backend/transport"
)

// stubObject is an object of a stub.
type stubObject struct {
	body     []byte
	etag     string
	modified time.Time
	metadata map[string]string
}

// stubHook answers in the stub's place, or returns false. n is the number of
// the request of its kind, from 1.
type stubHook = func(n int, w http.ResponseWriter, r *http.Request) bool

var stubTime = time.Date(2024, 5, 6, 7, 8, 9, 0, time.UTC)

// stub is as much of S3 as reading, listing and deleting need. What a test
// wants to be otherwise it does in hook, which answers true if it has.
type stub struct {
	mu       sync.Mutex
	objects  map[string]stubObject
	uploads  map[string]string // id: key
	requests []*http.Request
	pageSize int
	hook     stubHook
	counts   map[string]int
	url      string
}

func (s *stub) put(key string, body []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.objects[key] = stubObject{body: body, etag: fmt.Sprintf("%q", fmt.Sprintf("%x", md5.Sum(body))), modified: stubTime}
}

func (s *stub) remove(key string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.objects, key)
}

// change changes an object that is there.
func (s *stub) change(key string, f func(*stubObject)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	object := s.objects[key]
	f(&object)
	s.objects[key] = object
}

// tell sets the hook, for requests still to come.
func (s *stub) tell(hook stubHook) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hook = hook
}

func (s *stub) told() stubHook {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.hook
}

// seen returns the requests of a kind so far.
func (s *stub) seen(kind string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.counts[kind]
}

// keys returns the keys of the objects.
func (s *stub) keys() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Sorted(maps.Keys(s.objects))
}

// of returns the requests of a kind so far.
func (s *stub) of(kind string) (found []*http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range s.requests {
		if kindOfRequest(r) == kind {
			found = append(found, r)
		}
	}
	return found
}

func kindOfRequest(r *http.Request) string {
	query := r.URL.Query()
	switch {
	case query.Has("uploads"):
		return "LISTUPLOADS"
	case query.Has("uploadId"):
		return "ABORT"
	case query.Has("list-type"):
		return "LIST"
	case query.Has("delete"):
		return "BATCH"
	}
	return r.Method
}

func (s *stub) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	kind := kindOfRequest(r)
	s.mu.Lock()
	s.requests = append(s.requests, r)
	s.counts[kind]++
	n := s.counts[kind]
	hook := s.hook
	s.mu.Unlock()
	if hook != nil && hook(n, w, r) {
		return
	}
	key := strings.TrimPrefix(r.URL.Path, "/bucket/")
	s.mu.Lock()
	object, ok := s.objects[key]
	s.mu.Unlock()
	switch kind {
	case "LIST":
		s.list(w, r)
	case "LISTUPLOADS":
		s.listUploads(w, r)
	case "ABORT":
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.uploads, r.URL.Query().Get("uploadId"))
		w.WriteHeader(http.StatusNoContent)
	case "BATCH":
		s.batch(w, r, body)
	case "DELETE":
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.objects, key)
		w.WriteHeader(http.StatusNoContent)
	case "GET", "HEAD":
		if !ok {
			stubFail(w, http.StatusNotFound, "NoSuchKey")
			return
		}
		if match := r.Header.Get("If-Match"); match != "" && match != object.etag {
			stubFail(w, http.StatusPreconditionFailed, "PreconditionFailed")
			return
		}
		for name, value := range object.metadata {
			w.Header().Set("x-amz-meta-"+name, value)
		}
		w.Header().Set("ETag", object.etag)
		http.ServeContent(w, r, "", object.modified, bytes.NewReader(object.body))
	}
}

func stubFail(w http.ResponseWriter, status int, code string) {
	w.Header().Set("Content-Type", "application/xml")
	w.WriteHeader(status)
	fmt.Fprintf(w, "<Error><Code>%s</Code><Message>told to</Message></Error>", code)
}

func (s *stub) list(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	q := r.URL.Query()
	after := cmp.Or(q.Get("continuation-token"), q.Get("start-after"))
	var b strings.Builder
	truncated, n, last := false, 0, ""
	for _, key := range slices.Sorted(maps.Keys(s.objects)) {
		rest, ok := strings.CutPrefix(key, q.Get("prefix"))
		entry := key
		deep := false
		if i := strings.IndexByte(rest, '/'); i >= 0 && q.Get("delimiter") == "/" {
			entry, deep = q.Get("prefix")+rest[:i+1], true
		}
		if !ok || entry <= after || entry == last {
			continue
		}
		if n == s.pageSize {
			truncated = true
			break
		}
		n, last = n+1, entry
		if deep {
			fmt.Fprintf(&b, "<CommonPrefixes><Prefix>%s</Prefix></CommonPrefixes>", url.QueryEscape(entry))
			continue
		}
		fmt.Fprintf(&b, "<Contents><Key>%s</Key><ETag>x</ETag><Size>%d</Size><LastModified>%s</LastModified></Contents>",
			url.QueryEscape(key), len(s.objects[key].body), s.objects[key].modified.Format(time.RFC3339))
	}
	next := ""
	if truncated {
		next = "<NextContinuationToken>" + last + "</NextContinuationToken>"
	}
	fmt.Fprintf(w, "<ListBucketResult><EncodingType>url</EncodingType><IsTruncated>%t</IsTruncated>%s%s</ListBucketResult>", truncated, b.String(), next)
}

func (s *stub) listUploads(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	q := r.URL.Query()
	ids := slices.SortedFunc(maps.Keys(s.uploads), func(a, b string) int {
		return cmp.Or(cmp.Compare(s.uploads[a], s.uploads[b]), cmp.Compare(a, b))
	})
	var b strings.Builder
	truncated, n := false, 0
	for _, id := range ids {
		key := s.uploads[id]
		if !strings.HasPrefix(key, q.Get("prefix")) || cmp.Or(cmp.Compare(key, q.Get("key-marker")), cmp.Compare(id, q.Get("upload-id-marker"))) <= 0 {
			continue
		}
		if n == s.pageSize {
			truncated = true
			break
		}
		n++
		fmt.Fprintf(&b, "<Upload><Key>%s</Key><UploadId>%s</UploadId></Upload><NextKeyMarker>%s</NextKeyMarker><NextUploadIdMarker>%s</NextUploadIdMarker>",
			url.QueryEscape(key), id, url.QueryEscape(key), id)
	}
	fmt.Fprintf(w, "<ListMultipartUploadsResult><EncodingType>url</EncodingType><IsTruncated>%t</IsTruncated>%s</ListMultipartUploadsResult>", truncated, b.String())
}

type stubDelete struct {
	Quiet  bool
	Object []struct{ Key string }
}

func (s *stub) batch(w http.ResponseWriter, r *http.Request, body []byte) {
	sum := md5.Sum(body)
	if got := r.Header.Get("Content-Md5"); got != "" && got != base64.StdEncoding.EncodeToString(sum[:]) {
		stubFail(w, http.StatusBadRequest, "BadDigest")
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, o := range parseDelete(body).Object {
		delete(s.objects, o.Key)
	}
	stubErrors(w, body, nil)
}

func parseDelete(body []byte) (d stubDelete) {
	if err := xml.Unmarshal(body, &d); err != nil {
		panic(err)
	}
	return d
}

// stubBody returns what was sent, for a hook.
func stubBody(r *http.Request) []byte {
	b, err := io.ReadAll(r.Body)
	if err != nil {
		panic(err)
	}
	r.Body = io.NopCloser(bytes.NewReader(b))
	return b
}

// newStub returns a stub and a client of it, whose replica set may change.
func newStub(t *testing.T, set func(*replica)) (*stub, *ReplicaClient) {
	t.Helper()
	return serveStub(t, set, func(handler http.Handler) (*httptest.Server, *http.Transport) {
		return httptest.NewServer(handler), &http.Transport{MaxIdleConnsPerHost: 100}
	})
}

// serveStub is newStub over another network.
func serveStub(t *testing.T, set func(*replica), serve func(http.Handler) (*httptest.Server, *http.Transport)) (*stub, *ReplicaClient) {
	t.Helper()
	s := &stub{objects: map[string]stubObject{}, uploads: map[string]string{}, counts: map[string]int{}, pageSize: 1000}
	server, pool := serve(s)
	t.Cleanup(func() { server.Close(); pool.CloseIdleConnections() })
	s.url = server.URL

	r := &replica{
		cfg: Config{Bucket: "bucket", Path: "db", Transfer: object.Options{PartSize: 5 << 20, UploadThreshold: 5 << 20, MetadataConcurrency: 8, DeleteConcurrency: 4},
			HTTP: transport.Options{IdleTimeout: time.Minute}, Retry: ltxstore.Retry{MaxAttempts: 4, BaseDelay: 1}},
		api: s3.New(s3.Options{
			BaseEndpoint: aws.String(server.URL), Region: "us-east-1", UsePathStyle: true,
			Credentials: credentials.NewStaticCredentialsProvider("AK", "SK", ""),
			HTTPClient:  roundTripper{pool}, Retryer: aws.NopRetryer{},
			RequestChecksumCalculation: aws.RequestChecksumCalculationWhenSupported,
			ResponseChecksumValidation: aws.ResponseChecksumValidationWhenSupported,
			APIOptions:                 []func(*middleware.Stack) error{refuseForeign, skipEmpty, readETag},
		}),
	}
	if set != nil {
		set(r)
	}
	return s, r.client(t)
}

// stubLTX returns a header of one transaction and what follows it.
func stubLTX(t *testing.T, id ltx.TXID, at time.Time, size int) []byte {
	t.Helper()
	hdr := ltx.Header{Version: ltx.Version, Flags: ltx.HeaderFlagNoChecksum, PageSize: 4096, Commit: 1, MinTXID: id, MaxTXID: id, Timestamp: at.UnixMilli()}
	b, err := hdr.MarshalBinary()
	require.NoError(t, err)
	for i := range size {
		b = append(b, byte(i*7+i>>8))
	}
	return b
}

func stubKey(prefix string, id int) string {
	return prefix + ltx.FormatFilename(ltx.TXID(id), ltx.TXID(id))
}

func stubList(ctx context.Context, c *ReplicaClient, level int, seek ltx.TXID, metadata bool) (found []ltx.FileInfo, err error) {
	it, err := c.LTXFiles(ctx, level, seek, metadata)
	if err != nil {
		return nil, err
	}
	for it.Next() {
		found = append(found, *it.Item())
	}
	return found, it.Close()
}

func stubInfos(ids ...int) (infos []*ltx.FileInfo) {
	for _, id := range ids {
		infos = append(infos, &ltx.FileInfo{MinTXID: ltx.TXID(id), MaxTXID: ltx.TXID(id)})
	}
	return infos
}
