package transport_test

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/backend/object"
	"github.com/ltxstore/ltxstore/backend/transport"
	"github.com/ltxstore/ltxstore/internal/scrub"
)

// sdkError is how an SDK reports an answer.
type sdkError struct{ *transport.Answer }

func (e *sdkError) Error() string { return "ten\nlines" }

var (
	errUnread = errors.New("unread")
	own       = http.Header{"X-Id": {"7"}}
)

func service() *transport.Service {
	secrets := new(scrub.Secrets)
	secrets.Add("the-secret-of-the-test")
	return &transport.Service{
		Own:         []string{"X-Id", "X-Version"},
		Content:     func(req *http.Request) bool { return req.URL.Path == "/content" },
		MaxDocument: 5,
		Answer: func(err error) *transport.Answer {
			if e := new(sdkError); errors.As(err, &e) {
				e.Err = e
				return e.Answer
			}
			return nil
		},
		Unread:  func(err error) bool { return errors.Is(err, errUnread) },
		Kinds:   map[string]error{"Gone": fs.ErrNotExist, "Slow": ltxstore.ErrThrottled, "Range": object.ErrRange},
		Place:   "a place",
		Secrets: secrets,
	}
}

// A code counts in the service's own answers, a status in any, a 404 in none but
// those.
func TestServiceKind(t *testing.T) {
	version := http.Header{"X-Version": {"1"}}
	for _, test := range []struct {
		err  error
		want error
	}{
		{&sdkError{&transport.Answer{Status: 404, Header: own, Code: "Gone"}}, fs.ErrNotExist},
		{&sdkError{&transport.Answer{Status: 404, Header: version, Code: "Gone"}}, fs.ErrNotExist},
		{&sdkError{&transport.Answer{Status: 404, Header: own, Code: "Other"}}, nil},
		{&sdkError{&transport.Answer{Status: 404, Code: "Gone"}}, ltxstore.ErrUnavailable},
		{&sdkError{&transport.Answer{Status: 403, Code: "Gone"}}, fs.ErrPermission},
		{&sdkError{&transport.Answer{Status: 400, Header: own}}, nil},
		{object.ErrConflict, object.ErrConflict},
		{errors.New("http: server closed idle connection"), ltxstore.ErrUnavailable},
		{errUnread, ltxstore.ErrUnavailable},
		{errors.New("other"), nil},
	} {
		assert.Equal(t, test.want, service().Kind(fmt.Errorf("op: %w", test.err)), "%v", test.err)
	}
	f := service().Classify(&sdkError{&transport.Answer{Status: 503, Header: http.Header{"X-Id": {"7"}, "Retry-After": {"9"}}, Code: "Slow"}})
	assert.Equal(t, object.Failure{Kind: ltxstore.ErrThrottled, Size: -1, RetryAfter: 9 * time.Second}, f)
	f = service().Classify(&sdkError{&transport.Answer{Status: 416, Header: http.Header{"X-Id": {"7"}, "Content-Range": {"bytes */12"}}, Code: "Range"}})
	assert.Equal(t, object.Failure{Kind: object.ErrRange, Size: 12}, f)
}

// An error says how to mend it, what the service said and where, and no secret, nor
// half of one.
func TestServiceDescribe(t *testing.T) {
	for _, test := range []struct {
		answer transport.Answer
		want   string
	}{
		{transport.Answer{Operation: "Get", Status: 404, Code: "Gone", Message: "it is gone\n", RequestID: "7", Hint: "look elsewhere"},
			"look elsewhere: op: Gone: it is gone (a place; Get returned 404, request ID 7)"},
		{transport.Answer{Status: 404}, "op: Not Found (a place; the request returned 404)"},
		{transport.Answer{Status: 499}, "op: the request failed (a place; the request returned 499)"},
		{transport.Answer{Operation: "Get", Message: "no route"}, "op: no route (a place; Get)"},
		{transport.Answer{Status: 400, Code: "BadRequest", Message: "Bad Request"}, "op: Bad Request (a place; the request returned 400)"},
		{transport.Answer{Status: 400, Message: "you sent the-secret-of-the-test and pass1234, token of someone", Request: sent("Basic pass1234")},
			"op: you sent [redacted] and [redacted], token of someone (a place; the request returned 400)"},
		{transport.Answer{Status: 400, Message: "you sent account1:sign12 and sign12", Request: sent("SharedKey account1:sign12")},
			"op: you sent [redacted] and [redacted] (a place; the request returned 400)"},
		{transport.Answer{Status: 400, Message: "you sent sign1234", Request: sent("AWS4-HMAC-SHA256 Credential=id, Signature=sign1234")},
			"op: you sent [redacted] (a place; the request returned 400)"},
		{transport.Answer{Status: 400, Message: strings.Repeat("x", 4096-len("op: "))},
			"op: " + strings.Repeat("x", 4096-len("op: ")) + " (a place; the request returned 400)"},
		{transport.Answer{Status: 400, Message: strings.Repeat("x", 4090) + "the-secret-of-the-test"},
			"op: " + strings.Repeat("x", 4090) + "[r… (a place; the request returned 400)"},
	} {
		failed := fmt.Errorf("op: %w", &sdkError{&test.answer})
		err := service().Describe(failed)
		assert.Equal(t, test.want, err.Error())
		assert.ErrorIs(t, err, failed)
	}
	assert.EqualError(t, service().Describe(io.EOF), "EOF (a place)")
	nowhere := service()
	nowhere.Place = ""
	assert.EqualError(t, nowhere.Describe(io.EOF), "EOF")
}

// sent is a request with that Authorization.
func sent(authorization string) *http.Request {
	return &http.Request{Header: http.Header{"Authorization": {authorization}}}
}

// answering answers with a body, and tells whether it was closed.
type answering struct {
	io.Reader
	answer http.Response
	err    error
	closed bool
}

func (a *answering) RoundTrip(*http.Request) (*http.Response, error) {
	a.answer.Body = a
	return &a.answer, a.err
}

func (a *answering) Close() error { a.closed = true; return nil }

// Only the service's own successes pass, and only content may be of any length.
func TestServiceClient(t *testing.T) {
	broken := errors.New("broken")
	for name, test := range map[string]struct {
		path, text  string
		status      int
		header      http.Header
		broken      error
		want, reads error
	}{
		"content":               {path: "/content", text: "content", status: 200, header: own},
		"document":              {path: "/", text: "list", status: 200, header: own},
		"long document":         {path: "/", text: "longer", status: 200, header: own, reads: ltxstore.ErrUnavailable},
		"a proxy's":             {path: "/content", text: "page", status: 200, want: ltxstore.ErrUnavailable},
		"error":                 {path: "/content", text: "message", status: 404},
		"long error":            {path: "/content", text: strings.Repeat("x", 1<<20), status: 404, header: own, reads: ltxstore.ErrUnavailable},
		"a proxy's choices":     {path: "/content", text: "choose", status: 300},
		"part":                  {path: "/content", text: "part", status: 206, header: http.Header{"X-Id": {"7"}, "Content-Range": {"bytes 0-3/4"}}},
		"part of what":          {path: "/content", text: "part", status: 206, header: own, want: ltxstore.ErrUnavailable},
		"not modified":          {path: "/content", status: 304, header: own, want: ltxstore.ErrUnavailable},
		"request failed":        {path: "/", broken: broken, want: broken},
		"redirect not followed": {path: "/content", status: 302, header: http.Header{"Location": {"/elsewhere"}}},
	} {
		t.Run(name, func(t *testing.T) {
			a := &answering{Reader: strings.NewReader(test.text), answer: http.Response{StatusCode: test.status, Header: test.header}, err: test.broken}
			req := httptest.NewRequest(http.MethodGet, "http://h"+test.path, nil)
			req.RequestURI = ""
			resp, err := service().Client(a).Do(req)
			assert.ErrorIs(t, err, test.want)
			assert.Equal(t, test.want != nil && test.broken == nil, a.closed)
			if err == nil {
				assert.Equal(t, test.status, resp.StatusCode)
				text, err := io.ReadAll(resp.Body)
				assert.ErrorIs(t, err, test.reads)
				assert.Equal(t, test.reads == nil, test.text == string(text))
			}
		})
	}
}

func TestPointers(t *testing.T) {
	assert.Nil(t, transport.Optional(""))
	assert.Equal(t, "a", *transport.Optional("a"))
	assert.Equal(t, "a", transport.Value(transport.Optional("a")))
	assert.Equal(t, 0, transport.Value[int](nil))
	zero := int64(0)
	assert.Equal(t, []int64{-1, 0}, []int64{transport.OrUnknown(nil), transport.OrUnknown(&zero)})
}
