package backend_test

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/backend"
)

func TestInvalid(t *testing.T) {
	err := backend.Invalid("s3", "init", "Bucket", "a b", "want no space")
	assert.EqualError(t, err, `s3: init: invalid argument: Bucket is "a b": want no space`)
	assert.ErrorIs(t, err, fs.ErrInvalid)
	assert.False(t, ltxstore.IsRetryable(err))
	assert.EqualError(t, backend.Invalid("s3", "open", "offset", int64(-1), "want 0"), "s3: open: invalid argument: offset is -1: want 0")
}

func TestIsRetryableStatus(t *testing.T) {
	retryable := map[int]bool{408: true, 429: true}
	for code := 500; code <= 599; code++ {
		retryable[code] = code != 501 && code != 505
	}
	for code := -1; code <= 700; code++ {
		assert.Equal(t, retryable[code], backend.IsRetryableStatus(code), code)
	}
}

func TestPartial(t *testing.T) {
	assert.NoError(t, backend.Partial("mock", "delete", nil, 3))

	failed := func(n int) (all []error) {
		for i := range n {
			all = append(all, &ltxstore.Error{Op: "delete", Backend: "mock", Key: fmt.Sprintf("key%03d", i), Kind: fs.ErrPermission})
		}
		return all
	}
	one := failed(1)
	assert.Equal(t, one[0], backend.Partial("mock", "delete", one, 3), "a single failure is its own error")

	err := backend.Partial("mock", "delete", failed(2), 3)
	assert.EqualError(t, err, "mock: delete: 2 of 3 failed; mock: delete key000: permission denied; mock: delete key001: permission denied")
	assert.ErrorIs(t, err, fs.ErrPermission)
	assert.EqualError(t, backend.Partial("mock", "delete all", failed(2)[:2], 0),
		"mock: delete all: 2 failed; mock: delete key000: permission denied; mock: delete key001: permission denied")

	err = backend.Partial("mock", "delete", failed(1000), 1000)
	assert.ErrorContains(t, err, "key019")
	assert.NotContains(t, err.Error(), "key020")
	assert.True(t, strings.HasSuffix(err.Error(), "; and 980 more"), err)
	var partial *ltxstore.PartialError
	require.ErrorAs(t, err, &partial)
	assert.Len(t, partial.Failed, 1000)
	assert.Equal(t, 1000, partial.Total)
}

func TestRefused(t *testing.T) {
	cause := errors.New("no such thing")
	for _, test := range []struct {
		err   error
		field string
		want  string
	}{
		{backend.Refused("s3", "init", "Path", cause), "Path", "s3: init: invalid argument: Path: no such thing"},
		{backend.Refused("s3", "init", "", ltxstore.Retry{MaxDelay: -1}.Validate()), "Retry.MaxDelay", "Retry.MaxDelay is -1"},
		{backend.Refused("s3", "init", "", cause), "", "s3: init: invalid argument: no such thing"},
		{backend.Invalid("s3", "init", "Bucket", "", "want it"), "Bucket", "Bucket is"},
	} {
		var own *ltxstore.Error
		require.ErrorAs(t, test.err, &own)
		assert.Equal(t, [4]string{"init", "s3", "", test.field}, [4]string{own.Op, own.Backend, own.Key, own.Field})
		assert.ErrorIs(t, test.err, fs.ErrInvalid)
		assert.ErrorContains(t, test.err, test.want)
	}
}

func TestInitError(t *testing.T) {
	done := &ltxstore.Error{Op: "init", Backend: "other", Err: fs.ErrClosed}
	assert.Same(t, done, backend.InitError("file", done))

	_, wrong := backend.NewKeys(ltxstore.Layout(99), "")
	var failed *ltxstore.Error
	require.ErrorAs(t, backend.InitError("file", wrong), &failed)
	assert.Equal(t, ltxstore.Error{Op: "init", Backend: "file", Field: "Layout", Kind: fs.ErrInvalid, Err: wrong}, *failed)

	other := errors.New("other")
	require.ErrorAs(t, backend.InitError("file", other), &failed)
	assert.Equal(t, ltxstore.Error{Op: "init", Backend: "file", Err: other}, *failed)
}
