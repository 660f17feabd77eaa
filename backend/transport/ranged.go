package transport

import (
	"fmt"

	"github.com/ltxstore/ltxstore/backend/object"
	"github.com/ltxstore/ltxstore/backend/rangeio"
)

// Ranged completes c, the response to a request for the range in opts, from its
// Content-Range. c.Length must be its Content-Length. Without a Content-Range, it is the
// whole object; otherwise it must contain that range, or the start of it. If the response
// does not match, Ranged closes the body and returns an error of kind
// ltxstore.ErrUnavailable, because the response may come from a proxy.
func Ranged(c object.Content, contentRange string, opts object.GetOptions) (object.Content, error) {
	if contentRange == "" {
		c.Size = c.Length
		return c, nil
	}
	if contentRange == fmt.Sprintf("bytes %d-%d/%[1]d", opts.Offset, opts.Offset-1) { // an emulator's 416
		c.Body.Close()
		return object.Content{}, object.ErrRange
	}
	n, total, err := rangeio.CheckContentRange(contentRange, opts.Offset, opts.Size)
	if err == nil && c.Length >= 0 && c.Length != n {
		err = fmt.Errorf("server returned Content-Range %q and Content-Length %d", contentRange, c.Length)
	}
	if err != nil {
		c.Body.Close()
		return object.Content{}, Foreign("%v", err)
	}
	c.Offset, c.Length, c.Size = opts.Offset, n, total
	return c, nil
}
