package oss

import (
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/backend/object"
	"github.com/ltxstore/ltxstore/internal/scrub"
	"github.com/ltxstore/ltxstore/internal/testkit/httpfault"
)

// answer makes the service answer every request so.
func answer(faults *httpfault.Layer, status int, body string) {
	faults.Add(&httpfault.Rule{Do: httpfault.Status(status, http.Header{"X-Oss-Request-Id": {"1"}, "Content-Type": {"application/xml"}}, body), Times: -1})
}

// benchBucket returns the bucket of a client of a server under faults.
func benchBucket(t *testing.T) (*bucket, *httpfault.Layer) {
	t.Helper()
	faults := httpfault.New(nil)
	server := httptest.NewServer(faults)
	t.Cleanup(server.Close)
	cfg, err := Config{Bucket: "bucket", Region: "cn-test", Endpoint: server.URL, AccessKeyID: "id", SecretAccessKey: testSecret}.load(os.Getenv)
	require.NoError(t, err)
	b := &bucket{Service: service(cfg, new(scrub.Secrets)), cfg: cfg.withDefaults()}
	closeIdle, err := b.dial()
	require.NoError(t, err)
	t.Cleanup(closeIdle)
	return b, faults
}

const failure = "<Error><Code>%s</Code></Error>"

// Whether an upload was aborted, and whether it remains, the service's code tells.
func TestUploadRemains(t *testing.T) {
	for _, test := range []struct {
		status  int
		body    string
		remains bool
		want    error // of both
	}{
		{200, "<ListPartsResult><Bucket>bucket</Bucket></ListPartsResult>", true, nil},
		{404, fmt.Sprintf(failure, "NoSuchUpload"), false, nil},
		{404, fmt.Sprintf(failure, "NoSuchBucket"), false, ltxstore.ErrStoreNotFound},
		{403, fmt.Sprintf(failure, "AccessDenied"), false, fs.ErrPermission},
	} {
		b, faults := benchBucket(t)
		answer(faults, test.status, test.body)
		remains, err := b.UploadRemains(t.Context(), object.Upload{Key: "k", ID: "1"})
		assert.Equal(t, test.remains, remains, test)
		assert.Equal(t, test.want, b.Kind(err), test)
		if test.status != 200 {
			assert.Error(t, b.AbortUpload(t.Context(), object.Upload{Key: "k", ID: "1"}), test)
		}
	}
}

// A bare 404 of the service, without a code, is a missing file only of a HEAD, which has no
// body.
func TestMissing(t *testing.T) {
	for _, test := range []struct {
		status    int
		get, head error
	}{{404, nil, fs.ErrNotExist}, {403, fs.ErrPermission, fs.ErrPermission}, {400, nil, nil}} {
		b, faults := benchBucket(t)
		answer(faults, test.status, "")
		_, err := b.Head(t.Context(), "k", "")
		require.Error(t, err)
		assert.Equal(t, test.head, b.Kind(err), test.status)
		_, err = b.Get(t.Context(), "k", object.GetOptions{})
		require.Error(t, err)
		assert.Equal(t, test.get, b.Kind(err), test.status)
	}
	b, faults := benchBucket(t)
	faults.Add(&httpfault.Rule{Do: httpfault.Status(404, http.Header{"X-Oss-Request-Id": {"1"}, "X-Oss-Err": {base64.StdEncoding.EncodeToString([]byte(fmt.Sprintf(failure, "NoSuchBucket")))}}, "")})
	_, err := b.Head(t.Context(), "k", "")
	assert.Equal(t, ltxstore.ErrStoreNotFound, b.Kind(err))
}

// A listing of another bucket, or of another prefix, is not the service's answer.
func TestForeignListing(t *testing.T) {
	for _, test := range []struct {
		root, name string
		list       func(*bucket) error
	}{
		{"ListBucketResult", "Name", func(b *bucket) error {
			_, err := b.List(t.Context(), object.ListOptions{Prefix: "p/"})
			return err
		}},
		{"ListMultipartUploadsResult", "Bucket", func(b *bucket) error {
			_, _, err := b.ListUploads(t.Context(), "p/", "")
			return err
		}},
	} {
		for _, place := range []struct {
			name, prefix string
			want         error
		}{{"bucket", "p/", nil}, {"other", "p/", ltxstore.ErrUnavailable}, {"bucket", "q/", ltxstore.ErrUnavailable}, {"bucket", "", ltxstore.ErrUnavailable}} {
			b, faults := benchBucket(t)
			answer(faults, 200, fmt.Sprintf("<%[1]s><%[2]s>%[3]s</%[2]s><Prefix>%[4]s</Prefix></%[1]s>", test.root, test.name, place.name, place.prefix))
			assert.ErrorIs(t, test.list(b), place.want, "%v %v", test.root, place)
		}
	}
}

// Only an object's content may be of any length.
func TestContent(t *testing.T) {
	content := service(Config{}, nil).Content
	for query, want := range map[string]bool{"": true, "?versionId=1": true, "?list-type=2": false, "?uploads": false, "?uploadId=1": false} {
		assert.Equal(t, want, content(httptest.NewRequest(http.MethodGet, "http://h/k"+query, nil)), query)
		assert.False(t, content(httptest.NewRequest(http.MethodPost, "http://h/k"+query, nil)), query)
	}
}

// In a bucket with versions, a deletion leaves a marker: the file is gone, and missing.
func TestDeleteMarkers(t *testing.T) {
	b, faults := benchBucket(t)
	answer(faults, 200, `<DeleteResult><Deleted><Key>a</Key><DeleteMarker>true</DeleteMarker><DeleteMarkerVersionId>v1</DeleteMarkerVersionId></Deleted></DeleteResult>`)
	gone, err := b.DeleteBatch(t.Context(), []string{"a", "b"})
	require.NoError(t, err)
	assert.Equal(t, map[string]error{"a": nil}, gone)

	b, faults = benchBucket(t)
	faults.Add(&httpfault.Rule{Times: -1, Do: httpfault.Status(404, http.Header{"X-Oss-Request-Id": {"1"}, "X-Oss-Delete-Marker": {"true"}, "X-Oss-Version-Id": {"v1"},
		"Content-Type": {"application/xml"}}, fmt.Sprintf(failure, "NoSuchKey"))})
	_, err = b.Get(t.Context(), "a", object.GetOptions{})
	assert.Equal(t, fs.ErrNotExist, b.Kind(err))
	_, err = b.Head(t.Context(), "a", "")
	assert.Equal(t, fs.ErrNotExist, b.Kind(err))
}

// A symbolic link, an appendable file and one in an archive are listed as files, with the
// size that there is; one in an archive is not read.
func TestObjectsOfOtherKinds(t *testing.T) {
	b, faults := benchBucket(t)
	answer(faults, 200, `<ListBucketResult><Name>bucket</Name><Prefix>p/</Prefix><IsTruncated>false</IsTruncated>
		<Contents><Key>p/link</Key><Type>Symlink</Type><Size>0</Size></Contents>
		<Contents><Key>p/log</Key><Type>Appendable</Type><Size>7</Size></Contents>
		<Contents><Key>p/cold</Key><Type>Normal</Type><Size>9</Size><StorageClass>Archive</StorageClass></Contents></ListBucketResult>`)
	page, err := b.List(t.Context(), object.ListOptions{Prefix: "p/"})
	require.NoError(t, err)
	sizes := map[string]int64{}
	for _, o := range page.Objects {
		sizes[o.Key] = o.Size
	}
	assert.Equal(t, map[string]int64{"p/link": -1, "p/log": 7, "p/cold": 9}, sizes)
	b, faults = benchBucket(t)
	answer(faults, 403, fmt.Sprintf(failure, "InvalidObjectState"))
	_, err = b.Get(t.Context(), "p/cold", object.GetOptions{})
	assert.Equal(t, errors.ErrUnsupported, b.Kind(err))
	assert.ErrorContains(t, b.Describe(err), "archive")
}
