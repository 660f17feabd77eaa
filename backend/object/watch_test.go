package object_test

import (
	"context"
	"errors"
	"io/fs"
	"iter"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/backend"
	"github.com/ltxstore/ltxstore/backend/object"
)

// watched reports objects, and then fails.
type watched struct {
	*scripted
	objects []object.Object
	err     error
}

func (w *watched) Watch(context.Context) (iter.Seq2[object.Object, error], error) {
	err := w.run("Watch", func() error { return nil })
	return func(yield func(object.Object, error) bool) {
		for _, o := range w.objects {
			if !yield(o, nil) {
				return
			}
		}
		yield(object.Object{}, w.err)
	}, err
}

func TestWatch(t *testing.T) {
	keys, err := backend.NewKeys(ltxstore.LayoutDefault, testPath)
	require.NoError(t, err)
	stored := time.Date(2026, 5, 6, 7, 8, 9, 0, time.UTC)
	s := newScripted(object.Traits{})
	w := &watched{scripted: s, err: errors.New("the end"), objects: []object.Object{
		{Key: keys.File(1, 1, 2), Size: 100, Modified: stored, Metadata: map[string]string{"litestream-timestamp": "2026-01-01T00:00:00.123Z"}},
		{Key: keys.File(0, 3, 3), Size: 100, Modified: stored},
		{Key: "other/" + keys.File(1, 3, 3), Size: 100, Modified: stored},
		{Key: keys.File(1, 4, 4), Size: 0, Modified: stored},
		{Key: keys.File(1, 5, 6), Size: 300, Modified: stored},
	}}
	s.steps["Watch"] = []step{refuse(ltxstore.ErrUnavailable)}
	client := s.client(t, w, false)
	files, err := object.Watch(t.Context(), client, 1)
	require.NoError(t, err)
	assert.Equal(t, 2, s.seen["Watch"], "what may pass is repeated")
	var seen []ltx.FileInfo
	for info, err := range files {
		if err != nil {
			var failure *ltxstore.Error
			require.ErrorAs(t, err, &failure)
			assert.Equal(t, "watch", failure.Op)
			assert.ErrorIs(t, err, w.err)
			break
		}
		seen = append(seen, *info)
	}
	assert.Equal(t, []ltx.FileInfo{
		{Level: 1, MinTXID: 1, MaxTXID: 2, Size: 100, CreatedAt: time.Date(2026, 1, 1, 0, 0, 0, 123e6, time.UTC)},
		{Level: 1, MinTXID: 5, MaxTXID: 6, Size: 300, CreatedAt: stored},
	}, seen)
	for range files { // which the caller ends
		break
	}

	_, err = object.Watch(t.Context(), client, -1)
	require.ErrorIs(t, err, fs.ErrInvalid)
	_, err = object.Watch(t.Context(), s.client(t, s, false), 1)
	require.ErrorIs(t, err, errors.ErrUnsupported)
}

// littered has what dead and living writers have left.
type littered struct {
	*scripted
	left      []object.Leftover
	discarded []string
}

func (l *littered) Leftovers(context.Context) (left []object.Leftover, err error) {
	err = l.run("Leftovers", func() error { left = slices.Clone(l.left); return nil })
	return left, err
}

func (l *littered) Discard(_ context.Context, u object.Upload) error {
	return l.run("Discard", func() error { l.discarded = append(l.discarded, u.ID); return nil })
}

// DeleteAll discards what is an hour old and of the replica's files.
func TestLeftovers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		keys, err := backend.NewKeys(ltxstore.LayoutDefault, testPath)
		require.NoError(t, err)
		old := time.Now()
		time.Sleep(time.Hour)
		l := &littered{scripted: newScripted(object.Traits{}), left: []object.Leftover{
			{Upload: object.Upload{Key: keys.File(0, 1, 1), ID: "dead"}, Since: old},
			{Upload: object.Upload{Key: keys.File(0, 2, 2), ID: "alive"}, Since: old.Add(1)},
			{Upload: object.Upload{Key: "other/" + keys.File(0, 3, 3), ID: "another's"}, Since: old},
			{Upload: object.Upload{Key: keys.File(0, 4, 4), ID: "dead too"}, Since: old},
		}}
		client := l.client(t, l, false)
		l.steps["Leftovers"] = []step{refuse(ltxstore.ErrUnavailable)}
		l.steps["Discard"] = []step{refuse(ltxstore.ErrUnavailable)}
		require.NoError(t, client.DeleteAll(t.Context()))
		assert.ElementsMatch(t, []string{"dead", "dead too"}, l.discarded)

		l.steps["Leftovers"] = []step{refuse(fs.ErrPermission)}
		require.ErrorIs(t, client.DeleteAll(t.Context()), fs.ErrPermission)
		l.steps["Discard"] = []step{refuse(fs.ErrPermission)}
		require.ErrorIs(t, client.DeleteAll(t.Context()), fs.ErrPermission)
	})
}
