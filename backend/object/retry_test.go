package object_test

import (
	"context"
	"io/fs"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/backend/object"
	"github.com/ltxstore/ltxstore/backend/oplog"
)

// A retry that makes no sense is refused before anything is connected.
func TestRetryIsValidated(t *testing.T) {
	client := object.New(object.Config{
		Type:  "memory",
		Retry: ltxstore.Retry{MaxAttempts: -1},
		Connect: func(context.Context, *oplog.Logger) (*object.Store, error) {
			t.Error("connected")
			return nil, nil
		},
	})
	err := client.Init(t.Context())
	assert.ErrorIs(t, err, fs.ErrInvalid)
	assert.ErrorContains(t, err, "memory: init")
	assert.ErrorContains(t, err, "Retry.MaxAttempts")
	assert.ErrorContains(t, err, "-1")
}
