package absfake

import (
	"bytes"
	"crypto/hmac"
	"crypto/md5"
	"crypto/sha256"
	"encoding/base64"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// headers are the headers that requests may have, in addition to x-ms-meta-.
var headers = []string{
	"Accept", "Accept-Encoding", "Authorization", "Content-Length", "Content-Md5", "Content-Type", "Date", "If-Match", "If-None-Match",
	"User-Agent", "X-Ms-Access-Tier", "X-Ms-Blob-Content-Md5", "X-Ms-Blob-Content-Type", "X-Ms-Blob-Type", "X-Ms-Client-Request-Id",
	"X-Ms-Date", "X-Ms-Encryption-Algorithm", "X-Ms-Encryption-Key", "X-Ms-Encryption-Key-Sha256", "X-Ms-Encryption-Scope",
	"X-Ms-Range", "X-Ms-Version", "Content-Id", "Content-Transfer-Encoding",
}

var parameters = []string{
	"blockid", "comp", "delimiter", "include", "marker", "maxresults", "prefix", "restype", "startFrom", // and a signature's:
	"sv", "sr", "ss", "srt", "sp", "se", "st", "spr", "sig",
}

// known returns an error for a header or parameter that the service would ignore.
func (r *request) known() error {
	for name := range r.Header {
		if meta, ok := strings.CutPrefix(name, "X-Ms-Meta-"); ok && strings.ContainsFunc(meta, func(c rune) bool {
			return c != '_' && (c < '0' || c > '9') && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z')
		}) {
			return fail(http.StatusBadRequest, "InvalidMetadata")
		} else if !ok && !slices.Contains(headers, name) {
			return fail(http.StatusBadRequest, "UnsupportedHeader")
		}
	}
	for name := range r.URL.Query() {
		if !slices.Contains(parameters, name) {
			return fail(http.StatusBadRequest, "UnsupportedQueryParameter")
		}
	}
	return nil
}

// read reads the whole body and compares its MD5. It fails if the body is
// truncated.
func (r *request) read() (err error) {
	if r.Method != http.MethodPut && r.Method != http.MethodPost {
		return nil
	}
	if r.ContentLength < 0 {
		return fail(http.StatusLengthRequired, "MissingContentLengthHeader")
	}
	body := bytes.NewBuffer(make([]byte, 0, min(max(r.ContentLength, 0), 64<<20)+bytes.MinRead)) // a large one is not to grow step by step
	if _, err := body.ReadFrom(r.Body); err != nil {
		return fail(http.StatusBadRequest, "IncompleteBody")
	}
	r.body = body.Bytes()
	if given := r.Header.Get("Content-Md5"); given != "" {
		if sum := md5.Sum(r.body); given != base64.StdEncoding.EncodeToString(sum[:]) {
			return fail(http.StatusBadRequest, "Md5Mismatch")
		}
	}
	return nil
}

// metadata returns the metadata of the request, with names in lower case.
func (r *request) metadata() map[string]string {
	m := make(map[string]string)
	for name := range r.Header {
		if meta, ok := strings.CutPrefix(name, "X-Ms-Meta-"); ok {
			m[strings.ToLower(meta)] = r.Header.Get(name)
		}
	}
	return m
}

// conditions returns an error if one does not hold. The lock is held.
func (r *request) conditions(b *Blob) error {
	exists := b != nil && b.committed
	switch match, none := r.Header.Get("If-Match"), r.Header.Get("If-None-Match"); {
	case match != "" && (!exists || b.ETag != match):
		return fail(http.StatusPreconditionFailed, "ConditionNotMet")
	case none == "*" && exists:
		return fail(http.StatusConflict, "BlobAlreadyExists")
	case none != "" && none != "*":
		return fail(http.StatusBadRequest, "UnsupportedHeader")
	}
	return nil
}

// customerKey returns an error unless the key is the one that the blob is
// encrypted with.
func (r *request) customerKey(want string) error {
	given := r.Header.Get("X-Ms-Encryption-Key-Sha256")
	key, err := base64.StdEncoding.DecodeString(r.Header.Get("X-Ms-Encryption-Key"))
	sum := sha256.Sum256(key)
	switch {
	case given != "" && (err != nil || len(key) != 32 || given != base64.StdEncoding.EncodeToString(sum[:]) || r.Header.Get("X-Ms-Encryption-Algorithm") != "AES256"):
		return fail(http.StatusBadRequest, "InvalidHeaderValue")
	case given != want:
		return fail(http.StatusConflict, "BlobCustomerSpecifiedEncryptionMismatch")
	}
	return nil
}

func (s *Server) authorize(r *http.Request) error {
	query := r.URL.Query()
	switch {
	case s.opt.SAS != "":
		want, _ := url.ParseQuery(s.opt.SAS)
		for name := range want {
			if query.Get(name) != want.Get(name) {
				return fail(http.StatusForbidden, "AuthenticationFailed")
			}
		}
	case s.opt.Key != "":
		key, _ := base64.StdEncoding.DecodeString(s.opt.Key)
		mac := hmac.New(sha256.New, key)
		io.WriteString(mac, s.stringToSign(r))
		if r.Header.Get("Authorization") != "SharedKey "+s.opt.Account+":"+base64.StdEncoding.EncodeToString(mac.Sum(nil)) {
			return fail(http.StatusForbidden, "AuthenticationFailed")
		}
	}
	return nil
}

// stringToSign is described in "Authorize with Shared Key".
func (s *Server) stringToSign(r *http.Request) string {
	var b bytes.Buffer
	length := ""
	if r.ContentLength > 0 {
		length = strconv.FormatInt(r.ContentLength, 10)
	}
	b.WriteString(r.Method + "\n")
	for _, value := range []string{
		r.Header.Get("Content-Encoding"), r.Header.Get("Content-Language"), length, r.Header.Get("Content-Md5"), r.Header.Get("Content-Type"),
		"", r.Header.Get("If-Modified-Since"), r.Header.Get("If-Match"), r.Header.Get("If-None-Match"), r.Header.Get("If-Unmodified-Since"), r.Header.Get("Range"),
	} {
		b.WriteString(value + "\n")
	}
	var names []string
	for name := range r.Header {
		if name = strings.ToLower(name); strings.HasPrefix(name, "x-ms-") {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	for _, name := range names {
		b.WriteString(name + ":" + r.Header.Get(name) + "\n")
	}
	b.WriteString("/" + s.opt.Account + r.URL.EscapedPath())
	var params []string
	for name, values := range r.URL.Query() {
		slices.Sort(values)
		params = append(params, "\n"+strings.ToLower(name)+":"+strings.Join(values, ","))
	}
	slices.Sort(params)
	b.WriteString(strings.Join(params, ""))
	return b.String()
}
