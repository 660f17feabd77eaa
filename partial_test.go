package ltxstore_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore"
)

func TestPartial(t *testing.T) {
	assert.NoError(t, ltxstore.Partial("mock", "delete", nil, 3))

	failed := func(n int) (all []error) {
		for i := range n {
			all = append(all, &ltxstore.Error{Op: "delete", Backend: "mock", Key: fmt.Sprintf("key%03d", i), Kind: fs.ErrPermission})
		}
		return all
	}
	one := failed(1)
	assert.Equal(t, one[0], ltxstore.Partial("mock", "delete", one, 3), "a single failure is its own error")

	err := ltxstore.Partial("mock", "delete", failed(2), 3)
	assert.EqualError(t, err, "mock: delete: 2 of 3 failed; mock: delete key000: permission denied; mock: delete key001: permission denied")
	assert.ErrorIs(t, err, fs.ErrPermission)
	assert.EqualError(t, ltxstore.Partial("mock", "delete all", failed(2)[:2], 0),
		"mock: delete all: 2 failed; mock: delete key000: permission denied; mock: delete key001: permission denied")

	err = ltxstore.Partial("mock", "delete", failed(1000), 1000)
	assert.ErrorContains(t, err, "key019")
	assert.NotContains(t, err.Error(), "key020")
	assert.True(t, strings.HasSuffix(err.Error(), "; and 980 more"), err)
	var partial *ltxstore.PartialError
	require.ErrorAs(t, err, &partial)
	assert.Len(t, partial.Failed, 1000)
	assert.Equal(t, 1000, partial.Total)
}

func TestKindOf(t *testing.T) {
	for _, kind := range []error{ltxstore.ErrStoreNotFound, ltxstore.ErrThrottled, ltxstore.ErrUnavailable, ltxstore.ErrChecksum,
		fs.ErrInvalid, fs.ErrNotExist, fs.ErrExist, fs.ErrPermission, errors.ErrUnsupported} {
		assert.Equal(t, kind, ltxstore.KindOf(fmt.Errorf("wrapped: %w", kind)))
	}
	assert.NoError(t, ltxstore.KindOf(nil))
	assert.NoError(t, ltxstore.KindOf(errors.New("something else")))
	assert.NoError(t, ltxstore.KindOf(fmt.Errorf("%w: %w", context.Canceled, fs.ErrPermission)), "a canceller's cause is not the store's answer")
	assert.NoError(t, ltxstore.KindOf(fmt.Errorf("%w: %w", fs.ErrExist, context.DeadlineExceeded)))
	assert.Equal(t, ltxstore.ErrStoreNotFound, ltxstore.KindOf(errors.Join(fs.ErrNotExist, ltxstore.ErrStoreNotFound)), "the more exact one")
}

func TestCheckFiles(t *testing.T) {
	good := &ltx.FileInfo{Level: 1, MinTXID: 1, MaxTXID: 2}
	assert.NoError(t, ltxstore.CheckFiles(nil))
	assert.NoError(t, ltxstore.CheckFiles([]*ltx.FileInfo{good, good}))
	for want, bad := range map[string]*ltx.FileInfo{
		"files[1] is nil":       nil,
		"files[1]: level is -1": {Level: -1},
		"files[1]: minTXID is 0000000000000003: want at most maxTXID": {MinTXID: 3, MaxTXID: 2},
	} {
		err := ltxstore.CheckFiles([]*ltx.FileInfo{good, bad})
		require.ErrorIs(t, err, fs.ErrInvalid)
		assert.ErrorContains(t, err, want)
	}
}
