package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"strings"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/file"
	"github.com/ltxstore/ltxstore/s3"
)

const supported = "want a path, file:///absolute/path or s3://bucket/path?endpoint=…&region=…"

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
	case strings.EqualFold(scheme, "s3"):
		cfg, err := s3Config(replica)
		if err != nil {
			return nil, err
		}
		cfg.Layout = layout
		client = s3.NewReplicaClient(cfg)
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

// s3Config reads s3://bucket/path?endpoint=…&region=…. Credentials come from
// where the SDK looks for them: the environment, first of all, and never from
// the URL, which is printed.
func s3Config(replica string) (s3.Config, error) {
	// Before anything that would print the URL.
	if authority, _, _ := strings.Cut(replica[len("s3://"):], "/"); strings.Contains(authority, "@") {
		return s3.Config{}, errors.New("-replica has a user before its bucket: want credentials in AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY")
	}
	u, err := url.Parse(replica)
	switch {
	case err != nil:
		return s3.Config{}, fmt.Errorf("-replica %s: %w: %s", replica, err, supported)
	case u.Host == "":
		return s3.Config{}, fmt.Errorf("-replica %s has no bucket: %s", replica, supported)
	case u.Fragment != "":
		return s3.Config{}, fmt.Errorf("-replica %s has a fragment: %s", replica, supported)
	}
	query, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return s3.Config{}, fmt.Errorf("-replica %s: %w: %s", replica, err, supported)
	}
	for name, values := range query {
		if name != "endpoint" && name != "region" || len(values) != 1 {
			return s3.Config{}, fmt.Errorf("-replica %s: parameter %q: %s, each once", replica, name, supported)
		}
	}
	return s3.Config{
		Bucket:   u.Host,
		Path:     u.Path,
		Endpoint: query.Get("endpoint"),
		Region:   query.Get("region"),
	}, nil
}
