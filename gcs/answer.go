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

// Bounds of what is read of an answer that is not an object's content. A page of
// 1000 files has less than a megabyte; a description has its metadata, 8 KiB of
// them, and an error some hundred bytes.
const (
	maxListing  = 64 << 20
	maxDocument = 1 << 20
	maxError    = 16 << 10
	maxPage     = 512 // of an error that is not the service's
)

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
	Items         filled
	Prefixes      filled
	Size          present
}

// present reports that a field of a JSON document is there.
type present bool

// UnmarshalJSON implements json.Unmarshaler.
func (p *present) UnmarshalJSON(value []byte) error {
	*p = string(value) != "null"
	return nil
}

// filled reports that an array of a JSON document is not empty. What is in it is the library's
// to read.
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
		return transport.Foreign("the object has no size")
	case op == opList && doc.NextPageToken != "" && !bool(doc.Items || doc.Prefixes):
		return s.x.pages.Add(s.secrets.Text(doc.NextPageToken))
	}
	return nil
}

// parse reads a document that describes an object, or lists them.
func (s *sending) parse(op operation, resp *http.Response, content []byte) (doc document, err error) {
	want := "storage#object"
	if op == opList {
		want = "storage#objects"
	}
	switch {
	case resp.StatusCode != http.StatusOK:
		return doc, transport.Foreign("status is %d: want 200 to a request to %s", resp.StatusCode, op)
	case json.Unmarshal(content, &doc) != nil:
		return doc, transport.Foreign("%s to a request to %s", excerpt(string(content), s.secrets), op)
	case bool(doc.Error):
		return doc, transport.Foreign("an error with status 200 to a request to %s: %s", op, excerpt(string(content), s.secrets))
	case doc.Kind != want:
		return doc, transport.Foreign("a document of kind %s to a request to %s: want %q", excerpt(doc.Kind, s.secrets), op, want)
	}
	return doc, nil
}

// checkDeleted believes 204, and an emulator's 200 with null. Anything else is
// asked again: an object that is gone by then was deleted.
func (s *sending) checkDeleted(resp *http.Response, content []byte) error {
	if resp.StatusCode == http.StatusNoContent || resp.StatusCode == http.StatusOK && strings.TrimSpace(string(content)) == "null" {
		return nil
	}
	return transport.Foreign("status is %d with %s to a request to %s: want 204", resp.StatusCode, excerpt(string(content), s.secrets), opDelete)
}

// checkSession keeps an upload where its request went: its token, its body and
// its end would follow to any other place. A relative address is completed,
// which the library does not do.
func (s *sending) checkSession(req *http.Request, resp *http.Response) error {
	location := resp.Header.Get("Location")
	if resp.StatusCode != http.StatusOK && resp.StatusCode != http.StatusCreated || location == "" {
		return transport.Foreign("status is %d without an address to a request to %s", resp.StatusCode, opBegin)
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
