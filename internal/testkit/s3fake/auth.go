package s3fake

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"net/http"
	"slices"
	"strings"
)

// signing is a verified signature, with the key for signatures of chunks.
type signing struct {
	key         []byte
	date, scope string
	signature   string
}

const algorithmV4 = "AWS4-HMAC-SHA256"

// authorize verifies the request's signature, version 4, in the header.
func (s *Server) authorize(r *request) *apiError {
	if s.opt.AccessKeyID == "" {
		return nil
	}
	header := r.Header.Get("Authorization")
	if header == "" {
		return fail(http.StatusForbidden, "AccessDenied", "the request is not signed")
	}
	rest, ok := strings.CutPrefix(header, algorithmV4+" ")
	if !ok {
		return fail(http.StatusBadRequest, "AuthorizationHeaderMalformed", "want "+algorithmV4)
	}
	fields := make(map[string]string)
	for part := range strings.SplitSeq(rest, ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(part), "=")
		fields[name] = value
	}
	id, scope, _ := strings.Cut(fields["Credential"], "/")
	scoped := strings.Split(scope, "/") // date/region/service/aws4_request
	switch {
	case len(scoped) != 4 || scoped[2] != "s3" && scoped[2] != "s3express" || scoped[3] != "aws4_request":
		return fail(http.StatusBadRequest, "AuthorizationHeaderMalformed", "credential scope "+scope)
	case id != s.opt.AccessKeyID:
		return fail(http.StatusForbidden, "InvalidAccessKeyId", id)
	case r.Header.Get("X-Amz-Security-Token") != s.opt.SessionToken:
		return fail(http.StatusForbidden, "InvalidToken", "the session token is another")
	case s.opt.CheckRegion && scoped[1] != s.opt.Region:
		return fail(http.StatusMovedPermanently, "PermanentRedirect", "signed for "+scoped[1])
	}
	sign := &signing{date: r.Header.Get("X-Amz-Date"), scope: scope, key: []byte("AWS4" + s.opt.SecretAccessKey)}
	for _, part := range scoped {
		sign.key = mac(sign.key, part)
	}
	canonical, err := canonicalRequest(r, strings.Split(fields["SignedHeaders"], ";"))
	if err != nil {
		return err
	}
	sign.signature = sign.of(algorithmV4, hexSHA256([]byte(canonical)))
	if subtle.ConstantTimeCompare([]byte(sign.signature), []byte(fields["Signature"])) == 0 {
		return fail(http.StatusForbidden, "SignatureDoesNotMatch", canonical)
	}
	r.sign = sign
	return nil
}

// of signs the lines.
func (s *signing) of(algorithm string, lines ...string) string {
	text := append([]string{algorithm, s.date, s.scope}, lines...)
	return hex.EncodeToString(mac(s.key, strings.Join(text, "\n")))
}

func canonicalRequest(r *request, signed []string) (string, *apiError) {
	path, _, _ := strings.Cut(r.RequestURI, "?")
	var query []string
	if r.URL.RawQuery != "" {
		query = strings.Split(r.URL.RawQuery, "&")
	}
	for i := range query {
		if !strings.Contains(query[i], "=") {
			query[i] += "="
		}
	}
	slices.Sort(query)
	lines := []string{r.Method, path, strings.Join(query, "&")}
	for _, name := range signed {
		values := r.Header.Values(name)
		if name == "host" {
			values = []string{r.Host}
		}
		if len(values) == 0 {
			return "", fail(http.StatusForbidden, "SignatureDoesNotMatch", "signed header "+name+" is not there")
		}
		trimmed := make([]string, len(values))
		for i, value := range values {
			trimmed[i] = strings.Join(strings.Fields(value), " ")
		}
		lines = append(lines, name+":"+strings.Join(trimmed, ","))
	}
	// All headers that change the meaning of a request must be signed.
	for name := range r.Header {
		if lower := strings.ToLower(name); strings.HasPrefix(lower, "x-amz-") && !slices.Contains(signed, lower) {
			return "", fail(http.StatusForbidden, "AccessDenied", "header "+lower+" is not signed")
		}
	}
	if !slices.Contains(signed, "host") {
		return "", fail(http.StatusForbidden, "SignatureDoesNotMatch", "host is not signed")
	}
	return strings.Join(append(lines, "", strings.Join(signed, ";"), r.Header.Get(contentSHA256)), "\n"), nil
}

func mac(key []byte, text string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(text))
	return h.Sum(nil)
}

func hexSHA256(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}
