package nats

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ltxstore/ltxstore/backend/object"
)

// A range of up to as many bytes as a window of chunks has is there when Get returns,
// whatever becomes of the object.
func TestGetHasAWindow(t *testing.T) {
	b, _, store := open(t)
	want := bytes.Repeat([]byte("LTX1"), window<<10)
	info, err := store.Put(t.Context(), jetstream.ObjectMeta{Name: "k", Opts: &jetstream.ObjectMetaOptions{ChunkSize: 4 << 10}}, bytes.NewReader(want))
	require.NoError(t, err)
	require.EqualValues(t, window, info.Chunks)
	content, err := b.Get(t.Context(), "k", object.GetOptions{})
	require.NoError(t, err)
	require.NoError(t, store.Delete(t.Context(), "k"))
	got, err := io.ReadAll(content.Body)
	require.NoError(t, err)
	assert.Equal(t, want, got)
}

// The read of a long range ends at once where the object is replaced or deleted meanwhile:
// what follows is neither waited for nor another object's.
func TestGetOfAChangedObject(t *testing.T) {
	b, _, store := open(t)
	want := bytes.Repeat([]byte("LTX1"), 4*window<<10)
	for name, change := range map[string]func() error{
		"replaced": func() error { _, err := store.PutBytes(t.Context(), "k", want); return err },
		"deleted":  func() error { return store.Delete(t.Context(), "k") },
	} {
		_, err := b.Put(t.Context(), "k", object.NewBody(want), object.PutOptions{})
		require.NoError(t, err)
		content, err := b.Get(t.Context(), "k", object.GetOptions{})
		require.NoError(t, err)
		require.NoError(t, change())
		start := time.Now()
		got, err := io.ReadAll(content.Body)
		require.ErrorIs(t, err, errMoved, name)
		assert.True(t, bytes.HasPrefix(want, got), name)
		assert.Less(t, time.Since(start), 5*time.Second, name)
	}
}

// If nothing of a range is there, Get says so, also where the chunk is there in which
// the range could begin.
func TestGetOfMissingChunks(t *testing.T) {
	b, js, _ := open(t)
	describe(t, b, js, "k", jetstream.ObjectInfo{ObjectMeta: jetstream.ObjectMeta{Name: "k"}, NUID: "n", Size: 5000, Chunks: 2})
	_, err := js.Publish(t.Context(), b.chunks+"n", make([]byte, 100))
	require.NoError(t, err)
	_, err = b.Get(t.Context(), "k", object.GetOptions{Offset: 100, Size: 10})
	require.ErrorIs(t, err, errDamaged)
	content, err := b.Get(t.Context(), "k", object.GetOptions{Offset: 90, Size: 20})
	require.NoError(t, err)
	got, err := io.ReadAll(content.Body)
	require.ErrorIs(t, err, errDamaged)
	assert.Equal(t, make([]byte, 10), got)
}

// A size is at most what an int64 holds.
func TestDescribedSize(t *testing.T) {
	of := func(size uint64) error {
		text := fmt.Sprintf(`{"name":"k","nuid":"n","size":%d}`, size)
		e := parse("k", &jetstream.RawStreamMsg{Sequence: 1, Data: []byte(text)})
		return e.damaged
	}
	require.NoError(t, of(math.MaxInt64))
	require.ErrorIs(t, of(math.MaxInt64+1), errDamaged)
}

// A chunk that is gone, or is empty, is damage: what follows is not read in its place.
func TestGetWithoutAChunk(t *testing.T) {
	b, js, _ := open(t)
	want := bytes.Repeat([]byte("LTX1"), 4<<10)
	_, err := b.Put(t.Context(), "k", object.NewBody(want), object.PutOptions{})
	require.NoError(t, err)
	s, err := js.Stream(t.Context(), "OBJ_bucket")
	require.NoError(t, err)
	require.NoError(t, s.DeleteMsg(t.Context(), 3))
	content, err := b.Get(t.Context(), "k", object.GetOptions{})
	require.NoError(t, err)
	got, err := io.ReadAll(content.Body)
	require.ErrorIs(t, err, errDamaged)
	assert.Len(t, got, 2*4<<10)

	describe(t, b, js, "empty", jetstream.ObjectInfo{ObjectMeta: jetstream.ObjectMeta{Name: "empty"}, NUID: "n", Size: 4, Chunks: 1})
	_, err = js.Publish(t.Context(), b.chunks+"n", nil)
	require.NoError(t, err)
	_, err = b.Get(t.Context(), "empty", object.GetOptions{})
	require.ErrorIs(t, err, errDamaged)
}

// A link to another object has no content of its own.
func TestGetOfALink(t *testing.T) {
	b, _, store := open(t)
	info, err := store.PutBytes(t.Context(), "k", []byte("LTX1"))
	require.NoError(t, err)
	_, err = store.AddLink(t.Context(), "link", info)
	require.NoError(t, err)
	_, err = b.Get(t.Context(), "link", object.GetOptions{})
	require.ErrorIs(t, err, errors.ErrUnsupported)
	_, err = b.Get(t.Context(), "none", object.GetOptions{})
	require.ErrorIs(t, err, jetstream.ErrObjectNotFound)
}
