package nats

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/backend/object"
	"github.com/ltxstore/ltxstore/internal/scrub"
)

var (
	errStalled  = errors.New("the server has not answered in time")
	errLost     = errors.New("the connection was lost")
	errDisorder = errors.New("chunks have arrived in another order than they were sent in")
	errDamaged  = errors.New("the object is damaged")
	errMoved    = errors.New("the object was replaced or deleted")
	errTaken    = fmt.Errorf("%w: the object exists", object.ErrPrecondition)
)

// isUnanswered reports whether nothing listens to a request: a bucket that is
// gone, a cluster without a leader, a server without JetStream.
func isUnanswered(err error) bool {
	return errors.Is(err, nats.ErrNoResponders) || errors.Is(err, jetstream.ErrNoStreamResponse)
}

// isMissing reports whether a message does not exist.
func isMissing(err error) bool {
	return errors.Is(err, jetstream.ErrMsgNotFound) || errors.Is(err, jetstream.ErrObjectNotFound)
}

// isConflict reports whether a message was refused because its subject has
// another last sequence than was expected. Clusters have a code of their own.
func isConflict(err error) bool {
	var api *jetstream.APIError
	return errors.As(err, &api) && (api.ErrorCode == jetstream.JSErrCodeStreamWrongLastSequence || api.ErrorCode == jetstream.JSErrCodeStreamWrongLastSequenceConstant)
}

// kinds is the error table. Every other answer of the API with a status of 5xx
// may pass: a cluster without a leader, a server that is short of something.
var kinds = []struct {
	kind error
	errs []error
}{
	{ltxstore.ErrChecksum, []error{errDamaged}},
	{ltxstore.ErrStoreNotFound, []error{jetstream.ErrStreamNotFound, jetstream.ErrBucketNotFound}},
	{fs.ErrNotExist, []error{jetstream.ErrMsgNotFound, jetstream.ErrObjectNotFound}},
	{fs.ErrInvalid, []error{nats.ErrMaxPayload}},
	{errors.ErrUnsupported, []error{jetstream.ErrJetStreamNotEnabled, jetstream.ErrJetStreamNotEnabledForAccount}},
	{fs.ErrPermission, []error{nats.ErrAuthorization, nats.ErrAuthExpired, nats.ErrAuthRevoked, nats.ErrAccountAuthExpired,
		nats.ErrPermissionViolation}},
	{ltxstore.ErrThrottled, []error{nats.ErrMaxConnectionsExceeded, nats.ErrMaxAccountConnectionsExceeded, jetstream.ErrTooManyStalledMsgs}},
	{ltxstore.ErrUnavailable, []error{errStalled, errLost, errDisorder, errMoved,
		nats.ErrNoServers, nats.ErrTimeout, nats.ErrNoResponders, nats.ErrDisconnected, nats.ErrStaleConnection,
		nats.ErrConnectionClosed, nats.ErrConnectionDraining, nats.ErrConnectionReconnecting,
		nats.ErrReconnectBufExceeded, nats.ErrBadSubscription, nats.ErrSlowConsumer,
		jetstream.ErrNoStreamResponse, jetstream.ErrAsyncPublishTimeout, jetstream.ErrConnectionClosed,
		jetstream.ErrConsumerNotFound}}, // the consumer of a listing has gone with its server
}

// Classify implements object.Bucket.
func (b *bucket) Classify(err error) object.Failure {
	return object.Failure{Kind: kindOf(err), Size: -1}
}

func kindOf(err error) error {
	if isConflict(err) || errors.Is(err, object.ErrPrecondition) {
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
	var api *jetstream.APIError
	if errors.As(err, &api) {
		switch {
		case api.Code == 429:
			return ltxstore.ErrThrottled
		case strings.Contains(api.Description, "maximum"), strings.Contains(api.Description, "resource"): // a limit that stays
			return nil
		case api.Code >= 500:
			return ltxstore.ErrUnavailable
		}
	}
	return nil
}

// Describe implements object.Describer.
func (b *bucket) Describe(err error) error {
	hint := ""
	switch kind := kindOf(err); {
	case errors.Is(kind, ltxstore.ErrStoreNotFound):
		hint = fmt.Sprintf("create the object store %q first: ", b.cfg.Bucket)
	case errors.Is(err, jetstream.ErrJetStreamNotEnabled), errors.Is(err, jetstream.ErrJetStreamNotEnabledForAccount):
		hint = "the server or the account has no JetStream: "
	case errors.As(err, new(*tls.CertificateVerificationError)):
	case errors.Is(err, nats.ErrTLS), strings.Contains(err.Error(), "remote error: tls:"):
		hint = "the server has ended the connection, it may not accept the client's certificate: "
	case errors.Is(kind, context.Canceled), errors.Is(kind, context.DeadlineExceeded):
		return err
	}
	return fmt.Errorf("%s%w (object store %q at %s)", hint, err, b.cfg.Bucket, scrub.Text(b.cfg.URL))
}
