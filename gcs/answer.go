package gcs

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/ltxstore/ltxstore/backend/transport"
	"github.com/ltxstore/ltxstore/internal/scrub"
)

// Limits for the size of responses other than an object's content. A page of
// 1000 files has less than a megabyte, the metadata of an object up to 8 KiB,
// and an error a few hundred bytes.
const (
	maxListing  = 64 << 20
	maxDocument = 1 << 20
	maxError    = 16 << 10
	maxPage     = 512 // for error pages that are not from the service
)

// excerpt returns the beginning of a service's text, without secrets or parts of
// them.
func excerpt(said string, known *scrub.Secrets) string {
	return fmt.Sprintf("%.100q", known.Text(said))
}

// readAnswer reads a whole response. Errors that are too long are truncated,
// because only their status matters.
func (s *sending) readAnswer(resp *http.Response) ([]byte, error) {
	defer resp.Body.Close()
	limit := int64(maxDocument)
	switch {
	case resp.StatusCode >= 300:
		limit = maxError
	case s.op == opList:
		limit = maxListing
	}
	content, err := io.ReadAll(io.LimitReader(resp.Body, limit+1))
	switch {
	case err != nil:
		return nil, err
	case resp.StatusCode >= 300:
		content = []byte(s.secrets.Text(string(content)))
		if !json.Valid(content) {
			content = content[:min(len(content), maxPage)]
		}
	case int64(len(content)) > limit:
		return nil, fmt.Errorf("response to a request to %s is longer than %d bytes", s.op, limit)
	}
	return content, nil
}

// document has the fields by which a response in JSON is checked.
type document struct {
	Kind          string
	Error         present
	NextPageToken string
	Items         filled
	Prefixes      filled
	Size          present
}

// present reports whether a field of a JSON document is set.
type present bool

// UnmarshalJSON implements json.Unmarshaler.
func (p *present) UnmarshalJSON(value []byte) error {
	*p = string(value) != "null"
	return nil
}

// filled reports whether an array of a JSON document has elements. The library
// reads them.
type filled bool

// UnmarshalJSON implements json.Unmarshaler.
func (f *filled) UnmarshalJSON(value []byte) error {
	inner, isArray := bytes.CutPrefix(value, []byte("["))
	if !isArray && string(value) != "null" {
		return errors.New("not an array")
	}
	*f = filled(isArray && len(bytes.TrimSpace(inner)) > len("]"))
	return nil
}

// check returns an error if a successful response lacks what the operation needs.
func (s *sending) check(req *http.Request, resp *http.Response, content []byte) error {
	switch s.op {
	case opBegin:
		return s.checkSession(req, resp)
	case opCancel:
		return nil // the response is not used
	case opDelete:
		return s.checkDeleted(resp, content)
	}
	doc, err := s.parse(resp, content)
	switch {
	case err != nil:
		return err
	case s.op == opAttrs && !bool(doc.Size):
		return transport.Foreign("the object has no size")
	case s.op == opList && doc.NextPageToken != "" && !bool(doc.Items || doc.Prefixes):
		return s.x.pages.Add(s.secrets.Text(doc.NextPageToken))
	}
	return nil
}

// parse decodes the description of an object, or a listing.
func (s *sending) parse(resp *http.Response, content []byte) (doc document, err error) {
	want := "storage#object"
	if s.op == opList {
		want = "storage#objects"
	}
	switch {
	case resp.StatusCode != http.StatusOK:
		return doc, transport.Foreign("status %d to a request to %s: want 200", resp.StatusCode, s.op)
	case json.Unmarshal(content, &doc) != nil:
		return doc, transport.Foreign("%s to a request to %s", excerpt(string(content), s.secrets), s.op)
	case bool(doc.Error):
		return doc, transport.Foreign("an error with status 200 to a request to %s: %s", s.op, excerpt(string(content), s.secrets))
	case doc.Kind != want:
		return doc, transport.Foreign("a document of kind %s to a request to %s: want %q", excerpt(doc.Kind, s.secrets), s.op, want)
	}
	return doc, nil
}

// checkDeleted accepts 204, and 200 with null, which an emulator returns. After
// anything else the request is repeated, and a missing object counts as deleted.
func (s *sending) checkDeleted(resp *http.Response, content []byte) error {
	if resp.StatusCode == http.StatusNoContent || resp.StatusCode == http.StatusOK && strings.TrimSpace(string(content)) == "null" {
		return nil
	}
	return transport.Foreign("status %d with %s to a request to %s: want 204", resp.StatusCode, excerpt(string(content), s.secrets), opDelete)
}

// checkSession returns an error if an upload continues at another server than
// the one that was asked, which would otherwise receive the token and the body.
// It resolves a relative address, which the library does not do.
func (s *sending) checkSession(req *http.Request, resp *http.Response) error {
	location := resp.Header.Get("Location")
	if resp.StatusCode != http.StatusOK && resp.StatusCode != http.StatusCreated || location == "" {
		return transport.Foreign("status %d without a Location to a request to %s", resp.StatusCode, opBegin)
	}
	// The address is a secret: errors show only its origin.
	session, err := req.URL.Parse(location)
	switch {
	case err != nil:
		return fmt.Errorf("%w: upload continues at an invalid URL", errors.ErrUnsupported)
	case !sameOrigin(session, req.URL):
		return fmt.Errorf("%w: upload continues at %s: want the endpoint %s://%s", errors.ErrUnsupported,
			excerpt(session.Scheme+"://"+session.Host, s.secrets), req.URL.Scheme, req.URL.Host)
	}
	resp.Header.Set("Location", session.String())
	s.secrets.AddToken(session.Query().Get("upload_id"))
	return nil
}

func sameOrigin(a, b *url.URL) bool {
	return a.Scheme == b.Scheme && strings.EqualFold(a.Hostname(), b.Hostname()) && portOf(a) == portOf(b) && a.User == nil
}

func portOf(u *url.URL) string {
	switch {
	case u.Port() != "":
		return u.Port()
	case u.Scheme == "https":
		return "443"
	}
	return "80"
}
