package nats_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/nats"
)

// Clients that connect in the same way have one connection, until the last is closed. A
// closed client may be used again.
func TestClientsShareAConnection(t *testing.T) {
	server := start(t, nil)
	f, err := newService(server, 1, 0, nats.Config{})
	require.NoError(t, err)
	defer func() { require.NoError(t, f.end()) }()
	others := server.NumClients() // of the test
	connections := func(n int) {
		t.Helper()
		require.Eventually(t, func() bool { return server.NumClients() == others+n }, 10*time.Second, time.Millisecond)
	}
	open := func(path string, change func(*nats.Config)) *nats.ReplicaClient {
		cfg := f.cfg
		cfg.Path = path
		if change != nil {
			change(&cfg)
		}
		c := nats.NewReplicaClient(cfg)
		write(t, c, 1, body(t, 1, 1))
		return c
	}
	a, b := open("a", nil), open("b", func(cfg *nats.Config) { cfg.WriteOnce, cfg.Layout = true, ltxstore.LayoutLitestream })
	connections(1)
	require.NoError(t, a.Close())
	require.NoError(t, a.Close())
	assert.NotEmpty(t, read(t, b, 1, 0, 0))
	connections(1)
	assert.NotEmpty(t, read(t, a, 1, 0, 0))
	connections(1)
	require.NoError(t, b.Close())
	connections(0)
	assert.NotEmpty(t, read(t, a, 1, 0, 0))
	connections(1)
	require.NoError(t, a.Close())
	connections(0)

	a = open("a", nil)
	for _, change := range []func(*nats.Config){
		func(cfg *nats.Config) { cfg.IdleTimeout++ },
		func(cfg *nats.Config) { cfg.Transfer.PartSize++ },
	} {
		c := open("c", change)
		connections(2)
		require.NoError(t, c.Close())
	}
	require.NoError(t, a.Close())
}
