package object_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/backend"
	"github.com/ltxstore/ltxstore/backend/object"
	"github.com/ltxstore/ltxstore/backend/oplog"
)

// scripted is a memory whose next answers are told beforehand, by method.
type scripted struct {
	parted
	lock  sync.Mutex
	steps map[string][]step
	seen  map[string]int
}

// step answers a request, which do does.
type step func(do func() error) error

// refuse does not do the request; lose does it, and loses the answer.
func refuse(err error) step { return func(func() error) error { return err } }
func lose(err error) step   { return func(do func() error) error { _ = do(); return err } }

// later is an error of a kind with a Retry-After.
type later struct {
	error
	delay time.Duration
}

func (l *later) Unwrap() error { return l.error }

func newScripted(traits object.Traits) *scripted {
	return &scripted{parted: parted{newMemory(traits)}, steps: map[string][]step{}, seen: map[string]int{}}
}

func (s *scripted) run(method string, do func() error) error {
	s.lock.Lock()
	s.seen[method]++
	steps := s.steps[method]
	if len(steps) == 0 {
		s.lock.Unlock()
		return do()
	}
	s.steps[method] = steps[1:]
	s.lock.Unlock()
	return steps[0](do)
}

func (s *scripted) Put(ctx context.Context, key string, body *object.Body, opts object.PutOptions) (o object.Object, err error) {
	err = s.run("Put", func() (err error) { o, err = s.memory.Put(ctx, key, body, opts); return err })
	return o, err
}

func (s *scripted) CompleteUpload(ctx context.Context, u object.Upload, parts []object.Part, opts object.PutOptions) (o object.Object, err error) {
	err = s.run("CompleteUpload", func() (err error) { o, err = s.parted.CompleteUpload(ctx, u, parts, opts); return err })
	return o, err
}

func (s *scripted) Head(ctx context.Context, key, version string) (o object.Object, err error) {
	err = s.run("Head", func() (err error) { o, err = s.memory.Head(ctx, key, version); return err })
	return o, err
}

func (s *scripted) Delete(ctx context.Context, key string) error {
	return s.run("Delete", func() error { return s.memory.Delete(ctx, key) })
}

func (s *scripted) DeleteBatch(ctx context.Context, keys []string) (results map[string]error, err error) {
	err = s.run("DeleteBatch", func() (err error) { results, err = s.memory.DeleteBatch(ctx, keys); return err })
	return results, err
}

func (s *scripted) Classify(err error) object.Failure {
	f := s.memory.Classify(err)
	if errors.Is(err, object.ErrConflict) {
		f.Kind = object.ErrConflict
	}
	var l *later
	if errors.As(err, &l) {
		f.RetryAfter = l.delay
	}
	return f
}

// client returns a client of a bucket with the small sizes of the tests.
func (s *scripted) client(t *testing.T, bucket object.Bucket, once bool) *object.Client {
	keys, err := backend.NewKeys(ltxstore.LayoutDefault, testPath)
	require.NoError(t, err)
	return object.New(object.Config{Type: "memory", Connect: func(context.Context, *oplog.Logger) (*object.Store, error) {
		return &object.Store{Bucket: bucket, Traits: s.traits, Keys: keys, WriteOnce: once,
			Options: object.Options{UploadThreshold: partSize, PartSize: partSize, Concurrency: 3, DeleteConcurrency: 1}}, nil
	}, Retry: ltxstore.Retry{MaxAttempts: 3, BaseDelay: 1}, Logger: slog.New(slog.DiscardHandler)})
}

func stream(r io.Reader) io.Reader { return struct{ io.Reader }{r} }
