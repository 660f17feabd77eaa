package gcs

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/internal/scrub"
)

// Bounds of what is read of an answer that is not an object's content. A page of
// 1000 files has less than a megabyte; a description has its metadata, 8 KiB of
// them, and an error some hundred bytes.
const (
	maxListing  = 64 << 20
	maxDocument = 1 << 20
	maxError    = 16 << 10
	maxPage     = 512 // of an error that is not the service's
)

// errForeign is that of an answer that is not the service's: a proxy's page, a
// document of something else, or nothing at all. The library would take a page
// for a file, and an empty document for an empty listing.
var errForeign = fmt.Errorf("%w: the answer is not the service's", ltxstore.ErrUnavailable)

// foreign is errForeign with what is wrong.
func foreign(format string, args ...any) error {
	return fmt.Errorf("%w: "+format, append([]any{errForeign}, args...)...)
}

// excerpt returns the beginning of what a service has said, without secrets,
// half of one neither.
func excerpt(said string, known *scrub.Secrets) string {
	return fmt.Sprintf("%.100q", known.Text(said))
}

// readAnswer reads an answer whole. An error that is too long is cut: its status
// is what matters.
func (s *sending) readAnswer(resp *http.Response, op operation) ([]byte, error) {
	defer resp.Body.Close()
	limit := int64(maxDocument)
	switch {
	case resp.StatusCode >= 300:
		limit = maxError
	case op == opList:
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
		return nil, fmt.Errorf("service's answer to a request to %s is longer than %d bytes", op, limit)
	}
	return content, nil
}

// document is what every answer in JSON has that may be believed.
type document struct {
	Kind          string
	Error         present
	NextPageToken string
	Items         []struct{ Name string }
	Prefixes      []string
	Size          present
}

// present reports that a field of a JSON document is there.
type present bool

// UnmarshalJSON implements json.Unmarshaler.
func (p *present) UnmarshalJSON(value []byte) error {
	*p = string(value) != "null"
	return nil
}

// check returns an error for an answer of success that does not say what op
// wants to know.
func (s *sending) check(op operation, req *http.Request, resp *http.Response, content []byte) error {
	switch op {
	case opBegin:
		return s.checkSession(req, resp)
	case opCancel:
		return nil // nothing depends on it
	case opDelete:
		return s.checkDeleted(resp, content)
	}
	doc, err := s.parse(op, resp, content)
	switch {
	case err != nil:
		return err
	case op == opAttrs && !bool(doc.Size):
		return foreign("the object has no size")
	case op == opList && doc.NextPageToken != "":
		return s.x.pages.Add(s.secrets.Text(doc.NextPageToken), doc.names(), doc.Prefixes)
	}
	return nil
}

func (d document) names() []string {
	names := make([]string, len(d.Items))
	for i, item := range d.Items {
		names[i] = item.Name
	}
	return names
}

// parse reads a document that describes an object, or lists them.
func (s *sending) parse(op operation, resp *http.Response, content []byte) (doc document, err error) {
	want := "storage#object"
	if op == opList {
		want = "storage#objects"
	}
	switch {
	case resp.StatusCode != http.StatusOK:
		return doc, foreign("status is %d: want 200 to a request to %s", resp.StatusCode, op)
	case json.Unmarshal(content, &doc) != nil:
		return doc, foreign("%s to a request to %s", excerpt(string(content), s.secrets), op)
	case bool(doc.Error):
		return doc, foreign("an error with status 200 to a request to %s: %s", op, excerpt(string(content), s.secrets))
	case doc.Kind != want:
		return doc, foreign("a document of kind %s to a request to %s: want %q", excerpt(doc.Kind, s.secrets), op, want)
	}
	return doc, nil
}

// checkDeleted believes 204, and an emulator's 200 with null. Anything else is
// asked again: an object that is gone by then was deleted.
func (s *sending) checkDeleted(resp *http.Response, content []byte) error {
	if resp.StatusCode == http.StatusNoContent || resp.StatusCode == http.StatusOK && strings.TrimSpace(string(content)) == "null" {
		return nil
	}
	return foreign("status is %d with %s to a request to %s: want 204", resp.StatusCode, excerpt(string(content), s.secrets), opDelete)
}

// checkSession keeps an upload where its request went: its token, its body and
// its end would follow to any other place. A relative address is completed,
// which the library does not do.
func (s *sending) checkSession(req *http.Request, resp *http.Response) error {
	location := resp.Header.Get("Location")
	if resp.StatusCode != http.StatusOK && resp.StatusCode != http.StatusCreated || location == "" {
		return foreign("status is %d without an address to a request to %s", resp.StatusCode, opBegin)
	}
	// The address is as good as a key: no error shows more of it than its origin.
	session, err := req.URL.Parse(location)
	switch {
	case err != nil:
		return fmt.Errorf("%w: service continues an upload at an address that is not a URL", errors.ErrUnsupported)
	case !sameOrigin(session, req.URL):
		return fmt.Errorf("%w: service continues an upload at %s: want the endpoint, %s://%s", errors.ErrUnsupported,
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
