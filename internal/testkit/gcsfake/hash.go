package gcsfake

import (
	"crypto/md5"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"net/http"
	"strconv"
	"strings"
)

func crc32cOf(body []byte) string {
	sum := crc32.Checksum(body, crc32.MakeTable(crc32.Castagnoli))
	return base64.StdEncoding.EncodeToString(binary.BigEndian.AppendUint32(nil, sum))
}

func md5Of(body []byte) string {
	sum := md5.Sum(body)
	return base64.StdEncoding.EncodeToString(sum[:])
}

// expected are the hashes that a writer states in advance. Empty ones are not
// checked.
type expected struct{ crc32c, md5, size string }

// with adds the hashes of an X-Goog-Hash, in one header or several.
func (e expected) with(header http.Header) expected {
	for _, value := range header.Values("X-Goog-Hash") {
		for hash := range strings.SplitSeq(value, ",") {
			switch name, sum, _ := strings.Cut(strings.TrimSpace(hash), "="); name {
			case "crc32c":
				e.crc32c = sum
			case "md5":
				e.md5 = sum
			}
		}
	}
	return e
}

func (e expected) verify(body []byte) error {
	if size := strconv.Itoa(len(body)); e.size != "" && e.size != size {
		return fail(http.StatusBadRequest, "invalid", fmt.Sprintf("Provided size %s doesn't match calculated size %s.", e.size, size))
	}
	for _, hash := range []struct {
		name, want string
		of         func([]byte) string
	}{{"CRC32C", e.crc32c, crc32cOf}, {"MD5 hash", e.md5, md5Of}} {
		if hash.want == "" {
			continue
		}
		if sum := hash.of(body); sum != hash.want {
			return fail(http.StatusBadRequest, "invalid", fmt.Sprintf("Provided %s %q doesn't match calculated %s %q.", hash.name, hash.want, hash.name, sum))
		}
	}
	return nil
}
