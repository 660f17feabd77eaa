package nats_test

import (
	"bytes"
	"io"
	"io/fs"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/backend/object"
	"github.com/ltxstore/ltxstore/nats"
)

// published calls do before each description that a client sends, and returns
// how many there were.
func (f *service) published(do func(n int)) (count func() int) {
	n := 0
	f.set(func() {
		f.answer = func(subject string, _ []byte) (string, string, bool) {
			if strings.HasPrefix(subject, "$O."+f.bucket+".M.") {
				n++
				do(n)
			}
			return "", "", false
		}
	})
	return func() int {
		f.set(func() { f.answer = nil })
		return n
	}
}

// Other writers of a name may come first, several times.
func TestConflicts(t *testing.T) {
	f, _ := serve(t, nats.Config{})
	c := f.client(func(cfg *nats.Config) { cfg.Retry.MaxAttempts = 1 })
	defer c.Close()
	first := func(until int) func(n int) {
		return func(n int) {
			if n <= until {
				_, err := f.store.PutBytes(t.Context(), f.key(1), []byte("LTX1, another's"))
				assert.NoError(t, err)
			}
		}
	}
	content := body(t, 1, 1)
	count := f.published(first(5))
	write(t, c, 1, content)
	assert.Equal(t, 6, count())
	assert.Equal(t, content, read(t, c, 1, 0, 0))
	assert.Len(t, f.chunks(t), 1)

	// Not without end.
	count = f.published(first(1000))
	_, err := c.WriteLTXFile(t.Context(), 0, 1, 1, bytes.NewReader(content))
	require.ErrorIs(t, err, ltxstore.ErrUnavailable)
	assert.Equal(t, 10, count())
	assert.Len(t, f.chunks(t), 1)
}

// Old chunks that cannot be removed are logged, and nothing is that has none.
func TestRemainingChunksAreLogged(t *testing.T) {
	f, _ := serve(t, nats.Config{})
	var log bytes.Buffer
	c := f.client(func(cfg *nats.Config) {
		cfg.Logger = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelWarn}))
	})
	defer c.Close()
	write(t, c, 1, body(t, 1, 1))
	write(t, c, 1, body(t, 1, 2))
	info, err := f.store.GetInfo(t.Context(), f.key(1))
	require.NoError(t, err)
	_, err = f.store.AddLink(t.Context(), f.key(2), info)
	require.NoError(t, err)
	f.describe(t, 3, `{"name":"`+f.key(3)+`","options":{"link":{"bucket":"another"}}}`)
	write(t, c, 2, body(t, 2, 1))
	write(t, c, 3, body(t, 3, 1))
	require.Empty(t, log.String())

	f.refused(func(subject, _ string) bool { return strings.HasPrefix(subject, "$JS.API.STREAM.PURGE.") })
	write(t, c, 1, body(t, 1, 3))
	assert.Contains(t, log.String(), "could not be removed")
	assert.Contains(t, log.String(), f.key(1))
}

// What is not about another writer is the write's error, at once.
func TestRefusedDescription(t *testing.T) {
	f, c := serve(t, nats.Config{})
	n := 0
	f.set(func() {
		f.answer = func(subject string, _ []byte) (string, string, bool) {
			if strings.HasPrefix(subject, "$O."+f.bucket+".M.") {
				n++
				return "", refusal, true
			}
			return "", "", false
		}
	})
	_, err := c.WriteLTXFile(t.Context(), 0, 1, 1, bytes.NewReader(body(t, 1, 1)))
	require.ErrorContains(t, err, "injected failure")
	assert.Equal(t, 1, n)
	assert.Empty(t, f.chunks(t))
}

// NATS's own clients leave a mark of an object that they have deleted: its name
// is free.
func TestWriteOnceAfterDeletion(t *testing.T) {
	f, _ := serve(t, nats.Config{Transfer: object.Options{PartSize: 4 << 10}})
	c := f.client(func(cfg *nats.Config) { cfg.WriteOnce = true })
	defer c.Close()
	for _, pages := range []int{1, 200} {
		_, err := f.store.PutBytes(t.Context(), f.key(1), []byte("LTX1"))
		require.NoError(t, err)
		require.NoError(t, f.store.Delete(t.Context(), f.key(1)))
		content := body(t, 1, pages)
		write(t, c, 1, content)
		assert.True(t, bytes.Equal(content, read(t, c, 1, 0, 0)))
		assert.Len(t, f.chunks(t), 1)
		require.NoError(t, f.store.Delete(t.Context(), f.key(1)))
	}
}

// refused makes the server refuse each request that match names.
func (f *service) refused(match func(subject, payload string) bool) {
	f.set(func() {
		f.answer = func(subject string, payload []byte) (string, string, bool) {
			if strings.HasPrefix(subject, "$JS.API.DIRECT.GET.") {
				return "NATS/1.0 500 injected failure", "", match(subject, string(payload))
			}
			return "", refusal, match(subject, string(payload))
		}
	})
}

// Chunks that cannot be attributed to a write are told: DeleteAll has not removed them.
func TestRefusedLookAtLeftovers(t *testing.T) {
	f, _ := serve(t, nats.Config{})
	c := f.client(func(cfg *nats.Config) { cfg.Retry.MaxAttempts = 1 })
	defer c.Close()
	require.NoError(t, f.leave(t.Context(), "old", f.key(2), time.Now().Add(-2*time.Hour)))
	f.refused(func(subject, payload string) bool {
		return strings.Contains(subject, ".GET.") && strings.Contains(subject+payload, ".C.")
	})
	require.ErrorContains(t, c.DeleteAll(t.Context()), "injected failure")
	f.set(func() { f.answer = nil })
	require.NoError(t, c.DeleteAll(t.Context()))
	assert.Empty(t, f.chunks(t))
}

// Whichever chunk of another client's file is refused, by any server and the leader, the
// read says so.
func TestRefusedChunks(t *testing.T) {
	f, _ := serve(t, nats.Config{Transfer: object.Options{PartSize: 4 << 10}})
	c := f.client(func(cfg *nats.Config) { cfg.Retry.MaxAttempts = 1 })
	defer c.Close()
	content := body(t, 1, 200)
	stock := jetstream.ObjectMeta{Name: f.key(1), Opts: &jetstream.ObjectMetaOptions{ChunkSize: 4 << 10}}
	_, err := f.store.Put(t.Context(), stock, &pieces{bytes.NewReader(content), []int{100}})
	require.NoError(t, err)
	write(t, c, 2, body(t, 2, 1)) // it is connected
	offset := int64(len(content)) - 5000
	for which, done := 0, false; !done; which++ {
		n := 0
		f.refused(func(subject, payload string) bool {
			if strings.Contains(subject, ".GET.") && strings.Contains(payload, ".C.") {
				n++
			}
			return n > which && n <= which+2
		})
		r, err := c.OpenLTXFile(t.Context(), 0, 1, 1, offset, 0)
		if err == nil {
			var got []byte
			got, err = io.ReadAll(r)
			assert.True(t, err != nil || bytes.Equal(content[offset:], got))
			require.NoError(t, r.Close())
		}
		switch done = n <= which; {
		case err != nil:
			require.ErrorContains(t, err, "injected failure")
			require.False(t, done)
		case which < 3: // the first chunk, the last one, and that of the range; later ones are asked for again
			require.Fail(t, "it was refused, and nobody was told", "request %d", which)
		}
	}
}

// A file that is replaced before its first chunk is read is read as it is then, and one
// that is deleted is not there: neither is damaged.
func TestReplacedBeforeItIsRead(t *testing.T) {
	f, c := serve(t, nats.Config{})
	write(t, c, 1, body(t, 1, 1))
	replaced := f.once("$JS.API.DIRECT.GET.", ".C.", func() {
		_, err := f.store.PutBytes(t.Context(), f.key(1), []byte("LTX1, another's"))
		assert.NoError(t, err)
	})
	assert.Equal(t, "LTX1, another's", string(read(t, c, 1, 0, 0)))
	require.True(t, replaced())
	deleted := f.once("$JS.API.DIRECT.GET.", ".C.", func() { assert.NoError(t, f.store.Delete(t.Context(), f.key(1))) })
	_, err := c.OpenLTXFile(t.Context(), 0, 1, 1, 0, 0)
	require.ErrorIs(t, err, fs.ErrNotExist)
	require.True(t, deleted())
}

// A range asks for the chunks that it is in, and no more.
func TestRangeAsksForItsChunks(t *testing.T) {
	f, c := serve(t, nats.Config{Transfer: object.Options{PartSize: 4 << 10}})
	content := body(t, 1, 20)
	write(t, c, 1, content)
	var asked []string
	f.set(func() {
		f.answer = func(subject string, payload []byte) (string, string, bool) {
			if strings.HasPrefix(subject, "$JS.API.DIRECT.GET.") {
				_, batch, _ := strings.Cut(string(payload), `"batch":`)
				batch, _, _ = strings.Cut(batch, ",")
				asked = append(asked, batch)
			}
			return "", "", false
		}
	})
	assert.Equal(t, content[4<<10:16<<10], read(t, c, 1, 4<<10, 12<<10))
	assert.Equal(t, []string{"1", "2"}, asked)
}
