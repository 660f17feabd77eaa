package gcsfake_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"testing"

	"cloud.google.com/go/storage"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/api/option"

	"github.com/ltxstore/ltxstore/internal/testkit/gcsfake"
)

func TestCustomerKey(t *testing.T) {
	both(t, func(t *testing.T, options ...option.ClientOption) {
		s := serve(t, gcsfake.Options{}, options...)
		key, other := bytes.Repeat([]byte{1}, 32), bytes.Repeat([]byte{2}, 32)
		for _, set := range []func(*storage.Writer){func(*storage.Writer) {}, chunked} {
			require.NoError(t, write(t, s.Object("a").Key(key), bodyOf(chunk+1), set))
			got, _, err := read(t.Context(), s.Object("a").Key(key), 0, 3)
			require.NoError(t, err)
			assert.Equal(t, "0,1", got)
		}
		s.Put(name, "plain", []byte("x"))

		for reason, o := range map[string]*storage.ObjectHandle{
			"resourceIsEncryptedWithCustomerEncryptionKey":  s.Object("a"),
			"customerEncryptionKeyIsIncorrect":              s.Object("a").Key(other),
			"resourceNotEncryptedWithCustomerEncryptionKey": s.Object("plain").Key(key),
		} {
			_, _, err := read(t.Context(), o, 0, -1)
			requireError(t, err, http.StatusBadRequest)
			_, err = o.Attrs(t.Context())
			if reason == "resourceIsEncryptedWithCustomerEncryptionKey" {
				require.NoError(t, err, "what is not encrypted may be seen")
				continue
			}
			assert.Equal(t, reason, requireError(t, err, http.StatusBadRequest).Errors[0].Reason)
			_, err = o.Update(t.Context(), storage.ObjectAttrsToUpdate{ContentType: "x"})
			assert.Equal(t, reason, requireError(t, err, http.StatusBadRequest).Errors[0].Reason)
		}
		attrs, err := s.Object("a").Key(key).Attrs(t.Context())
		require.NoError(t, err)
		sum := sha256.Sum256(key)
		assert.Equal(t, base64.StdEncoding.EncodeToString(sum[:]), attrs.CustomerKeySHA256)
		assert.NotZero(t, attrs.CRC32C)
		attrs, err = s.Object("a").Attrs(t.Context())
		require.NoError(t, err)
		assert.Equal(t, base64.StdEncoding.EncodeToString(sum[:]), attrs.CustomerKeySHA256)
		assert.Zero(t, attrs.CRC32C)
		assert.Empty(t, attrs.MD5)
		listed, err := s.Objects(t.Context(), nil).Next()
		require.NoError(t, err)
		assert.Equal(t, "a", listed.Name)
		assert.Zero(t, listed.CRC32C)
		require.NoError(t, s.Object("a").Delete(t.Context()), "a delete needs no key")
	})
}

func TestBadCustomerKey(t *testing.T) {
	s := serve(t, gcsfake.Options{})
	s.Put(name, "a", nil)
	key := bytes.Repeat([]byte{1}, 32)
	sum := sha256.Sum256(key)
	text, hash := base64.StdEncoding.EncodeToString(key), base64.StdEncoding.EncodeToString(sum[:])
	for _, headers := range [][3]string{
		{"", text, hash}, {"AES128", text, hash}, {"AES256", "", hash}, {"AES256", "AAAA", hash}, {"AES256", "?", hash}, {"AES256", text, ""}, {"AES256", text, text},
	} {
		for _, request := range [][3]string{
			{"GET", "/storage/v1/b/bucket/o/a", ""}, {"GET", "/storage/v1/b/bucket/o/a?alt=media", ""}, {"GET", "/bucket/a", ""},
			{"PATCH", "/storage/v1/b/bucket/o/a", "{}"},
			{"POST", insertPath, head + "{}" + media + "x" + tail}, {"POST", sessionPath, ""},
		} {
			got := s.send(t, request[0], request[1], request[2], "Content-Type", related, "X-Goog-Encryption-Algorithm", headers[0],
				"X-Goog-Encryption-Key", headers[1], "X-Goog-Encryption-Key-Sha256", headers[2])
			assert.Equal(t, http.StatusBadRequest, got.StatusCode)
			assert.Contains(t, got.body, "ncryption", "%v %v", headers, request)
		}
	}
	require.ErrorContains(t, write(t, s.Object("both").Key(key), "x", func(w *storage.Writer) { w.KMSKeyName = "k" }), "KMSKeyName")
	got := s.send(t, "POST", insertPath+"&kmsKeyName=k", head+"{}"+media+"x"+tail, "Content-Type", related,
		"X-Goog-Encryption-Algorithm", "AES256", "X-Goog-Encryption-Key", text, "X-Goog-Encryption-Key-Sha256", hash)
	assert.Equal(t, http.StatusBadRequest, got.StatusCode)
	assert.Equal(t, []string{"a"}, s.Keys(name))
}
