package s3fake_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ltxstore/ltxstore/internal/testkit/s3fake"
)

// chunk is a signed chunk of so many bytes.
func chunk(digits string, size int, signature string) string {
	head := digits + ";chunk-signature=" + signature + "\r\n"
	if size == 0 {
		return head
	}
	return head + strings.Repeat("a", size) + "\r\n"
}

// putChunks sends the request of Amazon's documentation with this body.
func putChunks(t *testing.T, body, mode, signedHeaders, signature string, header ...string) (*s3fake.Server, int) {
	t.Helper()
	s := s3fake.New(s3fake.Options{AccessKeyID: "AKIAIOSFODNN7EXAMPLE", SecretAccessKey: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"}, "examplebucket")
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPut, "/examplebucket/chunkObject.txt", strings.NewReader(body))
	r.Host = "s3.amazonaws.com"
	header = append(header, "Content-Encoding", "aws-chunked", "X-Amz-Date", "20130524T000000Z", "X-Amz-Decoded-Content-Length", "66560",
		"X-Amz-Storage-Class", "REDUCED_REDUNDANCY", "X-Amz-Content-Sha256", mode, "Authorization",
		"AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,SignedHeaders="+signedHeaders+",Signature="+signature)
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	recorder := httptest.NewRecorder()
	s.ServeHTTP(recorder, r)
	return s, recorder.Code
}

// The numbers are those of Amazon's API reference: "Signature calculations for
// the authorization header: transferring payload in multiple chunks", and the
// same "including trailing headers". No client here signs its chunks.
func TestSignedChunks(t *testing.T) {
	for name, tt := range map[string]struct {
		body                           string
		mode, signedHeaders, signature string
		header                         []string
	}{
		"plain": {
			chunk("10000", 65536, "ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648") +
				chunk("400", 1024, "0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497") +
				chunk("0", 0, "b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9") + "\r\n",
			"STREAMING-AWS4-HMAC-SHA256-PAYLOAD",
			"content-encoding;content-length;host;x-amz-content-sha256;x-amz-date;x-amz-decoded-content-length;x-amz-storage-class",
			"4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9",
			[]string{"Content-Length", "66824"},
		},
		"trailer": {
			chunk("10000", 65536, "b474d8862b1487a5145d686f57f013e54db672cee1c953b3010fb58501ef5aa2") +
				chunk("400", 1024, "1c1344b170168f8e65b41376b44b20fe354e373826ccbbe2c1d40a8cae51e5c7") +
				chunk("0", 0, "2ca2aba2005185cf7159c6277faf83795951dd77a3a99e6e65d5c9f85863f992") +
				"x-amz-checksum-crc32c:sOO8/Q==\r\n" +
				"x-amz-trailer-signature:d81f82fc3505edab99d459891051a732e8730629a2e4a59689829ca17fe2e435\r\n\r\n",
			"STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER",
			"content-encoding;host;x-amz-content-sha256;x-amz-date;x-amz-decoded-content-length;x-amz-storage-class;x-amz-trailer",
			"106e2a8a18243abcf37539882f36619c00e2dfc72633413f02d3b74544bfeb8e",
			[]string{"X-Amz-Trailer", "x-amz-checksum-crc32c"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			s, status := putChunks(t, tt.body, tt.mode, tt.signedHeaders, tt.signature, tt.header...)
			require.Equal(t, http.StatusOK, status)
			o, ok := s.Get("examplebucket", "chunkObject.txt")
			require.True(t, ok)
			assert.Equal(t, strings.Repeat("a", 66560), string(o.Body))
			assert.Empty(t, o.Header.Get("Content-Encoding"), "it was of the transfer")

			for _, change := range [][2]string{{"aaaa", "aaba"}, {"chunk-signature=0", "chunk-signature=1"}, {"chunk-signature=2", "chunk-signature=3"},
				{"crc32c:s", "crc32c:t"}, {"trailer-signature:d", "trailer-signature:e"}} {
				altered := strings.Replace(tt.body, change[0], change[1], 1)
				if altered == tt.body {
					continue
				}
				s, status := putChunks(t, altered, tt.mode, tt.signedHeaders, tt.signature, tt.header...)
				assert.Equal(t, http.StatusBadRequest, status, change)
				assert.Empty(t, s.Keys("examplebucket"), change)
			}
		})
	}
}
