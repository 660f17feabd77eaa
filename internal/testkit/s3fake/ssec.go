package s3fake

import (
	"crypto/md5"
	"encoding/base64"
	"net/http"
)

const customerPrefix = "X-Amz-Server-Side-Encryption-Customer-"

// customerKey returns the MD5 of the request's key for SSE-C in base64, or the
// empty string if it has none.
func (s *Server) customerKey(r *request) (string, error) {
	algorithm, key, sum := r.Header.Get(customerPrefix+"Algorithm"), r.Header.Get(customerPrefix+"Key"), r.Header.Get(customerPrefix+"Key-Md5")
	if algorithm == "" && key == "" && sum == "" {
		return "", nil
	}
	raw, err := base64.StdEncoding.DecodeString(key)
	want := md5.Sum(raw)
	switch {
	case r.TLS == nil && !s.opt.PlainSSEC:
		return "", fail(http.StatusBadRequest, "InvalidRequest", "a customer's key must come over TLS")
	case algorithm != "AES256" || err != nil || len(raw) != 32 || sum != base64.StdEncoding.EncodeToString(want[:]):
		return "", fail(http.StatusBadRequest, "InvalidArgument", "the customer's key, its algorithm or its MD5")
	}
	return sum, nil
}

// mayRead checks that the request's key is the one that the object was written
// with.
func mayRead(o *Object, keyMD5 string) error {
	switch {
	case o.keyMD5 == keyMD5:
		return nil
	case keyMD5 == "":
		return fail(http.StatusBadRequest, "InvalidRequest", "the object was stored with a customer's key")
	case o.keyMD5 == "":
		return fail(http.StatusBadRequest, "InvalidRequest", "the object was stored without a customer's key")
	}
	return fail(http.StatusForbidden, "AccessDenied", "another customer's key")
}

func setCustomerKey(header http.Header, keyMD5 string) {
	if keyMD5 != "" {
		header.Set(customerPrefix+"Algorithm", "AES256")
		header.Set(customerPrefix+"Key-Md5", keyMD5)
	}
}
