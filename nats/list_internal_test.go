package nats

import (
	"context"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ltxstore/ltxstore/backend/object"
)

// A message whose subject is made of no name is no object's.
func TestListIgnoresOtherSubjects(t *testing.T) {
	b, js, store := open(t)
	_, err := store.PutBytes(t.Context(), "k/a", []byte("LTX1"))
	require.NoError(t, err)
	_, err = js.Publish(t.Context(), b.subject("k/b")+"!", []byte("{}"))
	require.NoError(t, err)
	page, err := b.List(t.Context(), object.ListOptions{Prefix: "k/"})
	require.NoError(t, err)
	require.Len(t, page.Objects, 1)
	assert.Equal(t, "k/a", page.Objects[0].Key)
}

// A watcher hears of objects until it ends, and of what ends it.
func TestWatch(t *testing.T) {
	b, js, store := open(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	objects, err := b.Watch(ctx)
	require.NoError(t, err)
	others, err := b.Watch(ctx)
	require.NoError(t, err)
	_, err = js.Publish(t.Context(), b.subject("k")+"!", []byte("{}"))
	require.NoError(t, err)
	_, err = store.PutBytes(t.Context(), "k", []byte("LTX1"))
	require.NoError(t, err)
	var seen []string
	for o, err := range objects {
		require.NoError(t, err)
		seen = append(seen, o.Key)
		break
	}
	assert.Equal(t, []string{"k"}, seen)
	cancel()
	var ended []error
	for _, err := range others {
		ended = append(ended, err)
	}
	require.NotEmpty(t, ended)
	require.ErrorIs(t, ended[len(ended)-1], context.Canceled)
}
