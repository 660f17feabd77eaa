package transport

import (
	"fmt"
	"net/http"

	"github.com/ltxstore/ltxstore/backend/object"
	"github.com/ltxstore/ltxstore/backend/rangeio"
)

// Ranged completes c, the answer to a request for the range that opts asks for, by
// its status and Content-Range. c.Length is what its Content-Length announces. A
// 206 must be that range, or its beginning; without a Content-Range any other
// success is the whole object. An error is of kind ltxstore.ErrUnavailable, as the
// answer may be a proxy's, and the body is then closed.
func Ranged(c object.Content, status int, contentRange string, opts object.GetOptions) (object.Content, error) {
	if status != http.StatusPartialContent && contentRange == "" {
		c.Size = c.Length
		return c, nil
	}
	n, total, err := rangeio.CheckContentRange(contentRange, opts.Offset, opts.Size)
	if err == nil && c.Length >= 0 && c.Length != n {
		err = fmt.Errorf("server answered with Content-Range %q and Content-Length %d", contentRange, c.Length)
	}
	if err != nil {
		c.Body.Close()
		return object.Content{}, Foreign("%v", err)
	}
	c.Offset, c.Length, c.Size = opts.Offset, n, total
	return c, nil
}
