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

// replicas are a database's clients.
type replicas struct {
	all  ltxstore.ReplicaClient // that of the only one, or a mirror of several
	each []*observed            // one by one, in the order of the file

	unequal atomic.Bool // one may lack what another has
}

// openReplicas opens clients of a database's replicas. It sends no request.
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

// repeated has a client's failed operations repeated, unless src can say itself how
// often that is done. A failure that passes costs the engine more: it waits longer after
// each one, up to five minutes, until it has written all that is missing without a
// further one.
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

// counted has a replica's operations counted, unless its settings say something
// about that themselves.
func counted(src ltxstore.Source) ltxstore.Source {
	const wrapper = "metrics"
	said := strings.Contains(src.URL, wrapper)
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
