package servers

import (
	"context"
	"errors"
	"testing"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// JetStream is a NATS server with a bucket.
type JetStream struct {
	URL            string
	User, Password string
	Store          jetstream.ObjectStore // the bucket
	api            jetstream.JetStream
}

// NATS starts a server of NATS JetStream in this process, which ends with the
// test.
func NATS(tb testing.TB, bucket string) *JetStream {
	tb.Helper()
	s := &JetStream{User: "replica", Password: secretKey}
	up, err := server.NewServer(&server.Options{Host: "127.0.0.1", Port: -1, JetStream: true, StoreDir: tb.TempDir(),
		NoLog: true, NoSigs: true, Username: s.User, Password: s.Password})
	if err != nil {
		tb.Fatal(err)
	}
	up.Start()
	tb.Cleanup(func() {
		up.Shutdown()
		up.WaitForShutdown()
	})
	if !up.ReadyForConnections(readyIn) {
		tb.Fatal("nats-server does not start")
	}
	s.URL = up.ClientURL()
	conn, err := nats.Connect(s.URL, nats.UserInfo(s.User, s.Password))
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(conn.Close)
	if s.api, err = jetstream.New(conn); err != nil {
		tb.Fatal(err)
	}
	s.Store = s.Bucket(tb, bucket)
	return s
}

// Bucket makes another bucket.
func (s *JetStream) Bucket(tb testing.TB, name string) jetstream.ObjectStore {
	tb.Helper()
	store, err := s.api.CreateObjectStore(context.Background(), jetstream.ObjectStoreConfig{Bucket: name})
	if err != nil {
		tb.Fatal(err)
	}
	return store
}

// Objects returns the objects in a bucket.
func Objects(ctx context.Context, store jetstream.ObjectStore) (map[string][]byte, error) {
	infos, err := store.List(ctx)
	if err != nil && !errors.Is(err, jetstream.ErrNoObjectsFound) {
		return nil, err
	}
	objects := make(map[string][]byte, len(infos))
	for _, info := range infos {
		if objects[info.Name], err = store.GetBytes(ctx, info.Name); err != nil {
			return nil, err
		}
	}
	return objects, nil
}
