package nats

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/backend/object"
	"github.com/ltxstore/ltxstore/backend/oplog"
	"github.com/ltxstore/ltxstore/internal/flow"
	"github.com/ltxstore/ltxstore/internal/scrub"
)

// bucket is a bucket of JetStream's object store: a stream with a message for each chunk of
// an object, and one with its description, whose subject contains its name. It implements
// object.Bucket, Describer, Streamer, Retractor, Sweeper and Watcher.
type bucket struct {
	cfg Config // with its defaults filled in
	log *oplog.Logger

	stream               string // its name
	descriptions, chunks string // prefixes of their subjects

	*link
	leave func() (last bool)
}

// link is the connection of the clients of a bucket that connect in the same way.
type link struct {
	options nats.Options
	secrets scrub.Secrets // in the files that options were read from

	ready   flow.Lazy[conn]
	servers atomic.Pointer[[]string] // those of options, and others that a cluster has named
}

// links are those in use.
var links flow.Shared[[sha256.Size]byte, *link]

var (
	_ object.Streamer  = (*bucket)(nil)
	_ object.Retractor = (*bucket)(nil)
	_ object.Sweeper   = (*bucket)(nil)
	_ object.Watcher   = (*bucket)(nil)
)

// newBucket returns a bucket. leave reports whether no other uses the link. It sends
// nothing: the first method connects.
func newBucket(cfg Config, link *link, leave func() (last bool), log *oplog.Logger) *bucket {
	return &bucket{cfg: cfg, log: log, link: link, leave: leave,
		stream: "OBJ_" + cfg.Bucket, descriptions: "$O." + cfg.Bucket + ".M.", chunks: "$O." + cfg.Bucket + ".C."}
}

// Classify implements object.Bucket.
func (b *bucket) Classify(err error) object.Failure {
	return object.Failure{Kind: kindOf(err), Size: -1}
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
		hint = "the server closed the connection, perhaps because it does not accept the client's certificate: "
	case errors.Is(kind, context.Canceled), errors.Is(kind, context.DeadlineExceeded):
		return err
	}
	return fmt.Errorf("%s%w (object store %q at %s)", hint, err, b.cfg.Bucket, scrub.Text(b.cfg.URL))
}
