package object_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/backend"
	"github.com/ltxstore/ltxstore/backend/object"
	"github.com/ltxstore/ltxstore/backend/oplog"
)

// What keeps a client from being made is its configuration, unless it says
// otherwise. A file that is missing then is none of LTX.
func TestConnectFails(t *testing.T) {
	_, noFile := os.ReadFile("/nowhere")
	_, noKeys := backend.NewKeys(ltxstore.Layout(99), "")
	_, badPath := backend.NewKeys(ltxstore.LayoutDefault, "../x")
	for _, test := range []struct {
		err, want error
		field     string
	}{
		{errors.New("bad certificate of the-secret-of-the-test"), fs.ErrInvalid, ""},
		{fmt.Errorf("credentials: %w", noFile), fs.ErrInvalid, ""},
		{noKeys, fs.ErrInvalid, "Layout"},
		{badPath, fs.ErrInvalid, "Path"},
		{fmt.Errorf("token: %w", ltxstore.ErrUnavailable), ltxstore.ErrUnavailable, ""},
		{fmt.Errorf("login: %w", fs.ErrPermission), fs.ErrPermission, ""},
		{fmt.Errorf("wrapped: %w", backend.Invalid("kv", "init", "Bucket", "", "want a name")), fs.ErrInvalid, "Bucket"},
	} {
		c := object.New(object.Config{Type: "kv", Connect: func(_ context.Context, log *oplog.Logger) (*object.Store, error) {
			log.Secrets.Add("the-secret-of-the-test")
			return nil, test.err
		}})
		err := c.Init(t.Context())
		failed := new(ltxstore.Error)
		require.ErrorAs(t, err, &failed)
		assert.Equal(t, []any{"init", "kv", test.want, test.field}, []any{failed.Op, failed.Backend, failed.Kind, failed.Field}, test.err)
		assert.NotErrorIs(t, err, fs.ErrNotExist)
		assert.NotContains(t, err.Error(), "the-secret")
	}

	ctx, cancel := context.WithCancel(t.Context())
	c := object.New(object.Config{Type: "kv", Connect: func(context.Context, *oplog.Logger) (*object.Store, error) {
		cancel()
		return nil, errors.New("the SDK's words for it")
	}})
	require.ErrorIs(t, c.Init(ctx), context.Canceled)
}
