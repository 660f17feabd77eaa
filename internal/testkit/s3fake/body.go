package s3fake

import (
	"bufio"
	"bytes"
	"crypto/md5"
	"encoding/base64"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
)

const (
	contentSHA256 = "X-Amz-Content-Sha256"
	streaming     = "STREAMING-"
)

// body reads the whole request body, decodes it, and verifies its length and
// checksums. A truncated body is an error.
func (s *Server) body(r *request) ([]byte, error) {
	sum := r.Header.Get(contentSHA256)
	if s.opt.AccessKeyID != "" && sum == "" {
		return nil, fail(http.StatusBadRequest, "MissingSecurityHeader", contentSHA256)
	}
	if r.ContentLength < 0 {
		return nil, fail(http.StatusLengthRequired, "MissingContentLength", "want a Content-Length")
	}
	if err := s.takesChecksums(r); err != nil {
		return nil, err
	}
	raw := make([]byte, r.ContentLength)
	if _, err := io.ReadFull(r.Body, raw); err != nil {
		return nil, fail(http.StatusBadRequest, "IncompleteBody", err.Error())
	}
	body, trailer := raw, http.Header{}
	if strings.HasPrefix(sum, streaming) {
		var err error
		if body, trailer, err = r.unchunk(raw); err != nil {
			return nil, fail(http.StatusBadRequest, "IncompleteBody", err.Error())
		}
		if want := r.Header.Get("X-Amz-Decoded-Content-Length"); want != strconv.Itoa(len(body)) {
			return nil, fail(http.StatusBadRequest, "IncompleteBody", "decoded content length: "+want)
		}
	} else if sum != "" && sum != "UNSIGNED-PAYLOAD" && sum != hexSHA256(body) {
		return nil, fail(http.StatusBadRequest, "XAmzContentSHA256Mismatch", sum)
	}
	if err := checkMD5(r.Header.Get("Content-Md5"), body); err != nil {
		return nil, err
	}
	if announced := r.Header.Get("X-Amz-Trailer"); announced != "" {
		if trailer.Get(announced) == "" {
			return nil, fail(http.StatusBadRequest, "MalformedTrailerError", "no trailer "+announced)
		}
		r.Header.Set(announced, trailer.Get(announced))
	}
	return body, verifyChecksums(r.Header, body)
}

func checkMD5(header string, body []byte) error {
	if header == "" {
		return nil
	}
	want, err := base64.StdEncoding.DecodeString(header)
	if err != nil || len(want) != md5.Size {
		return fail(http.StatusBadRequest, "InvalidDigest", header)
	}
	if sum := md5.Sum(body); !bytes.Equal(sum[:], want) {
		return fail(http.StatusBadRequest, "BadDigest", "Content-MD5")
	}
	return nil
}

// unchunk decodes aws-chunked: chunks with or without signatures, and
// trailers.
func (r *request) unchunk(raw []byte) (body []byte, trailer http.Header, err error) {
	mode := r.Header.Get(contentSHA256)
	unsigned, trailing := strings.Contains(mode, "UNSIGNED"), strings.HasSuffix(mode, "-TRAILER")
	in := bufio.NewReader(bytes.NewReader(raw))
	for {
		line, err := readLine(in)
		if err != nil {
			return nil, nil, err
		}
		digits, extension, _ := strings.Cut(line, ";")
		size, err := strconv.ParseUint(digits, 16, 32)
		if err != nil {
			return nil, nil, err
		}
		if size > uint64(len(raw)) {
			return nil, nil, io.ErrUnexpectedEOF
		}
		chunk := make([]byte, size)
		if _, err := io.ReadFull(in, chunk); err != nil {
			return nil, nil, err
		}
		if !unsigned {
			if err := r.checkChunk("PAYLOAD", extension, hexSHA256(nil), hexSHA256(chunk)); err != nil {
				return nil, nil, err
			}
		}
		if size == 0 {
			break
		}
		body = append(body, chunk...)
		if end, err := readLine(in); err != nil || end != "" {
			return nil, nil, errors.New("no line end behind a chunk")
		}
	}
	trailer = make(http.Header)
	var signed strings.Builder
	for {
		line, err := readLine(in)
		if err != nil {
			return nil, nil, err
		}
		if line == "" {
			break
		}
		name, value, _ := strings.Cut(line, ":")
		trailer.Set(name, strings.TrimSpace(value))
		if !strings.EqualFold(name, "x-amz-trailer-signature") {
			signed.WriteString(strings.ToLower(name) + ":" + strings.TrimSpace(value) + "\n")
		}
	}
	if trailing && !unsigned {
		extension := "chunk-signature=" + trailer.Get("X-Amz-Trailer-Signature")
		err = r.checkChunk("TRAILER", extension, hexSHA256([]byte(signed.String())))
	}
	return body, trailer, err
}

func (r *request) checkChunk(kind, extension string, hashes ...string) error {
	if r.sign == nil {
		return nil // anybody may write here
	}
	want := r.sign.of(algorithmV4+"-"+kind, append([]string{r.sign.signature}, hashes...)...)
	if extension != "chunk-signature="+want {
		return errors.New("a chunk's signature does not match")
	}
	r.sign.signature = want
	return nil
}

func readLine(in *bufio.Reader) (string, error) {
	line, err := in.ReadString('\n')
	if err != nil {
		return "", io.ErrUnexpectedEOF
	}
	return strings.TrimRight(line, "\r\n"), nil
}
