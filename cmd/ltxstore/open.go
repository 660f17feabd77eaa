package main

import (
	"context"
	"errors"
	"path/filepath"
	"slices"
	"strings"

	"github.com/ltxstore/ltxstore"
	_ "github.com/ltxstore/ltxstore/abs/entra"
	_ "github.com/ltxstore/ltxstore/backends"
	"github.com/ltxstore/ltxstore/internal/settings"
	_ "github.com/ltxstore/ltxstore/wrap/cache"
	_ "github.com/ltxstore/ltxstore/wrap/checksum"
	_ "github.com/ltxstore/ltxstore/wrap/compress"
	_ "github.com/ltxstore/ltxstore/wrap/crypt"
	_ "github.com/ltxstore/ltxstore/wrap/metrics"
	_ "github.com/ltxstore/ltxstore/wrap/mirror"
	_ "github.com/ltxstore/ltxstore/wrap/readonly"
	_ "github.com/ltxstore/ltxstore/wrap/retry"
	_ "github.com/ltxstore/ltxstore/wrap/throttle"
	_ "github.com/ltxstore/ltxstore/wrap/trace"
)

// open returns a client of the replica at a URL. Its layout is found out unless
// the URL names it. The caller calls ltxstore.Close.
func (a *app) open(ctx context.Context, url string) (ltxstore.ReplicaClient, error) {
	if !strings.Contains(url, "://") {
		if full, err := filepath.Abs(url); err == nil && !strings.ContainsAny(url, "?") {
			return nil, usagef("%q is no URL: a directory is file://%s", url, filepath.ToSlash(full))
		}
		return nil, usagef("%q is no URL: want one such as s3://bucket/path", ltxstore.Redact(url))
	}
	src := ltxstore.Source{URL: url, Layout: "auto"}
	if err := src.Check(); err != nil {
		return nil, err
	}
	if err := within(ctx, url); err != nil {
		return nil, err
	}
	client, err := ltxstore.OpenSource(ctx, src)
	if err != nil {
		return nil, err
	}
	if setter, ok := ltxstore.As[ltxstore.LoggerSetter](client); ok {
		setter.SetLogger(a.logger())
	}
	return client, nil
}

// localFile returns an error if what should be a file's name is a URL, or nothing.
func localFile(name, value string) error {
	if value == "" {
		return usagef("%s is empty: want the path of a file", name)
	}
	if scheme, _, ok := strings.Cut(value, ":/"); ok && slices.Contains(settings.Drivers().All(), strings.ToLower(scheme)) || strings.Contains(value, "://") {
		return usagef("%s is the URL %s: want the path of a file", name, ltxstore.Redact(value))
	}
	return nil
}

// levelsOf returns the levels that a replica has files on, and perhaps others.
func levelsOf(ctx context.Context, client ltxstore.ReplicaClient) ([]int, error) {
	if lister, ok := ltxstore.As[ltxstore.LevelLister](client); ok {
		return lister.LTXLevels(ctx)
	}
	return ltxstore.Levels(ctx, client)
}

// with opens the replica at a URL, calls f, and closes it.
func (a *app) with(ctx context.Context, url string, f func(client ltxstore.ReplicaClient) error) error {
	client, err := a.open(ctx, url)
	if err != nil {
		return err
	}
	err = errors.Join(f(client), ltxstore.Close(client))
	return ltxstore.Source{URL: url}.Explain(err)
}
