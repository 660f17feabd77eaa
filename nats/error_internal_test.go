package nats

import (
	"errors"
	"fmt"
	"io/fs"
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/assert"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/backend/object"
)

func answer(status int, code jetstream.ErrorCode, text string) error {
	return fmt.Errorf("wrapped: %w", &jetstream.APIError{Code: status, ErrorCode: code, Description: text})
}

func TestIsConflict(t *testing.T) {
	assert.True(t, isConflict(answer(400, jetstream.JSErrCodeStreamWrongLastSequence, "")))
	assert.True(t, isConflict(answer(400, jetstream.JSErrCodeStreamWrongLastSequenceConstant, "")))
	assert.False(t, isConflict(answer(400, 1, "")))
	assert.False(t, isConflict(errLost))
	assert.False(t, isConflict(nil))
}

func TestIsRefused(t *testing.T) {
	assert.True(t, isRefused(answer(503, 1, "")))
	assert.False(t, isRefused(nats.ErrTimeout))
}

func TestKindOf(t *testing.T) {
	for err, want := range map[error]error{
		fmt.Errorf("wrapped: %w", jetstream.ErrStreamNotFound): ltxstore.ErrStoreNotFound,
		nats.ErrMaxPayload:                       fs.ErrInvalid,
		nats.ErrPermissionViolation:              fs.ErrPermission,
		errLost:                                  ltxstore.ErrUnavailable,
		nats.ErrNoServers:                        ltxstore.ErrUnavailable,
		nats.ErrConnectionClosed:                 ltxstore.ErrUnavailable,
		errMoved:                                 ltxstore.ErrUnavailable,
		errDamaged:                               ltxstore.ErrChecksum,
		errTaken:                                 object.ErrPrecondition,
		jetstream.ErrObjectNotFound:              fs.ErrNotExist,
		fmt.Errorf("wrapped: %w", fs.ErrInvalid): fs.ErrInvalid,
		answer(429, 1, "maximum"):                ltxstore.ErrThrottled,
		answer(428, 1, ""):                       nil,
		answer(499, 1, ""):                       nil,
		answer(500, 1, ""):                       ltxstore.ErrUnavailable,
		answer(503, 1, ""):                       ltxstore.ErrUnavailable,
		answer(503, 1, "maximum bytes exceeded"): nil,
		answer(503, 1, "insufficient resources"): nil,
		errors.New("something else"):             nil,
	} {
		assert.Equal(t, want, kindOf(err), "%v", err)
	}
}
