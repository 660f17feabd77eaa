package objectstore

import (
	"errors"
	"fmt"
	"io/fs"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/backend/object"
	"github.com/ltxstore/ltxstore/nats/internal/stream"
)

var (
	errDamaged = errors.New("the object is damaged")
	errMoved   = errors.New("the object was replaced or deleted")
	errTaken   = fmt.Errorf("%w: the object exists", object.ErrPrecondition)
)

// Classify implements object.Bucket.
func (b *Bucket) Classify(err error) object.Failure {
	return object.Failure{Kind: kindOf(err), Size: -1}
}

func kindOf(err error) error {
	switch {
	case stream.IsConflict(err), errors.Is(err, object.ErrPrecondition):
		return object.ErrPrecondition
	case errors.Is(err, errDamaged):
		return ltxstore.ErrChecksum
	case errors.Is(err, jetstream.ErrObjectNotFound):
		return fs.ErrNotExist
	case errors.Is(err, errMoved):
		return ltxstore.ErrUnavailable
	}
	return stream.KindOf(err)
}
