package transport_test

import (
	"errors"
	"io/fs"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/backend/transport"
)

func TestKindOfStatus(t *testing.T) {
	for code, want := range map[int]error{
		200: nil, 400: nil, 404: nil, 409: nil, 412: nil, 505: nil,
		401: fs.ErrPermission, 403: fs.ErrPermission,
		405: errors.ErrUnsupported, 501: errors.ErrUnsupported,
		429: ltxstore.ErrThrottled, 503: ltxstore.ErrThrottled,
		408: ltxstore.ErrUnavailable, 500: ltxstore.ErrUnavailable, 502: ltxstore.ErrUnavailable, 504: ltxstore.ErrUnavailable,
	} {
		assert.Equal(t, want, transport.KindOfStatus(code), code)
	}
}
