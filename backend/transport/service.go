package transport

import (
	"cmp"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/backend/object"
	"github.com/ltxstore/ltxstore/internal/scrub"
)

// Service describes the responses of an HTTP service. A backend's bucket embeds it: it
// has the Classify of object.Bucket and the Describe of object.Describer, and makes the
// HTTP client for the service's SDK.
type Service struct {
	// Own are headers of which each response of the service has at least one, and
	// those of a proxy have none.
	Own []string

	// Content reports whether a successful response to a request is the content of
	// an object, which may have any length. MaxDocument is how many bytes any other
	// response may have.
	Content     func(*http.Request) bool
	MaxDocument int64

	// Answer returns the response that an SDK's error is about, or nil if there is
	// none.
	Answer func(err error) *Answer

	// Unread, if not nil, reports whether an error without an Answer is about a
	// response that the SDK could not parse.
	Unread func(err error) bool

	// Kinds maps error codes to kinds.
	Kinds map[string]error

	// Place is added to errors, such as `bucket "b" at https://host`.
	Place string

	// Secrets are removed from errors.
	Secrets *scrub.Secrets
}

// Answer is the response to a request that failed. All fields except Err are optional.
type Answer struct {
	Operation, RequestID string

	Status int
	Header http.Header

	// Code is the service's error code, and Message its text. Hint says what is
	// wrong and how to fix it, if these do not.
	Code, Message, Hint string

	// Request is the request. The response may repeat its credentials.
	Request *http.Request

	// Err is the error of the SDK, whose text Describe replaces.
	Err error
}

// Classify implements object.Bucket.
func (s *Service) Classify(err error) object.Failure {
	var header http.Header
	if answer := s.Answer(err); answer != nil {
		header = answer.Header
	}
	return Failure(s.Kind(err), header)
}

// Kind returns the kind of an error for Failure.Kind, according to the service's error
// code, or else the status. A 404 without a code may come from a proxy, and is
// ltxstore.ErrUnavailable.
func (s *Service) Kind(err error) error {
	if kind := object.KindOf(err); kind != nil {
		return kind
	}
	answer := s.Answer(err)
	if answer == nil {
		if IsBroken(err) || s.Unread != nil && s.Unread(err) {
			return ltxstore.ErrUnavailable
		}
		return nil
	}
	kind, known := s.Kinds[answer.Code]
	switch own := s.isOwn(answer.Header); {
	case own && known:
		return kind
	case !own && answer.Status == http.StatusNotFound:
		return ltxstore.ErrUnavailable
	}
	return KindOfStatus(answer.Status)
}

func (s *Service) isOwn(header http.Header) bool {
	return slices.ContainsFunc(s.Own, func(name string) bool { return header.Get(name) != "" })
}

// Describe implements object.Describer: the text says how to fix the problem, what the
// service said, and where, without secrets. The text of an SDK may have ten lines, with
// request IDs first and the request's URL with its signature.
func (s *Service) Describe(err error) error {
	text, details := err.Error(), []string{s.Place}
	var sent scrub.Secrets
	if answer := s.Answer(err); answer != nil {
		text = strings.Replace(text, answer.Err.Error(), answer.words(), 1)
		if answer.Hint != "" {
			text = answer.Hint + ": " + text
		}
		details = append(details, answer.exchange())
		sent.Add(answer.credentials()...)
	}
	where := ""
	if details = slices.DeleteFunc(details, func(s string) bool { return s == "" }); len(details) > 0 {
		where = " (" + strings.Join(details, "; ") + ")"
	}
	clean := func(text string) string { return cut(s.Secrets.Text(sent.Text(text))) }
	return scrub.Reworded(err, clean(text)+clean(where))
}

// maxText is the maximum size in bytes of a service's text in an error. Longer texts are
// truncated after secrets are removed, so that no part of a secret remains.
const maxText = 4 << 10

func cut(text string) string {
	if len(text) <= maxText {
		return text
	}
	return strings.ToValidUTF8(text[:maxText], "") + "…"
}

// words returns the text of the service, or that of the status.
func (a *Answer) words() string {
	message := strings.TrimSpace(a.Message)
	switch {
	case a.Code == "" && message == "":
		return cmp.Or(http.StatusText(a.Status), "the request failed")
	case a.Code == "", message == "", strings.EqualFold(strings.ReplaceAll(message, " ", ""), a.Code):
		return cmp.Or(message, a.Code)
	}
	return a.Code + ": " + message
}

// credentials returns the secrets in the header of the request: tokens, signatures and keys.
func (a *Answer) credentials() (secrets []string) {
	if a.Request == nil {
		return nil
	}
	for _, name := range []string{"Authorization", "X-Amz-Security-Token", "X-Amz-S3session-Token", "X-Amz-Server-Side-Encryption-Customer-Key"} {
		value := a.Request.Header.Get(name)
		_, token, _ := strings.Cut(value, " ")
		_, signature, _ := strings.Cut(token, ":")
		_, signature4, _ := strings.Cut(token, "Signature=") // of AWS, version 4
		secrets = append(secrets, value, token, signature, signature4)
	}
	return secrets
}

// exchange returns the request and the status of its response.
func (a *Answer) exchange() string {
	text := a.Operation
	if a.Status != 0 {
		text = fmt.Sprintf("%s returned %d", cmp.Or(text, "the request"), a.Status)
	}
	if a.RequestID != "" {
		text += ", request ID " + a.RequestID
	}
	return text
}

// maxError is more than the size of any error.
const maxError = 256 << 10

// Client returns an HTTP client that sends requests with next and does not follow
// redirects. Successful responses that are not from the service, or are too long, become
// errors: an SDK would accept them, and read them into memory.
func (s *Service) Client(next http.RoundTripper) *http.Client {
	return &http.Client{Transport: &checked{s, next}, CheckRedirect: NoRedirect}
}

type checked struct {
	service *Service
	next    http.RoundTripper
}

// RoundTrip implements http.RoundTripper.
func (c *checked) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := c.next.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	limit := c.service.MaxDocument
	why := Compressed(resp.Header)
	switch {
	case why != "":
		resp.Body.Close()
		return nil, Foreign("%s", why)
	case resp.StatusCode == http.StatusPartialContent && resp.Header.Get("Content-Range") == "":
		resp.Body.Close()
		return nil, Foreign("a part without Content-Range")
	case resp.StatusCode == http.StatusNotModified: // a success for Azure's SDK, without a body
		resp.Body.Close()
		return nil, Foreign("unexpected status %d %s", resp.StatusCode, http.StatusText(resp.StatusCode))
	case resp.StatusCode >= 300:
		limit = maxError
	case !c.service.isOwn(resp.Header):
		resp.Body.Close()
		return nil, Foreign("no header %s", strings.Join(c.service.Own, " or "))
	case c.service.Content(req):
		return resp, nil
	}
	resp.Body = Bound(resp.Body, limit, Foreign("too long"))
	return resp, nil
}

// Bound returns body limited to n bytes: reading more fails with err.
func Bound(body io.ReadCloser, n int64, err error) io.ReadCloser { return &bound{body, n, err} }

type bound struct {
	io.ReadCloser
	left int64
	err  error
}

// Read implements io.Reader.
func (b *bound) Read(p []byte) (int, error) {
	if b.left == 0 {
		return 0, b.err
	}
	n, err := b.ReadCloser.Read(p[:min(int64(len(p)), b.left)])
	b.left -= int64(n)
	return n, err
}
