//go:build whole

package nats_test

import (
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	natsio "github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/nats"
)

// startCluster starts three servers that replicate to each other.
func startCluster(t *testing.T) []*server.Server {
	t.Helper()
	var routes []*url.URL // every server must know all from the start
	for range 3 {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		require.NoError(t, err)
		routes = append(routes, &url.URL{Scheme: "nats", Host: l.Addr().String()})
		require.NoError(t, l.Close())
	}
	var servers []*server.Server
	for i, route := range routes {
		port, err := strconv.Atoi(route.Port())
		require.NoError(t, err)
		servers = append(servers, launch(t, func(o *server.Options) {
			o.ServerName = fmt.Sprintf("server-%d", i)
			o.Cluster = server.ClusterOpts{Name: "cluster", Host: "127.0.0.1", Port: port, NoAdvertise: true}
			o.Routes = routes
		}))
	}
	for _, s := range servers {
		require.True(t, s.ReadyForConnections(time.Minute))
	}
	require.Eventually(t, func() bool { return slices.ContainsFunc(servers, (*server.Server).JetStreamIsLeader) }, time.Minute, 10*time.Millisecond)
	return servers
}

// TestClusterConformance holds the client to the contract on a cluster, whose
// servers lag behind each other.
func TestClusterConformance(t *testing.T) {
	conforms(t, startCluster(t)[0], 3, nats.Config{}, nil)
}

// A file whose write has returned survives the loss of any one server, while the
// client goes on with the others.
func TestCluster(t *testing.T) {
	servers := startCluster(t)
	var urls []string
	for _, s := range servers {
		urls = append(urls, s.ClientURL())
	}
	conn, err := natsio.Connect(strings.Join(urls, ","), natsio.UserInfo(user, password), natsio.MaxReconnects(-1), natsio.ReconnectWait(20*time.Millisecond))
	require.NoError(t, err)
	t.Cleanup(conn.Close)
	js, err := jetstream.New(conn)
	require.NoError(t, err)
	_, err = createBucket(js, "replicated", 3, jetstream.FileStorage)
	require.NoError(t, err)
	leader := func() *server.Server {
		stream, err := js.Stream(t.Context(), "OBJ_replicated")
		require.NoError(t, err)
		i := slices.IndexFunc(servers, func(s *server.Server) bool { return s.Name() == stream.CachedInfo().Cluster.Leader })
		require.GreaterOrEqual(t, i, 0)
		return servers[i]
	}

	c := nats.NewReplicaClient(nats.Config{
		URL: strings.Join(urls, ","), Bucket: "replicated", Username: user, Password: password,
		ReconnectWait: 20 * time.Millisecond, IdleTimeout: 5 * time.Second,
		Retry:  ltxstore.Retry{MaxAttempts: 100, BaseDelay: 50 * time.Millisecond, MaxDelay: time.Second},
		Logger: slog.New(slog.DiscardHandler),
	})
	t.Cleanup(func() { _ = c.Close() })
	of := func(txid ltx.TXID) []byte {
		if txid%10 == 0 {
			return body(t, txid, 300)
		}
		return body(t, txid, 1)
	}
	stored := func(n ltx.TXID) {
		t.Helper()
		it, err := c.LTXFiles(t.Context(), 0, 0, true)
		require.NoError(t, err)
		for txid := ltx.TXID(1); txid <= n; txid++ {
			require.True(t, it.Next(), "%d of %d files are listed: %v", txid-1, n, it.Err())
			require.Equal(t, txid, it.Item().MinTXID)
			assert.Equal(t, of(txid), read(t, c, txid, 0, 0), txid)
		}
		assert.False(t, it.Next())
		require.NoError(t, it.Close())
	}

	lost := make(chan struct{})
	const each = 40
	for txid := ltx.TXID(1); txid <= 2*each; txid++ {
		if txid == each/2 {
			go func(s *server.Server) {
				defer close(lost)
				s.Shutdown()
				s.WaitForShutdown()
			}(leader())
		}
		write(t, c, txid, of(txid))
		assert.Equal(t, of(txid), read(t, c, txid, 0, 0), "a file is there when its write has returned")
	}
	<-lost
	stored(2 * each)
	require.NoError(t, c.DeleteAll(t.Context()))
	stored(0)
}
