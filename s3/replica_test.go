package s3

import (
	"context"
	"log/slog"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/stretchr/testify/require"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/backend"
	"github.com/ltxstore/ltxstore/backend/object"
	"github.com/ltxstore/ltxstore/backend/oplog"
	"github.com/ltxstore/ltxstore/backend/rangeio"
	"github.com/ltxstore/ltxstore/backend/transport"
)

// replica is a client taken apart, for tests that change what Config and the
// provider table would not allow.
type replica struct {
	cfg      Config
	provider provider
	api      *s3.Client
	log      *oplog.Logger
	close    func()
}

// client puts the parts together.
func (r *replica) client(t testing.TB) *ReplicaClient {
	t.Helper()
	keys, err := backend.KeysAt(r.cfg.Layout, r.cfg.Path)
	require.NoError(t, err)
	c := &ReplicaClient{given: func() Config { return r.cfg }}
	c.Client = object.New(object.Config{Type: typeName, Retry: r.cfg.Retry, Logger: slog.New(slog.DiscardHandler),
		Connect: func(_ context.Context, log *oplog.Logger) (*object.Store, error) {
			r.log = log
			return &object.Store{Bucket: r.bucket(), Traits: r.provider.traits(), Keys: keys,
				WriteOnce: r.cfg.WriteOnce, Options: r.cfg.Transfer, IdleTimeout: r.cfg.HTTP.IdleTimeout,
				ReadPool: rangeio.NewPool(r.cfg.Transfer.ReadMemory, r.cfg.Transfer.ReadConcurrency)}, nil
		}})
	require.NoError(t, c.Init(t.Context()))
	return c
}

func (r *replica) bucket() *bucket {
	return &bucket{cfg: r.cfg, provider: r.provider, api: r.api, Service: r.cfg.service(&r.log.Secrets)}
}

// wrap is the error of reading a file.
func (r *replica) wrap(err error) error {
	f := r.bucket().Classify(err)
	kind := f.Kind
	for _, own := range []error{object.ErrPrecondition, object.ErrConflict, object.ErrNoUpload, object.ErrRange} {
		if kind == own {
			kind = nil
		}
	}
	return &ltxstore.Error{Op: "open", Backend: typeName, Key: "db/x", Kind: kind, Err: r.bucket().Describe(err)}
}

// connectTo is connect, taken apart.
func connectTo(t *testing.T, cfg Config) (*replica, error) {
	t.Helper()
	log := new(oplog.Logger)
	store, err := cfg.connect(t.Context(), log)
	if err != nil {
		return nil, err
	}
	t.Cleanup(store.Close)
	b := store.Bucket.(*bucket)
	return &replica{cfg: b.cfg, provider: b.provider, api: b.api, log: log, close: store.Close}, nil
}

// wrap is the error of what happens before anything is known. An *ltxstore.Error, and
// nil, stay as they are.
func wrap(err error) error {
	if err == nil {
		return nil
	}
	if done, ok := err.(*ltxstore.Error); ok {
		return done
	}
	nowhere := &transport.Service{Answer: answerTo}
	return &ltxstore.Error{Op: "init", Backend: typeName, Kind: kindOf(err), Err: nowhere.Describe(err)}
}
