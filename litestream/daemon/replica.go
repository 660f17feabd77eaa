package daemon

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"strings"
	"sync/atomic"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/backend"
	"github.com/ltxstore/ltxstore/backend/settings"
	_ "github.com/ltxstore/ltxstore/backends"
	"github.com/ltxstore/ltxstore/config"
	"github.com/ltxstore/ltxstore/litestream"
	"github.com/ltxstore/ltxstore/wrap/mirror"
	"github.com/ltxstore/ltxstore/wrap/retry"

	// The wrappers that a configuration can use.
	_ "github.com/ltxstore/ltxstore/wrap/cache"
	_ "github.com/ltxstore/ltxstore/wrap/checksum"
	_ "github.com/ltxstore/ltxstore/wrap/compress"
	_ "github.com/ltxstore/ltxstore/wrap/crypt"
	_ "github.com/ltxstore/ltxstore/wrap/metrics"
	_ "github.com/ltxstore/ltxstore/wrap/readonly"
	_ "github.com/ltxstore/ltxstore/wrap/throttle"
	_ "github.com/ltxstore/ltxstore/wrap/trace"
)

// replicas are the clients of a database's replicas.
type replicas struct {
	all  ltxstore.ReplicaClient // the only client, or a mirror of several
	each []*observed            // in the order of the file

	unequal atomic.Bool // one may lack files of another
}

// openReplicas opens the clients of a database's replicas. It sends no request.
func openReplicas(ctx context.Context, found []config.Replica, logger *slog.Logger) (*replicas, error) {
	r := new(replicas)
	r.unequal.Store(true)
	var clients []ltxstore.ReplicaClient
	for _, replica := range found {
		client, err := ltxstore.OpenSource(ctx, counted(replica.Source()))
		if err != nil {
			for _, opened := range clients {
				err = errors.Join(err, ltxstore.Close(opened))
			}
			return nil, fmt.Errorf("replica %s: %w", replica, err)
		}
		client = repeated(client, replica.Source())
		litestream.Client(client).SetLogger(logger)
		seen := &observed{ReplicaClient: client, place: replica.String(), missed: &r.unequal}
		r.each, clients = append(r.each, seen), append(clients, seen)
	}
	r.all = clients[0]
	if len(clients) > 1 {
		r.all = mirror.New(clients[0], mirror.Config{Others: clients[1:]})
	}
	return r, nil
}

// repeated returns a client that repeats failed operations, or client itself if src
// has retry settings of its own. A temporary failure costs the engine more: it waits
// longer after each, up to five minutes, until it has written everything that is
// missing without another one.
func repeated(client ltxstore.ReplicaClient, src ltxstore.Source) ltxstore.ReplicaClient {
	if settings.Has(src, "retry-max-attempts") {
		return client
	}
	if retrier, ok := ltxstore.As[backend.Retrier](client); ok && retrier.Retries() {
		return client
	}
	return retry.New(client, retry.Config{})
}

// close closes the clients.
func (r *replicas) close() error {
	var failed []error
	for _, client := range r.each {
		failed = append(failed, ltxstore.Close(client))
	}
	return errors.Join(failed...)
}

// counted returns src with the metrics of its operations enabled, unless it has
// settings for them.
func counted(src ltxstore.Source) ltxstore.Source {
	const wrapper = "metrics"
	_, query, _ := strings.Cut(src.URL, "?")
	said := strings.Contains(query, wrapper)
	for _, settings := range []map[string]string{src.Settings, src.Defaults} {
		for key := range settings {
			said = said || strings.HasPrefix(key, wrapper)
		}
	}
	if !said {
		src.Settings = maps.Clone(src.Settings)
		if src.Settings == nil {
			src.Settings = make(map[string]string)
		}
		src.Settings[wrapper] = "true"
	}
	return src
}
