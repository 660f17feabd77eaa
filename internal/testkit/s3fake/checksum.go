package s3fake

import (
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"hash"
	"hash/crc32"
	"hash/crc64"
	"net/http"
	"strings"
)

const checksumPrefix = "X-Amz-Checksum-"

// nvme is the polynomial of CRC-64/NVME, reversed as hash/crc64 requires it.
const nvme = 0x9a6c9329ac4bc9b5

var algorithms = [...]struct {
	name string
	make func() hash.Hash
}{
	{"crc32", func() hash.Hash { return crc32.NewIEEE() }},
	{"crc32c", func() hash.Hash { return crc32.New(crc32.MakeTable(crc32.Castagnoli)) }},
	{"crc64nvme", func() hash.Hash { return crc64.New(crc64.MakeTable(nvme)) }},
	{"sha1", sha1.New},
	{"sha256", sha256.New},
}

// checksum returns the checksum in base64; ok is false for an algorithm that
// the server does not know.
func checksum(algorithm string, body []byte) (sum string, ok bool) {
	for _, a := range algorithms {
		if a.name == algorithm {
			h := a.make()
			h.Write(body)
			return base64.StdEncoding.EncodeToString(h.Sum(nil)), true
		}
	}
	return "", false
}

// given returns the checksums in the headers of a request.
func given(header http.Header) map[string]string {
	sums := make(map[string]string)
	for _, a := range algorithms {
		if sum := header.Get(checksumPrefix + a.name); sum != "" {
			sums[a.name] = sum
		}
	}
	return sums
}

func verifyChecksums(header http.Header, body []byte) error {
	sums := given(header)
	for algorithm, want := range sums {
		if got, _ := checksum(algorithm, body); got != want {
			return fail(http.StatusBadRequest, "BadDigest", "the "+algorithm+" is "+got)
		}
	}
	if named := strings.ToLower(header.Get("X-Amz-Sdk-Checksum-Algorithm")); named != "" && sums[named] == "" {
		return fail(http.StatusBadRequest, "InvalidRequest", "x-amz-sdk-checksum-algorithm without its checksum")
	}
	return nil
}

// takesChecksums rejects requests that services without checksums reject.
func (s *Server) takesChecksums(r *request) error {
	if !s.opt.RefuseChecksums {
		return nil
	}
	for name := range r.Header {
		if strings.HasPrefix(name, checksumPrefix) || name == "X-Amz-Sdk-Checksum-Algorithm" || name == "X-Amz-Trailer" {
			return fail(http.StatusBadRequest, "InvalidArgument", "unsupported header "+name)
		}
	}
	if strings.HasPrefix(r.Header.Get(contentSHA256), streaming) {
		return fail(http.StatusNotImplemented, "NotImplemented", "aws-chunked")
	}
	return nil
}

func setChecksums(header http.Header, sums map[string]string) {
	for algorithm, sum := range sums {
		header.Set(checksumPrefix+algorithm, sum)
	}
}
