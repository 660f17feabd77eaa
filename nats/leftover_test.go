package nats_test

import (
	"context"
	"encoding/base64"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore/nats"
)

// once calls do before the first request of a kind that is about a subject, and
// returns whether there was one.
func (f *service) once(kind, about string, do func()) (done func() bool) {
	var called atomic.Bool
	f.set(func() {
		f.answer = func(subject string, payload []byte) (string, string, bool) {
			if strings.HasPrefix(subject, kind) && strings.Contains(string(payload), about) && called.CompareAndSwap(false, true) {
				do()
			}
			return "", "", false
		}
	})
	return func() bool {
		f.set(func() { f.answer = nil })
		return called.Load()
	}
}

// subject returns that of a file's description.
func (f *service) subject(txid ltx.TXID) string {
	return "$O." + f.bucket + ".M." + encode(f.key(txid))
}

func encode(key string) string { return base64.URLEncoding.EncodeToString([]byte(key)) }

// Another DeleteAll may discard the same chunks first: those of the other writes are
// discarded all the same.
func TestDiscardedMeanwhile(t *testing.T) {
	f, c := serve(t, nats.Config{})
	for i, nuid := range []string{"a", "b", "c", "d", "e"} {
		require.NoError(t, f.leave(t.Context(), nuid, f.key(ltx.TXID(i+1)), time.Now().Add(-2*time.Hour)))
	}
	stream, err := f.js.Stream(t.Context(), "OBJ_"+f.bucket)
	require.NoError(t, err)
	first := make(chan string, 1)
	f.set(func() {
		f.answer = func(subject string, payload []byte) (string, string, bool) {
			if _, about, ok := strings.Cut(string(payload), ".C."); ok && strings.HasPrefix(subject, "$JS.API.STREAM.MSG.GET.") {
				select {
				case first <- about[:1]:
					assert.NoError(t, stream.Purge(t.Context(), jetstream.WithPurgeSubject("$O."+f.bucket+".C."+about[:1])))
				default:
				}
			}
			return "", "", false
		}
	})
	require.NoError(t, c.DeleteAll(t.Context()))
	assert.Len(t, first, 1)
	assert.Empty(t, f.chunks(t))
}

// Before a deletion removes the description, another may have removed it, or a write may
// have replaced it: it is done, and what was written stays.
func TestDeletedMeanwhile(t *testing.T) {
	for name, meanwhile := range map[string]func(context.Context, *service) error{
		"deleted": func(ctx context.Context, f *service) error { return f.store.Delete(ctx, f.key(1)) },
		"written": func(ctx context.Context, f *service) error {
			_, err := f.store.PutBytes(ctx, f.key(1), []byte("LTX1"))
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			f, _ := serve(t, nats.Config{})
			c := f.client(func(cfg *nats.Config) { cfg.Retry.MaxAttempts = 1 })
			defer c.Close()
			write(t, c, 1, body(t, 1, 1))
			met := f.once("$JS.API.STREAM.PURGE.", ".M.", func() { assert.NoError(t, meanwhile(t.Context(), f)) })
			require.NoError(t, c.DeleteLTXFiles(t.Context(), []*ltx.FileInfo{{MinTXID: 1, MaxTXID: 1}}))
			require.True(t, met())
			if name == "written" {
				assert.Equal(t, "LTX1", string(read(t, c, 1, 0, 0)))
				assert.Len(t, f.chunks(t), 1)
			} else {
				assert.Empty(t, list(t, c))
				assert.Empty(t, f.chunks(t))
			}
		})
	}
}

// The chunks of a deletion that is interrupted are leftovers.
func TestInterruptedDeletion(t *testing.T) {
	f, _ := serve(t, nats.Config{})
	c := f.client(func(cfg *nats.Config) { cfg.Retry.MaxAttempts = 1 })
	defer c.Close()
	write(t, c, 1, body(t, 1, 1))
	f.refused(func(subject, payload string) bool {
		return strings.HasPrefix(subject, "$JS.API.STREAM.PURGE.") && strings.Contains(payload, ".C.")
	})
	require.ErrorContains(t, c.DeleteLTXFiles(t.Context(), []*ltx.FileInfo{{MinTXID: 1, MaxTXID: 1}}), "injected failure")
	f.set(func() { f.answer = nil })
	assert.Empty(t, list(t, c))
	assert.Len(t, f.chunks(t), 1)
	require.NoError(t, c.DeleteAll(t.Context()))
	assert.Len(t, f.chunks(t), 1, "they are as old as those of a write that is in progress")
}
