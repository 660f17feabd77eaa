package nats_test

import (
	"bytes"
	"io/fs"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	natsio "github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/backend/object"
	"github.com/ltxstore/ltxstore/nats"
)

// The server refuses a message apart from the request that sent it, which is
// never answered: the refusal is its error all the same.
func TestDenied(t *testing.T) {
	s := start(t, func(o *server.Options) {
		o.Username, o.Password = "", ""
		o.Users = []*server.User{
			{Username: "admin", Password: password},
			{Username: "reader", Password: password, Permissions: &server.Permissions{Publish: &server.SubjectPermission{Deny: []string{"$O.bucket.>"}}}},
		}
	})
	nc, err := natsio.Connect(s.ClientURL(), natsio.UserInfo("admin", password))
	require.NoError(t, err)
	defer nc.Close()
	js, err := jetstream.New(nc)
	require.NoError(t, err)
	_, err = js.CreateObjectStore(t.Context(), jetstream.ObjectStoreConfig{Bucket: "bucket"})
	require.NoError(t, err)
	c := nats.NewReplicaClient(nats.Config{URL: s.ClientURL(), Bucket: "bucket", Username: "reader", Password: password,
		IdleTimeout: 500 * time.Millisecond, Logger: slog.New(slog.DiscardHandler)})
	defer c.Close()
	_, err = c.WriteLTXFile(t.Context(), 0, 1, 1, bytes.NewReader(body(t, 1, 1)))
	require.ErrorIs(t, err, fs.ErrPermission)
	assert.False(t, ltxstore.IsRetryable(err))
	assert.ErrorContains(t, err, "$O.bucket.C.")
}

// A description is asked for from the server that has the latest messages, chunks
// from any: a follower may not have heard of a file that was just written.
func TestDescriptionsAreTheLeaders(t *testing.T) {
	f, c := serve(t, nats.Config{})
	require.NoError(t, c.DeleteAll(t.Context())) // it has asked for the stream's subjects
	var direct, leaders, others atomic.Int64
	f.set(func() {
		f.answer = func(subject string, payload []byte) (string, string, bool) {
			about := subject + string(payload)
			switch isChunk := strings.Contains(about, ".C."); {
			case strings.HasPrefix(subject, "$JS.API.STREAM.MSG.GET.") && !isChunk:
				leaders.Add(1)
			case strings.HasPrefix(subject, "$JS.API.DIRECT.GET.") && isChunk:
				direct.Add(1)
			case strings.Contains(subject, ".GET."):
				others.Add(1)
			}
			return "", "", false
		}
	})
	content := body(t, 1, 1)
	write(t, c, 1, content)
	assert.Equal(t, content, read(t, c, 1, 0, 0))
	assert.EqualValues(t, 1, leaders.Load())
	assert.EqualValues(t, 1, direct.Load())
	assert.Zero(t, others.Load())
}

// A follower that lags behind does not have a chunk that the leader has.
func TestChunkOfTheLeader(t *testing.T) {
	f, c := serve(t, nats.Config{})
	content := body(t, 1, 1)
	write(t, c, 1, content)
	f.set(func() {
		f.answer = func(subject string, _ []byte) (string, string, bool) {
			return "NATS/1.0 404 Message Not Found", "", strings.HasPrefix(subject, "$JS.API.DIRECT.GET.")
		}
	})
	assert.Equal(t, content, read(t, c, 1, 0, 0))
}

// A write whose outcome is not known fails, and leaves its chunks: the
// description may have arrived, or may yet.
func TestUnknownOutcome(t *testing.T) {
	f, _ := serve(t, nats.Config{Transfer: object.Options{PartSize: 4 << 10}})
	c := f.client(func(cfg *nats.Config) { cfg.IdleTimeout, cfg.Retry.MaxAttempts = 500*time.Millisecond, 1 })
	defer c.Close()
	write(t, c, 1, body(t, 1, 1))
	content := body(t, 2, 20)
	f.set(func() {
		f.answer = func(subject string, _ []byte) (string, string, bool) {
			if strings.HasPrefix(subject, "$O."+f.bucket+".M.") {
				f.set(func() { f.silent = true })
			}
			return "", "", false
		}
	})
	_, err := c.WriteLTXFile(t.Context(), 0, 2, 2, bytes.NewReader(content))
	require.ErrorIs(t, err, ltxstore.ErrUnavailable)
	f.set(func() { f.answer, f.silent = nil, false })
	another := f.client(nil)
	defer another.Close()
	assert.True(t, bytes.Equal(content, read(t, another, 2, 0, 0)))
}

// A bucket that is deleted after the connection was made is a missing store, not
// a missing file.
func TestBucketIsDeleted(t *testing.T) {
	f, c := serve(t, nats.Config{})
	write(t, c, 1, body(t, 1, 1))
	require.NoError(t, f.js.DeleteObjectStore(t.Context(), f.bucket))
	_, err := c.OpenLTXFile(t.Context(), 0, 1, 1, 0, 0)
	require.ErrorIs(t, err, ltxstore.ErrStoreNotFound)
	_, err = c.WriteLTXFile(t.Context(), 0, 2, 2, bytes.NewReader(body(t, 2, 1)))
	require.ErrorIs(t, err, ltxstore.ErrStoreNotFound)
	assert.ErrorContains(t, err, "create the object store")
}

// A listing ends although the file that was the last one is deleted meanwhile.
func TestLastFileIsDeletedWhileListing(t *testing.T) {
	f, c := serve(t, nats.Config{})
	another := f.client(nil)
	defer another.Close()
	for txid := range ltx.TXID(3) {
		write(t, another, txid+1, body(t, txid+1, 1))
	}
	deleted := f.once("$JS.API.DIRECT.GET.", `.M.\u003e`, func() {
		assert.NoError(t, another.DeleteLTXFiles(t.Context(), []*ltx.FileInfo{{MinTXID: 3, MaxTXID: 3}}))
	})
	assert.Len(t, list(t, c), 2)
	assert.True(t, deleted())
}
