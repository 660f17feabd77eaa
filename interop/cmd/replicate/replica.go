package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/ltxstore/ltxstore"
	_ "github.com/ltxstore/ltxstore/file" // the stores that -replica can name
	_ "github.com/ltxstore/ltxstore/gcs"
	_ "github.com/ltxstore/ltxstore/s3"
)

// openReplica returns a client of -replica, a URL or a path.
func openReplica(ctx context.Context, replica string, layout ltxstore.Layout) (ltxstore.ReplicaClient, error) {
	src := ltxstore.Source{URL: replica, Layout: layout.String()}
	if !isURL(replica) {
		src = ltxstore.Source{Type: "file", Settings: map[string]string{"path": replica}, Layout: layout.String()}
	}
	client, err := ltxstore.OpenSource(ctx, src)
	if err == nil {
		err = ltxstore.Init(ctx, client)
	}
	if err != nil {
		return nil, fmt.Errorf("-replica %s cannot be used: %w", shown(replica), err)
	}
	return client, nil
}

func isURL(replica string) bool {
	return strings.Contains(replica, "://") || strings.HasPrefix(replica, "file:")
}

// shown returns a replica without its secrets.
func shown(replica string) string {
	if isURL(replica) {
		return ltxstore.Redact(replica)
	}
	return replica
}
