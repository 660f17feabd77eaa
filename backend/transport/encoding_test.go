package transport_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/ltxstore/ltxstore/backend/transport"
)

// What is only named, or is how S3 signs a body, is not compressed.
func TestCompressed(t *testing.T) {
	for _, values := range [][]string{nil, {""}, {"identity"}, {"aws-chunked"}, {"aws-chunked,", "Identity"}, {"gzipped"}} {
		assert.Empty(t, transport.Compressed(http.Header{"Content-Encoding": values}), values)
	}
	for _, values := range [][]string{{"gzip"}, {"aws-chunked, GZIP"}, {"identity", "br"}, {"x-gzip"}, {"deflate"}, {"compress"}, {"zstd"}} {
		assert.Contains(t, transport.Compressed(http.Header{"Content-Encoding": values}), "it is compressed (Content-Encoding ", values)
	}
}
