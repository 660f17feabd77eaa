package transport

import (
	"net/http"
	"slices"
	"strings"
)

// Compressed says why an answer with this header is not the service's own, for Foreign: a
// proxy has compressed it, although no request asks for that. Its bytes would pass for those
// of a file. It is empty for other answers.
func Compressed(header http.Header) (why string) {
	for coding := range strings.SplitSeq(strings.Join(header.Values("Content-Encoding"), ","), ",") {
		coding = strings.ToLower(strings.TrimSpace(coding))
		if slices.Contains([]string{"gzip", "x-gzip", "deflate", "compress", "br", "zstd"}, coding) {
			return "it is compressed (Content-Encoding " + coding + "), which was not asked for: a proxy must pass on answers unchanged"
		}
	}
	return ""
}
