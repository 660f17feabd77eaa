package object_test

import (
	"bytes"
	"context"
	"fmt"
	"hash"
	"hash/crc32"
	"io"
	"io/fs"
	"slices"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/backend/object"
)

// A write-once write finds out what a lost or refused answer has done, and
// waits as long as the store asks it to (clause W6).
func TestWriteOnceResolves(t *testing.T) {
	busy := &later{ltxstore.ErrThrottled, 7 * time.Second}
	down := &later{ltxstore.ErrUnavailable, 9 * time.Second}
	for name, test := range map[string]struct {
		send, head []step
		want       error
		waits      time.Duration
		sent       int
	}{
		"done, answer lost":           {send: []step{lose(down)}, sent: 1},
		"throttled, then refused":     {send: []step{refuse(busy), refuse(down)}, waits: 16 * time.Second, sent: 3},
		"not done, answer lost":       {send: []step{refuse(down)}, waits: 9 * time.Second, sent: 2},
		"lookup fails too":            {send: []step{lose(down)}, head: []step{refuse(ltxstore.ErrUnavailable)}, waits: 9 * time.Second, sent: 2},
		"conflict, nothing there":     {send: []step{refuse(object.ErrConflict)}, sent: 2},
		"refused, deleted since":      {send: []step{refuse(object.ErrPrecondition)}, sent: 2},
		"done, reported as conflict":  {send: []step{lose(object.ErrConflict)}, sent: 1},
		"never, and nothing is there": {send: []step{refuse(down), refuse(down), refuse(down)}, want: ltxstore.ErrUnavailable, waits: 18 * time.Second, sent: 3},
		"denied":                      {send: []step{refuse(fs.ErrPermission)}, want: fs.ErrPermission, sent: 1},
	} {
		for _, sums := range []bool{false, true} {
			for method, size := range map[string]int{"Put": partSize, "CompleteUpload": partSize + 1} {
				t.Run(name+" "+method, func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) {
						var traits object.Traits
						if sums {
							traits.NewHash = func() hash.Hash { return crc32.NewIEEE() }
						}
						s := newScripted(traits)
						s.steps[method], s.steps["Head"] = test.send, test.head
						body, began := bytes.Repeat([]byte("x"), size), time.Now()
						_, err := s.client(t, s, true).WriteLTXFile(t.Context(), 0, 1, 1, iotest.DataErrReader(bytes.NewReader(body)))
						assert.Equal(t, test.waits, time.Since(began).Truncate(time.Second))
						assert.Equal(t, test.sent, s.seen[method])
						assert.Empty(t, s.uploads, "an upload stays")
						if test.want != nil {
							require.ErrorIs(t, err, test.want)
							assert.Empty(t, s.objects)
							return
						}
						require.NoError(t, err)
						for _, got := range s.bodies {
							assert.True(t, bytes.Equal(body, got))
						}
						assert.Len(t, s.bodies, 1)
					})
				})
			}
		}
	}
}

// retractor can delete a version.
type retractor struct{ *scripted }

func (r retractor) DeleteVersion(_ context.Context, key, version string) error {
	return r.run("DeleteVersion", func() error {
		r.mu.Lock()
		defer r.mu.Unlock()
		if r.objects[key].Version != version {
			return object.ErrPrecondition
		}
		delete(r.objects, key)
		return nil
	})
}

// An object that the store has damaged is deleted, and no later one.
func TestDamagedObjectIsRetracted(t *testing.T) {
	for name, test := range map[string]struct {
		steps    []step
		replaced bool
		left     int
		waits    time.Duration
	}{
		"deleted":         {},
		"busy at first":   {steps: []step{refuse(&later{ltxstore.ErrThrottled, 7 * time.Second})}, waits: 7 * time.Second},
		"denied":          {steps: []step{refuse(fs.ErrPermission)}, left: 1},
		"replaced by now": {replaced: true, left: 1},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newScripted(object.Traits{NewHash: func() hash.Hash { return crc32.NewIEEE() }})
				r := damaging{retractor{s}, test.replaced}
				s.steps["DeleteVersion"] = slices.Clone(test.steps)
				began := time.Now()
				_, err := s.client(t, r, false).WriteLTXFile(t.Context(), 0, 1, 1, bytes.NewReader([]byte("body")))
				require.ErrorIs(t, err, ltxstore.ErrChecksum)
				assert.Len(t, s.objects, test.left)
				assert.Equal(t, test.waits, time.Since(began).Truncate(time.Second))
			})
		})
	}
}

// damaging answers each Put with another sum than the body has.
type damaging struct {
	retractor
	replaced bool // by another writer, meanwhile
}

func (d damaging) Put(ctx context.Context, key string, body *object.Body, opts object.PutOptions) (object.Object, error) {
	o, err := d.scripted.Put(ctx, key, body, opts)
	if d.replaced {
		_, _ = d.scripted.Put(ctx, key, object.NewBody([]byte("later")), object.PutOptions{})
	}
	o.Sum = []byte{1, 2, 3, 4}
	return o, err
}

// An upload that the store does not know any more may have been completed by a
// request whose answer was lost, or removed by somebody: what tells is the
// content of the object that is there, not its size and time.
func TestUploadGoneAtCompletion(t *testing.T) {
	gone := refuse(object.ErrNoUpload)
	for name, test := range map[string]struct {
		older bool // an object was there before
		steps []step
		want  error
	}{
		"completed, answer lost":           {steps: []step{lose(ltxstore.ErrUnavailable)}},
		"removed, nothing there":           {steps: []step{gone}, want: object.ErrNoUpload},
		"removed, older of the same size":  {older: true, steps: []step{gone}, want: object.ErrNoUpload},
		"completed over older, lost":       {older: true, steps: []step{lose(ltxstore.ErrUnavailable)}},
		"not completed, removed meanwhile": {older: true, steps: []step{refuse(ltxstore.ErrUnavailable), gone}, want: object.ErrNoUpload},
	} {
		for _, sums := range []bool{false, true} {
			for form, open := range map[string]func([]byte) io.Reader{
				"file":   func(b []byte) io.Reader { return bytes.NewReader(b) },
				"stream": func(b []byte) io.Reader { return stream(bytes.NewReader(b)) },
			} {
				t.Run(fmt.Sprintf("%s, %s, sums %t", name, form, sums), func(t *testing.T) {
					var traits object.Traits
					if sums {
						traits.NewHash = func() hash.Hash { return crc32.NewIEEE() }
					}
					s := newScripted(traits)
					c := s.client(t, s, false)
					body, older := bytes.Repeat([]byte("x"), partSize+1), bytes.Repeat([]byte("y"), partSize+1)
					if test.older {
						_, err := c.WriteLTXFile(t.Context(), 0, 1, 1, bytes.NewReader(older))
						require.NoError(t, err)
					}
					s.steps["CompleteUpload"] = slices.Clone(test.steps)
					_, err := c.WriteLTXFile(t.Context(), 0, 1, 1, open(body))
					want := body
					if test.want != nil {
						require.ErrorIs(t, err, test.want)
						want = older
					} else {
						require.NoError(t, err)
					}
					for _, got := range s.bodies {
						assert.True(t, bytes.Equal(want, got))
					}
				})
			}
		}
	}
}
