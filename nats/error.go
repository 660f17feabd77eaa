package nats

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"strings"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/internal/scrub"
	"github.com/ltxstore/ltxstore/nats/internal/objectstore"
)

// bucket implements object.Bucket. Its Classify is that of objectstore.Bucket, which
// knows the errors of packages objectstore and stream.
type bucket struct {
	*objectstore.Bucket
	cfg Config // with its defaults filled in
}

// Describe implements object.Describer.
func (b *bucket) Describe(err error) error {
	hint := ""
	switch kind := b.Classify(err).Kind; {
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
