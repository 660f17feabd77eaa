package ossfake

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// authorize checks the signature, of version 4, of a request to a bucket in its
// path.
func (s *Server) authorize(r *request) error {
	if s.opt.Secret == "" {
		return nil
	}
	date := r.Header.Get("X-Oss-Date")
	if len(date) != len("20060102T150405Z") || r.Header.Get("X-Oss-Content-Sha256") != "UNSIGNED-PAYLOAD" {
		return fail(http.StatusBadRequest, "InvalidArgument")
	}
	scope := date[:8] + "/" + s.opt.Region + "/oss/aliyun_v4_request"
	sum := sha256.Sum256([]byte(r.canonical()))
	key := []byte("aliyun_v4" + s.opt.Secret)
	for _, part := range append(strings.Split(scope, "/"), "OSS4-HMAC-SHA256\n"+date+"\n"+scope+"\n"+hex.EncodeToString(sum[:])) {
		mac := hmac.New(sha256.New, key)
		mac.Write([]byte(part))
		key = mac.Sum(nil)
	}
	id, _, _ := strings.Cut(strings.TrimPrefix(r.Header.Get("Authorization"), "OSS4-HMAC-SHA256 Credential="), "/")
	switch want := fmt.Sprintf("OSS4-HMAC-SHA256 Credential=%s/%s,Signature=%x", s.opt.ID, scope, key); {
	case id != s.opt.ID:
		return fail(http.StatusForbidden, "InvalidAccessKeyId")
	case r.Header.Get("Authorization") != want:
		return fail(http.StatusForbidden, "SignatureDoesNotMatch")
	}
	return nil
}

func (r *request) canonical() string {
	var b strings.Builder
	b.WriteString(r.Method + "\n" + escape(r.URL.Path, true) + "\n")
	var params []string
	for name, values := range r.URL.Query() {
		param := escape(name, false)
		if values[0] != "" {
			param += "=" + escape(values[0], false)
		}
		params = append(params, param)
	}
	slices.Sort(params)
	b.WriteString(strings.Join(params, "&") + "\n")
	var names []string
	for name := range r.Header {
		if name = strings.ToLower(name); strings.HasPrefix(name, "x-oss-") || name == "content-type" || name == "content-md5" {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	for _, name := range names {
		b.WriteString(name + ":" + strings.TrimSpace(r.Header.Get(name)) + "\n")
	}
	b.WriteString("\n\nUNSIGNED-PAYLOAD")
	return b.String()
}

func escape(text string, path bool) string {
	text = strings.ReplaceAll(url.QueryEscape(text), "+", "%20")
	if path {
		text = strings.ReplaceAll(text, "%2F", "/")
	}
	return text
}
