package s3_test

import (
	"bytes"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ltxstore/ltxstore/internal/testkit/httpfault"
	"github.com/ltxstore/ltxstore/internal/testkit/s3fake"
	"github.com/ltxstore/ltxstore/s3"
)

// flip changes the request's body on its way to the server, at one place.
func flip(old, with string) httpfault.Effect {
	return func(x httpfault.Exchange, w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err == nil {
			r.Body = io.NopCloser(bytes.NewReader(bytes.Replace(body, []byte(old), []byte(with), 1)))
			x.Next.ServeHTTP(w, r)
		}
	}
}

// TestBodyIsProtected: over TLS the checksum follows the body in a trailer, so
// that it is read once; over http it must be in the signed header. Either way
// the server refuses a body that is not the one that was sent.
func TestBodyIsProtected(t *testing.T) {
	const content = "the first of the bytes"
	for name, tt := range map[string]struct {
		secure  bool
		cfg     s3.Config
		size    int
		hit     string
		trailer string
	}{
		"http":              {false, s3.Config{ChecksumAlgorithm: "crc32"}, 1000, "PutObject", ""},
		"TLS":               {true, s3.Config{ChecksumAlgorithm: "crc32"}, 1000, "PutObject", "x-amz-checksum-crc32"},
		"TLS, parts":        {true, s3.Config{ChecksumAlgorithm: "crc64nvme"}, largeSize, "UploadPart", "x-amz-checksum-crc64nvme"},
		"TLS, no checksum":  {true, s3.Config{ChecksumAlgorithm: "none"}, 1000, "PutObject", ""},
		"http, no checksum": {false, s3.Config{ChecksumAlgorithm: "none"}, 1000, "PutObject", ""},
	} {
		t.Run(name, func(t *testing.T) {
			s3.TakeSmallParts(&tt.cfg, smallPart)
			f, err := newFake(tt.cfg, s3fake.Options{MinPart: smallPart}, tt.secure)
			require.NoError(t, err)
			t.Cleanup(func() { assert.NoError(t, f.close()) })
			client := f.client(func(*s3.Config) {})
			t.Cleanup(func() { assert.NoError(t, client.Close()) })
			body := content + strings.Repeat("x", tt.size)

			f.layer.Record()
			_, err = client.WriteLTXFile(t.Context(), 0, 1, 1, strings.NewReader(body))
			require.NoError(t, err)
			seen := 0
			for _, entry := range f.layer.Log() {
				if entry.Operation != tt.hit {
					continue
				}
				seen++
				assert.Equal(t, tt.trailer, entry.Header.Get("X-Amz-Trailer"))
				sum := entry.Header.Get("X-Amz-Content-Sha256")
				if tt.trailer != "" {
					assert.Equal(t, "STREAMING-UNSIGNED-PAYLOAD-TRAILER", sum)
				} else {
					assert.Len(t, sum, 64, "the body is signed")
				}
			}
			assert.Positive(t, seen)

			f.layer.Add(&httpfault.Rule{Match: httpfault.Match{Operation: tt.hit}, Times: -1, Do: flip("first", "worst")})
			_, err = client.WriteLTXFile(t.Context(), 0, 2, 2, strings.NewReader(body))
			require.ErrorContains(t, err, "returned 400")
			assert.Equal(t, []string{fakePath + "/" + f.keys.File(0, 1, 1)}, f.Keys(fakeBucket))
			assert.Empty(t, f.Uploads(fakeBucket))
		})
	}
}
