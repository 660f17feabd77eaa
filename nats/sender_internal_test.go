package nats

import (
	"context"
	"fmt"
	"net"
	"strconv"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ltxstore/ltxstore/backend/object"
	"github.com/ltxstore/ltxstore/backend/oplog"
)

// open returns a bucket of a server of its own, and what NATS's own client has of it.
func open(t *testing.T) (*bucket, jetstream.JetStream, jetstream.ObjectStore) {
	t.Helper()
	s, err := server.NewServer(&server.Options{Host: "127.0.0.1", Port: -1, JetStream: true, StoreDir: t.TempDir(), NoLog: true, NoSigs: true})
	require.NoError(t, err)
	s.Start()
	t.Cleanup(func() { s.Shutdown(); s.WaitForShutdown() })
	require.True(t, s.ReadyForConnections(30*time.Second))
	options := nats.GetDefaultOptions()
	options.Servers = []string{s.ClientURL()}
	nc, err := options.Connect()
	require.NoError(t, err)
	t.Cleanup(nc.Close)
	js, err := jetstream.New(nc)
	require.NoError(t, err)
	store, err := js.CreateObjectStore(t.Context(), jetstream.ObjectStoreConfig{Bucket: "bucket"})
	require.NoError(t, err)
	options.CustomDialer = new(dialer)
	cfg := Config{Bucket: "bucket", IdleTimeout: 30 * time.Second, Transfer: object.Options{PartSize: 4 << 10}}
	b := alone(cfg, options)
	t.Cleanup(b.Close)
	return b, js, store
}

// alone returns a bucket with a link of its own.
func alone(cfg Config, options nats.Options) *bucket {
	return newBucket(cfg, &link{options: options}, func() bool { return true }, new(oplog.Logger))
}

// dialer keeps the connection that it has made.
type dialer struct{ net.Conn }

func (d *dialer) Dial(network, address string) (conn net.Conn, err error) {
	d.Conn, err = net.Dial(network, address)
	return d.Conn, err
}

// broken breaks a connection.
func broken(c *conn) error { return c.nc.Opts.CustomDialer.(*dialer).Close() }

// subject is that of the chunks of an object.
const subject = "$O.bucket.C.a"

// always tries again, up to a thousand times, and counts the attempts that failed.
type always struct{ failed int }

func (a *always) Do(ctx context.Context, op func(context.Context) error) (err error) {
	for range 1000 {
		if err = op(ctx); err == nil {
			return nil
		}
		a.failed++
	}
	return err
}

// texts returns what the messages of a subject say, in their order.
func texts(t *testing.T, s *bucket, subject string) (found []string) {
	t.Helper()
	for next := uint64(1); ; {
		messages, err := s.messages(t.Context(), subject, next, 1)
		if isMissing(err) {
			return found
		}
		require.NoError(t, err)
		found, next = append(found, string(messages[0].Data)), messages[0].Sequence+1
	}
}

// All messages arrive once and in their order, whatever becomes of the connection,
// and no more of them are under way than may be.
func TestSender(t *testing.T) {
	for name, drop := range map[string]func(*conn) error{
		"connection stays":  func(*conn) error { return nil },
		"connection breaks": broken,
		"client closes":     func(c *conn) error { c.nc.Close(); return nil },
	} {
		t.Run(name, func(t *testing.T) {
			s, _, _ := open(t)
			retry := new(always)
			sender := &sender{bucket: s, retry: retry}
			var want []string
			for i := range 100 {
				m := nats.NewMsg(subject)
				m.Data = []byte(strconv.Itoa(i))
				want = append(want, string(m.Data))
				require.NoError(t, sender.deliver(t.Context(), 3, &chunk{Msg: m, id: fmt.Sprint("id-", i)}))
				assert.LessOrEqual(t, len(sender.sent), 3)
				for _, sent := range sender.sent {
					assert.NotNil(t, sent.ack, "it is under way")
				}
				if i%10 == 9 {
					require.NoError(t, drop(s.ready.Load()))
				}
			}
			require.NoError(t, sender.deliver(t.Context(), 0))
			assert.Empty(t, sender.sent)
			assert.EqualValues(t, 1, sender.first)
			assert.Equal(t, want, texts(t, s, subject))
			if name == "connection stays" {
				assert.Zero(t, retry.failed)
			}
		})
	}
}

// After a message that the server refuses there is nothing to wait for.
func TestSenderRefused(t *testing.T) {
	s, _, _ := open(t)
	retry := new(always)
	sender := &sender{bucket: s, retry: retry}
	m := nats.NewMsg(subject)
	m.Header.Set(jetstream.ExpectedLastSeqHeader, "7")
	for i := range 3 {
		require.NoError(t, sender.deliver(t.Context(), 3, &chunk{Msg: m, id: fmt.Sprint("id-", i)}))
	}
	err := sender.deliver(t.Context(), 0)
	require.True(t, isRefused(err), err)
	assert.Equal(t, 1000, retry.failed)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	sender.wait(ctx)
	require.NoError(t, ctx.Err())
}

// A message that is too large for the server is not sent.
func TestSenderTooLarge(t *testing.T) {
	s, _, _ := open(t)
	m := nats.NewMsg(subject)
	m.Data = make([]byte, 2<<20)
	require.ErrorIs(t, (&sender{bucket: s, retry: new(always)}).deliver(t.Context(), 3, &chunk{Msg: m, id: "id"}), nats.ErrMaxPayload)
}

// A message that has arrived before those that it follows, which were lost, is put behind
// them.
func TestSenderDisorder(t *testing.T) {
	for _, overtaking := range [][]int{{1}, {3}, {9}, {2, 5, 6}, {7, 3}, {1, 2, 3, 4, 5, 6, 7, 8, 9}} {
		s, _, _ := open(t)
		retry := new(always)
		c, err := s.connected(t.Context())
		require.NoError(t, err)
		of := func(i int) (string, *nats.Msg) {
			m := nats.NewMsg(subject)
			m.Data = []byte(strconv.Itoa(i))
			return fmt.Sprint("id-", i), m
		}
		for _, i := range overtaking {
			id, m := of(i)
			_, err := c.js.PublishMsg(t.Context(), m, jetstream.WithMsgID(id))
			require.NoError(t, err)
		}
		sender := &sender{bucket: s, retry: retry}
		var want []string
		for i := range 10 {
			id, m := of(i)
			want = append(want, string(m.Data))
			require.NoError(t, sender.deliver(t.Context(), 3, &chunk{Msg: m, id: id}))
		}
		require.NoError(t, sender.deliver(t.Context(), 0))
		assert.Equal(t, want, texts(t, s, subject), overtaking)
		assert.Zero(t, retry.failed)
		last, err := s.last(t.Context(), subject)
		require.NoError(t, err)
		assert.Equal(t, last.Sequence, sender.last)
	}
}

// A description replaces the one that it was said to, and no other.
func TestPublish(t *testing.T) {
	b, _, _ := open(t)
	publish := func(nuid string, last uint64) (uint64, error) {
		w := write{sender: sender{bucket: b}, info: jetstream.ObjectInfo{ObjectMeta: jetstream.ObjectMeta{Name: "k"}, NUID: nuid}}
		err := w.publish(t.Context(), last)
		e, described := b.describe(t.Context(), "k")
		require.NoError(t, described)
		return e.seq, err
	}
	first, err := publish("first", 0)
	require.NoError(t, err)
	_, err = publish("another", 0)
	require.True(t, isConflict(err), err)
	_, err = publish("another", first+1)
	require.True(t, isConflict(err), err)
	second, err := publish("second", first)
	require.NoError(t, err)
	e, err := b.describe(t.Context(), "k")
	require.NoError(t, err)
	assert.Equal(t, "second", e.NUID)
	assert.Equal(t, second, e.seq)
	assert.Len(t, texts(t, b, b.subject("k")), 1)
	require.NoError(t, b.purge(t.Context(), jetstream.WithPurgeSubject(b.subject("k"))))
	_, err = publish("third", 0)
	require.NoError(t, err)
	require.NoError(t, b.purge(t.Context(), jetstream.WithPurgeSubject(b.subject("k"))))
	seq, err := publish("third", 0)
	require.NoError(t, err, "it was published, and deleted since")
	assert.Zero(t, seq)
}
