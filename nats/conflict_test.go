package nats_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ltxstore/ltxstore"
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
	assert.Equal(t, 12, count())
	assert.Len(t, f.chunks(t), 1)
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
	f, _ := serve(t, nats.Config{ChunkSize: 4 << 10})
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
