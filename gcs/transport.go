package gcs

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"

	"google.golang.org/api/googleapi"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/backend/transport"
	"github.com/ltxstore/ltxstore/internal/scrub"
)

// roundTripper checks responses before the library sees them, and repeats the
// requests of an upload with the exchange's Retrier, which only the transport
// can do.
//
// It reads responses other than an object's content completely, so that one that
// breaks off fails like any other request, and does not pass on responses that
// are not from the service.
type roundTripper struct {
	next    http.RoundTripper
	secrets *scrub.Secrets
}

// RoundTrip implements http.RoundTripper.
func (t *roundTripper) RoundTrip(req *http.Request) (*http.Response, error) {
	x := exchangeOf(req.Context())
	if err := x.begin(); err != nil {
		closeBody(req)
		return nil, err
	}
	s := &sending{roundTripper: t, x: x, req: req, op: operationOf(req)}
	s.once = x.retry == nil || req.Body != nil && req.Body != http.NoBody && req.GetBody == nil
	var resp *http.Response
	var err error
	if c, ok := parseChunk(req.Header.Get("Content-Range")); ok {
		resp, err = s.store(c)
	} else {
		err = s.repeat(func() (err error) {
			resp, err = s.send(0)
			return err
		})
	}
	if !s.sent {
		closeBody(req)
	}
	var refused *googleapi.Error
	if errors.As(err, &refused) && req.Context().Err() == nil {
		err = nil // the library makes an error from the response
	}
	if err != nil {
		return nil, err
	}
	x.answered(s.op, resp)
	return resp, nil
}

// sending is a request that may be sent several times.
type sending struct {
	*roundTripper
	x    *exchange
	req  *http.Request
	op   operation
	once bool // no request is repeated here
	sent bool
}

// repeat calls send until it succeeds, as often as the policy allows.
func (s *sending) repeat(send func() error) error {
	if s.once {
		return send()
	}
	return s.x.retry.Do(s.req.Context(), func(context.Context) error { return send() })
}

// again returns the request to send, without the first skip bytes of its body.
func (s *sending) again(skip int64) (*http.Request, error) {
	if !s.sent || s.req.GetBody == nil {
		s.sent = true
		if skip == 0 {
			return s.req, nil
		}
	}
	if s.req.GetBody == nil {
		return nil, errors.New("the body cannot be sent again")
	}
	body, err := s.req.GetBody()
	if err != nil {
		return nil, err
	}
	if _, err := io.CopyN(io.Discard, body, skip); err != nil {
		body.Close()
		return nil, err
	}
	req := s.req.Clone(s.req.Context())
	req.Body = body
	if skip > 0 {
		req.GetBody = nil // it would include the skipped bytes
	}
	return req, nil
}

func closeBody(req *http.Request) {
	if req.Body != nil {
		req.Body.Close()
	}
}

// send sends the request without the first skip bytes of its body and returns the
// response, with an error if repeating the request may help.
func (s *sending) send(skip int64) (*http.Response, error) {
	req, err := s.again(skip)
	if err != nil {
		return nil, err
	}
	return s.roundTrip(req)
}

// roundTrip sends req, and is otherwise like send.
func (s *sending) roundTrip(req *http.Request) (*http.Response, error) {
	resp, err := s.next.RoundTrip(s.op.prepare(req))
	if err != nil {
		if transport.IsBroken(err) {
			err = fmt.Errorf("%w: %w", ltxstore.ErrUnavailable, err)
		}
		return nil, err
	}
	if why := transport.Compressed(resp.Header); why != "" && !isStoredCompressed(resp.Header) {
		resp.Body.Close()
		return nil, transport.Foreign("%s", why)
	}
	if s.op == opRead && resp.StatusCode < 300 {
		if err := s.checkContent(req, resp); err != nil {
			resp.Body.Close()
			return nil, err
		}
		return resp, nil
	}
	content, err := s.readAnswer(resp)
	if err != nil {
		return nil, err
	}
	resp.Body = io.NopCloser(bytes.NewReader(content))
	if s.op == opChunk && isIncomplete(resp) {
		return resp, nil
	}
	if err := googleapi.CheckResponseWithBody(resp, content); err != nil {
		if s.op.repeats(resp.StatusCode) {
			return resp, err
		}
		return resp, nil
	}
	return resp, s.check(req, resp, content)
}
