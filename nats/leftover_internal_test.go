package nats

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ltxstore/ltxstore/backend/object"
)

// upload sends the chunk of an upload, and returns it as a leftover.
func upload(t *testing.T, b *bucket, js jetstream.JetStream, key, nuid string) object.Upload {
	t.Helper()
	m := nats.NewMsg(b.chunks + nuid)
	m.Header.Set(offsetHeader, "0")
	m.Header.Set(objectHeader, key)
	m.Header.Set(sentHeader, time.Unix(0, 0).UTC().Format(time.RFC3339))
	m.Data = []byte("LTX1")
	_, err := js.PublishMsg(t.Context(), m)
	require.NoError(t, err)
	left, err := b.Leftovers(t.Context())
	require.NoError(t, err)
	want := object.Upload{Key: key, ID: nuid}
	require.Equal(t, []object.Leftover{{Upload: want, Since: time.Unix(0, 0).UTC()}}, left)
	return want
}

// describe publishes a description of key, as another client would.
func describe(t *testing.T, b *bucket, js jetstream.JetStream, key string, is any) {
	t.Helper()
	text, err := json.Marshal(is)
	require.NoError(t, err)
	_, err = js.Publish(t.Context(), b.subject(key), text)
	require.NoError(t, err)
}

// An upload that is completed after it was found keeps its chunks.
func TestDiscardOfACompletedUpload(t *testing.T) {
	b, js, store := open(t)
	left := upload(t, b, js, "k", "slow")
	describe(t, b, js, "k", jetstream.ObjectInfo{ObjectMeta: jetstream.ObjectMeta{Name: "k"}, NUID: "slow", Size: 4, Chunks: 1, Digest: "SHA-256="})
	require.NoError(t, b.Discard(t.Context(), left))
	state, err := b.state(t.Context(), b.chunks+">")
	require.NoError(t, err)
	assert.Equal(t, map[string]uint64{b.chunks + "slow": 1}, state.Subjects)
	info, err := store.GetInfo(t.Context(), "k")
	require.NoError(t, err)
	assert.Equal(t, "slow", info.NUID)
}

// The chunks of an upload are discarded if its name is free or another's, and of no
// other one.
func TestDiscard(t *testing.T) {
	for _, taken := range []bool{false, true} {
		b, js, store := open(t)
		left, want := upload(t, b, js, "k", "slow"), map[string]uint64{}
		if taken {
			info, err := store.PutBytes(t.Context(), "k", []byte("LTX1"))
			require.NoError(t, err)
			want[b.chunks+info.NUID] = 1
		}
		require.NoError(t, b.Discard(t.Context(), left))
		state, err := b.state(t.Context(), b.chunks+">")
		require.NoError(t, err)
		assert.Equal(t, want, state.Subjects)
	}
}

// Nothing is discarded of a name whose description cannot be read: it may be the
// upload's.
func TestDiscardBesideADamagedDescription(t *testing.T) {
	b, js, _ := open(t)
	left := upload(t, b, js, "k", "slow")
	describe(t, b, js, "k", jetstream.ObjectInfo{ObjectMeta: jetstream.ObjectMeta{Name: "another"}, NUID: "x"})
	require.ErrorIs(t, b.Discard(t.Context(), left), errDamaged)
	state, err := b.state(t.Context(), b.chunks+">")
	require.NoError(t, err)
	assert.Len(t, state.Subjects, 1)
}

// Only the version is deleted that was asked for.
func TestDeleteVersion(t *testing.T) {
	b, _, store := open(t)
	require.NoError(t, b.DeleteVersion(t.Context(), "k", "v"), "there is none")
	info, err := store.PutBytes(t.Context(), "k", []byte("LTX1"))
	require.NoError(t, err)
	require.ErrorIs(t, b.DeleteVersion(t.Context(), "k", "v"), object.ErrPrecondition)
	_, err = b.Head(t.Context(), "k", info.NUID)
	require.NoError(t, err)
	require.NoError(t, b.DeleteVersion(t.Context(), "k", info.NUID))
	_, err = b.Head(t.Context(), "k", "")
	require.ErrorIs(t, err, jetstream.ErrObjectNotFound)
}
