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

// Service is how an HTTP service answers. A backend's bucket embeds it: it has the
// Classify of object.Bucket and the Describe of object.Describer, and makes the
// client that the service's SDK sends its requests with.
type Service struct {
	// Own are headers of which each answer of the service has one, and those of a
	// proxy have none.
	Own []string

	// Content reports whether a successful answer to a request is the content of an
	// object, which may be of any length. MaxDocument is how many bytes any other
	// may have.
	Content     func(*http.Request) bool
	MaxDocument int64

	// Answer returns the answer that an SDK's error is about, nil if it is about none.
	Answer func(err error) *Answer

	// Unread, if not nil, reports whether an error without an Answer is about one that
	// the SDK could not read.
	Unread func(err error) bool

	// Kinds are the kinds of error codes.
	Kinds map[string]error

	// Place is where the errors happen: `bucket "b" at https://host`.
	Place string

	// Secrets are not shown in errors.
	Secrets *scrub.Secrets
}

// Answer is what a service answers to a request that it refuses. All but Err may be
// missing.
type Answer struct {
	Operation, RequestID string

	Status int
	Header http.Header

	// Code is the service's error code, and Message what it says to people. Hint
	// says what is wrong, and what would be right, where these do not.
	Code, Message, Hint string

	// Sent are secrets of the request that the answer may repeat.
	Sent []string

	// Err is the SDK's error, whose text Describe replaces.
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

// Kind returns the kind of an error as Failure.Kind has it, by the service's error
// code, and where there is none by the status, which may be a proxy's: its 404 is
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

// Describe implements object.Describer: how to mend what is wrong, what the service
// has said, and where, without secrets. An SDK's text may have ten lines, request IDs
// first, and the request's URL with its signature.
func (s *Service) Describe(err error) error {
	text, details := err.Error(), []string{s.Place}
	var sent scrub.Secrets
	if answer := s.Answer(err); answer != nil {
		text = strings.Replace(text, answer.Err.Error(), answer.words(), 1)
		if answer.Hint != "" {
			text = answer.Hint + ": " + text
		}
		details = append(details, answer.exchange())
		sent.Add(answer.Sent...)
	}
	where := ""
	if details = slices.DeleteFunc(details, func(s string) bool { return s == "" }); len(details) > 0 {
		where = " (" + strings.Join(details, "; ") + ")"
	}
	clean := func(text string) string { return cut(s.Secrets.Text(sent.Text(text))) }
	return scrub.Reworded(err, clean(text)+clean(where))
}

// maxText is as many bytes as a service is let say in an error. What is longer is cut
// when it is clean: half of a secret would be left.
const maxText = 4 << 10

func cut(text string) string {
	if len(text) <= maxText {
		return text
	}
	return strings.ToValidUTF8(text[:maxText], "") + "…"
}

// words says what the service has said, or the SDK of the status.
func (a *Answer) words() string {
	message := strings.TrimSpace(a.Message)
	switch {
	case a.Code == "" && message == "":
		return cmp.Or(http.StatusText(a.Status), "the service failed")
	case a.Code == "", message == "", strings.EqualFold(strings.ReplaceAll(message, " ", ""), a.Code):
		return cmp.Or(message, a.Code)
	}
	return a.Code + ": " + message
}

// exchange says which request failed and how it was answered.
func (a *Answer) exchange() string {
	text := a.Operation
	if a.Status != 0 {
		text = fmt.Sprintf("%s was answered with %d", cmp.Or(text, "the request"), a.Status)
	}
	if a.RequestID != "" {
		text += ", request ID " + a.RequestID
	}
	return text
}

// maxError is more than an error has to say.
const maxError = 256 << 10

// Client returns a client that sends its requests by next, follows no redirect, and
// passes on no success but the service's own, nor more of an answer than it may have:
// an SDK takes any success for one, and reads all of an answer into memory.
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
	case resp.StatusCode == http.StatusNotModified: // a success for Azure's SDK, without a body
		resp.Body.Close()
		return nil, Foreign("%d %s, which no request asks for", resp.StatusCode, http.StatusText(resp.StatusCode))
	case resp.StatusCode >= 300:
		limit = maxError
	case !c.service.isOwn(resp.Header):
		resp.Body.Close()
		return nil, Foreign("a success without %s", strings.Join(c.service.Own, " or "))
	case c.service.Content(req):
		return resp, nil
	}
	resp.Body = Bound(resp.Body, limit, Foreign("it is longer than any of the service's"))
	return resp, nil
}

// Bound returns body, which fails with err after n bytes.
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
