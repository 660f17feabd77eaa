package main

import (
	"context"
	"fmt"
	"net/url"
	"path/filepath"
	"strings"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/file"
)

const supported = "want a path or file:///absolute/path"

// openReplica returns a client of what -replica names. A new kind of store is
// a new case here.
func openReplica(ctx context.Context, replica string, layout ltxstore.Layout) (ltxstore.ReplicaClient, error) {
	var client ltxstore.ReplicaClient
	switch scheme, _, isURL := strings.Cut(replica, "://"); {
	case !isURL:
		client = file.NewReplicaClient(file.Config{Path: replica, Layout: layout})
	case strings.EqualFold(scheme, "file"):
		path, err := filePath(replica)
		if err != nil {
			return nil, err
		}
		client = file.NewReplicaClient(file.Config{Path: path, Layout: layout})
	default:
		return nil, fmt.Errorf("-replica %s: scheme %q is not supported: %s", replica, scheme, supported)
	}
	if err := ltxstore.Init(ctx, client); err != nil {
		return nil, fmt.Errorf("-replica %s cannot be used: %w", replica, err)
	}
	return client, nil
}

func filePath(replica string) (string, error) {
	u, err := url.Parse(replica)
	switch {
	case err != nil:
		return "", fmt.Errorf("-replica %s: %w: %s", replica, err, supported)
	case u.Host != "" && u.Host != "localhost":
		return "", fmt.Errorf("-replica %s: %q is taken for a host: %s", replica, u.Host, supported)
	case !strings.HasPrefix(u.Path, "/"):
		return "", fmt.Errorf("-replica %s has no path: %s", replica, supported)
	case u.RawQuery != "" || u.Fragment != "":
		return "", fmt.Errorf("-replica %s has a query or a fragment: %s", replica, supported)
	}
	return filepath.FromSlash(u.Path), nil
}
