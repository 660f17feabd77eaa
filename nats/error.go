package nats

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/backend/object"
)

var (
	errStalled = errors.New("the server did not respond in time")
	errLost    = errors.New("the connection was lost")
	errDamaged = errors.New("the object is damaged")
	errMoved   = errors.New("the object was replaced or deleted")
	errTaken   = fmt.Errorf("%w: the object exists", object.ErrPrecondition)
)

// isMissing reports whether a message does not exist.
func isMissing(err error) bool { return errors.Is(err, jetstream.ErrMsgNotFound) }

// isConflict reports whether a message was rejected because the last sequence of its
// subject was not the expected one. Clusters have a different code for it.
func isConflict(err error) bool {
	api, ok := errors.AsType[*jetstream.APIError](err)
	return ok && (api.ErrorCode == jetstream.JSErrCodeStreamWrongLastSequence || api.ErrorCode == jetstream.JSErrCodeStreamWrongLastSequenceConstant)
}

// inProcess is the code for a message that is sent again while a cluster still stores it.
const inProcess = 10158

// isRefused reports whether a message will never arrive, because the server rejected it.
func isRefused(err error) bool {
	_, answered := errors.AsType[*jetstream.APIError](err)
	return answered
}

// kinds is the error table. All other errors of the API with a status of 5xx may be
// temporary: a cluster without a leader, or a server that is short of resources.
var kinds = []struct {
	kind error
	errs []error
}{
	{object.ErrPrecondition, []error{object.ErrPrecondition}},
	{ltxstore.ErrChecksum, []error{errDamaged}},
	{ltxstore.ErrStoreNotFound, []error{jetstream.ErrStreamNotFound, jetstream.ErrBucketNotFound}},
	{fs.ErrNotExist, []error{jetstream.ErrObjectNotFound, jetstream.ErrMsgNotFound}},
	{fs.ErrInvalid, []error{nats.ErrMaxPayload}},
	{errors.ErrUnsupported, []error{jetstream.ErrJetStreamNotEnabled, jetstream.ErrJetStreamNotEnabledForAccount}},
	{fs.ErrPermission, []error{nats.ErrAuthorization, nats.ErrAuthExpired, nats.ErrAuthRevoked, nats.ErrAccountAuthExpired,
		nats.ErrPermissionViolation}},
	{ltxstore.ErrThrottled, []error{nats.ErrMaxConnectionsExceeded, nats.ErrMaxAccountConnectionsExceeded, jetstream.ErrTooManyStalledMsgs}},
	{ltxstore.ErrUnavailable, []error{errStalled, errLost, errMoved,
		nats.ErrNoServers, nats.ErrTimeout, nats.ErrNoResponders, nats.ErrDisconnected, nats.ErrStaleConnection,
		nats.ErrConnectionClosed, nats.ErrConnectionDraining, nats.ErrBadSubscription, nats.ErrSlowConsumer,
		jetstream.ErrNoStreamResponse, jetstream.ErrConnectionClosed,
		jetstream.ErrConsumerNotFound, jetstream.ErrConsumerDeleted, jetstream.ErrNoHeartbeat}}, // the consumer of Watch was lost with its server
}

// kindOf returns the kind of an error for ltxstore.Error.Kind, or nil.
func kindOf(err error) error {
	if isConflict(err) {
		return object.ErrPrecondition
	}
	for _, row := range kinds {
		if slices.ContainsFunc(row.errs, func(known error) bool { return errors.Is(err, known) }) {
			return row.kind
		}
	}
	if kind := ltxstore.KindOf(err); kind != nil {
		return kind
	}
	if api, ok := errors.AsType[*jetstream.APIError](err); ok {
		switch {
		case api.Code == 429:
			return ltxstore.ErrThrottled
		case api.ErrorCode == inProcess:
			return ltxstore.ErrUnavailable
		case strings.Contains(api.Description, "maximum"), strings.Contains(api.Description, "resource"): // a permanent limit
			return nil
		case api.Code >= 500:
			return ltxstore.ErrUnavailable
		}
	}
	return nil
}
