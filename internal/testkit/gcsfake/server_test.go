package gcsfake_test

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"cloud.google.com/go/storage"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/api/option"

	"github.com/ltxstore/ltxstore/internal/testkit/gcsfake"
)

const objectPath = "/storage/v1/b/bucket/o/a"

func TestErrors(t *testing.T) {
	s := serve(t, gcsfake.Options{})
	got := s.send(t, "GET", objectPath, "")
	assert.Equal(t, http.StatusNotFound, got.StatusCode)
	assert.JSONEq(t, `{"error":{"code":404,"message":"No such object: bucket/a","errors":[{"domain":"global","reason":"notFound","message":"No such object: bucket/a"}]}}`, got.body)
	got = s.send(t, "GET", objectPath+"?alt=media", "")
	assert.Equal(t, "404 text/plain; charset=utf-8 No such object: bucket/a", fmt.Sprint(got.StatusCode, " ", got.Header.Get("Content-Type"), " ", got.body))
	got = s.send(t, "GET", "/bucket/a", "")
	assert.Equal(t, http.StatusNotFound, got.StatusCode)
	assert.Contains(t, got.body, "<Error><Code>NoSuchKey</Code><Message>No such object: bucket/a</Message></Error>")
	got = s.send(t, "GET", "/nobucket/a", "")
	assert.Contains(t, got.body, "<Error><Code>NoSuchBucket</Code><Message>The specified bucket does not exist.</Message></Error>")

	other := s.client.Bucket("nobucket")
	_, err := other.Attrs(t.Context())
	assert.ErrorIs(t, err, storage.ErrBucketNotExist)
	_, err = other.Objects(t.Context(), nil).Next()
	assert.ErrorIs(t, err, storage.ErrBucketNotExist)
	assert.ErrorContains(t, err, "The specified bucket does not exist.")
	assert.Equal(t, "notFound", requireError(t, write(t, other.Object("a"), "x"), http.StatusNotFound).Errors[0].Reason)
	attrs, err := s.Attrs(t.Context())
	require.NoError(t, err)
	assert.Equal(t, name, attrs.Name)
}

func TestNotImplemented(t *testing.T) {
	s := serve(t, gcsfake.Options{})
	for _, request := range [][2]string{
		{"POST", "/storage/v1/b"}, {"PUT", "/bucket/a"}, {"GET", "/bucket"}, {"POST", "/storage/v1/b/bucket/o"}, {"GET", "/storage/v1/b/bucket/acl"},
		{"GET", "/upload/storage/v1/b/bucket/o/a"}, {"GET", "/storage/v1/b/bucket/o/a/acl"}, {"PUT", objectPath}, {"GET", "/storage/v1/b/bucket/o/"},
		{"PUT", insertPath}, {"GET", insertPath}, {"PUT", sessionPath}, {"DELETE", sessionPath}, {"POST", "/upload/storage/v1/b/bucket/o?uploadType=media"},
		{"GET", objectPath + "?softDeleted=true"}, {"DELETE", objectPath + "?prefix=x"}, {"GET", "/storage/v1/b/bucket?ifMetagenerationMatch=1"},
	} {
		assert.Equal(t, http.StatusNotImplemented, s.send(t, request[0], request[1], "").StatusCode, request)
	}
	assert.Equal(t, http.StatusNotImplemented, s.send(t, "GET", objectPath, "", "If-None-Match", "x").StatusCode)
	assert.Equal(t, http.StatusNotImplemented, s.send(t, "GET", "/storage/v1/b/bucket?ifMetagenerationNotMatch=1", "").StatusCode)
}

func TestAuthorization(t *testing.T) {
	s := serve(t, gcsfake.Options{Token: "secret"})
	for header, reason := range map[string]string{"": "required", "Bearer other": "authError", "Basic secret": "authError"} {
		got := s.send(t, "GET", objectPath, "", "Authorization", header)
		assert.Equal(t, http.StatusUnauthorized, got.StatusCode)
		assert.Contains(t, got.body, reason)
		assert.Contains(t, s.send(t, "GET", "/bucket/a", "", "Authorization", header).body, "<Code>AuthenticationRequired</Code>")
	}
	assert.Equal(t, http.StatusNotFound, s.send(t, "GET", objectPath, "", "Authorization", "Bearer secret").StatusCode)

	s = serve(t, gcsfake.Options{Denied: true})
	_, err := s.Object("a").Attrs(t.Context())
	assert.Equal(t, "forbidden", requireError(t, err, http.StatusForbidden).Errors[0].Reason)
	assert.Contains(t, s.send(t, "GET", "/bucket/a", "").body, "<Code>AccessDenied</Code>")
}

func TestUserProject(t *testing.T) {
	both(t, func(t *testing.T, options ...option.ClientOption) {
		s := serve(t, gcsfake.Options{UserProject: "payer"}, options...)
		requireError(t, write(t, s.Object("a"), "x"), http.StatusBadRequest)
		requireError(t, write(t, s.UserProject("other").Object("a"), "x"), http.StatusForbidden)
		paid := s.UserProject("payer")
		require.NoError(t, write(t, paid.Object("a"), bodyOf(chunk+1), chunked))
		got, _, err := read(t.Context(), paid.Object("a"), 0, 1)
		require.NoError(t, err)
		assert.Equal(t, "0", got)
		assert.Equal(t, []string{"a"}, list(t, paid.Objects(t.Context(), nil)))
		_, err = paid.Attrs(t.Context())
		require.NoError(t, err)
		require.NoError(t, paid.Object("a").Delete(t.Context()))
	})
}

func TestUpdate(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	s := serve(t, gcsfake.Options{Clock: func() time.Time { now = now.Add(time.Second); return now }})
	o := s.Object("a")
	require.NoError(t, write(t, o, "x", func(w *storage.Writer) { w.Metadata = map[string]string{"k": "v"}; w.ContentType = "x/y" }))
	before, err := o.Attrs(t.Context())
	require.NoError(t, err)
	after, err := o.Update(t.Context(), storage.ObjectAttrsToUpdate{Metadata: map[string]string{"l": "w"}, CacheControl: "no-store"})
	require.NoError(t, err)
	assert.Equal(t, map[string]string{"k": "v", "l": "w"}, after.Metadata)
	assert.Equal(t, "x/y no-store", after.ContentType+" "+after.CacheControl)
	assert.Equal(t, before.Generation, after.Generation)
	assert.EqualValues(t, 2, after.Metageneration)
	assert.Equal(t, before.Created, after.Created)
	assert.True(t, after.Updated.After(before.Updated))
	after, err = o.Update(t.Context(), storage.ObjectAttrsToUpdate{Metadata: map[string]string{}, ContentType: ""})
	require.NoError(t, err)
	assert.Empty(t, after.Metadata)
	assert.Empty(t, after.ContentType)
	assert.Contains(t, s.send(t, "PATCH", objectPath, `{"metadata":{"m":"x","n":"y"}}`).body, `"m":"x"`)
	assert.NotContains(t, s.send(t, "PATCH", objectPath, `{"metadata":{"m":null}}`).body, `"m":`)
	for _, body := range []string{"{", `{"metadata":1}`, `{"contentType":1}`} {
		assert.Equal(t, http.StatusBadRequest, s.send(t, "PATCH", objectPath, body).StatusCode)
	}
	_, err = s.Object("missing").Update(t.Context(), storage.ObjectAttrsToUpdate{ContentType: "x"})
	assert.ErrorIs(t, err, storage.ErrObjectNotExist)
	s.raw(t, "PATCH "+objectPath+" HTTP/1.1\r\nHost: x\r\nContent-Length: 99\r\n\r\n{}")
}

func TestStrip(t *testing.T) {
	s := serve(t, gcsfake.Options{})
	require.NoError(t, write(t, s.Object("a"), "x", func(w *storage.Writer) { w.Metadata = map[string]string{"k": "v"} }))
	assert.True(t, s.Strip(name, "a"))
	assert.False(t, s.Strip(name, "b"))
	got, ok := s.Get(name, "a")
	assert.True(t, ok)
	assert.Empty(t, got.Metadata)
	assert.Equal(t, "x", string(got.Body))
	_, ok = s.Get(name, "b")
	assert.False(t, ok)
}

func TestFailDeletes(t *testing.T) {
	s := serve(t, gcsfake.Options{})
	for reason, code := range map[string]int{"forbidden": 403, "retentionPolicyNotMet": 403, "rateLimitExceeded": 429, "backendError": 503} {
		s.Put(name, "a", nil)
		s.Put(name, "b", nil)
		s.FailDeletes(func(key string) string {
			if key == "a" {
				return reason
			}
			return ""
		})
		err := s.Object("a").Delete(t.Context())
		assert.Equal(t, reason, requireError(t, err, code).Errors[0].Reason)
		require.NoError(t, s.Object("b").Delete(t.Context()))
		assert.Equal(t, []string{"a"}, s.Keys(name))
	}
}

func TestOmit(t *testing.T) {
	both(t, func(t *testing.T, options ...option.ClientOption) {
		s := serve(t, gcsfake.Options{Omit: []string{"crc32c", "md5Hash", "timeCreated", "metadata"}}, options...)
		o := s.Object("a")
		require.NoError(t, write(t, o, "x", chunked, func(w *storage.Writer) { w.Metadata = map[string]string{"k": "v"} }))
		got, r, err := read(t.Context(), o, 0, -1)
		require.NoError(t, err)
		assert.Equal(t, "x", got)
		assert.Empty(t, r.Metadata())
		assert.Zero(t, r.Attrs.CRC32C)
		attrs, err := o.Attrs(t.Context())
		require.NoError(t, err)
		assert.Zero(t, attrs.CRC32C)
		assert.Empty(t, attrs.MD5)
		assert.Zero(t, attrs.Created)
		assert.Empty(t, attrs.Metadata)
		stored, _ := s.Get(name, "a")
		assert.Equal(t, map[string]string{"k": "v"}, stored.Metadata)
	})
}
