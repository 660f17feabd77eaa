package transport_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/ltxstore/ltxstore/backend/transport"
)

// answering answers with a body, and tells whether it was closed.
type answering struct {
	io.Reader
	err    error
	closed bool
}

func (a *answering) RoundTrip(*http.Request) (*http.Response, error) {
	return &http.Response{Body: a}, a.err
}

func (a *answering) Close() error { a.closed = true; return nil }

func TestChecked(t *testing.T) {
	broken, refused, long := errors.New("broken"), errors.New("refused"), errors.New("too long")
	for name, test := range map[string]struct {
		limit       int64
		broken      error
		refused     error
		want, reads error
		text        string
		closed      bool
	}{
		"any length":     {text: "answer"},
		"within limit":   {limit: 7, text: "answer"},
		"longer":         {limit: 3, text: "ans", reads: long},
		"refused":        {refused: refused, want: refused, closed: true},
		"request failed": {broken: broken, want: broken},
	} {
		t.Run(name, func(t *testing.T) {
			a := &answering{Reader: strings.NewReader("answer"), err: test.broken}
			c := &transport.Checked{Next: a, TooLong: long, Check: func(*http.Request, *http.Response) (int64, error) { return test.limit, test.refused }}
			resp, err := c.RoundTrip(httptest.NewRequest(http.MethodGet, "http://h/", nil))
			assert.Equal(t, test.want, err)
			assert.Equal(t, test.closed, a.closed)
			if err == nil {
				text, err := io.ReadAll(resp.Body)
				assert.Equal(t, test.reads, err)
				assert.Equal(t, test.text, string(text))
			}
		})
	}
}
