package main

import (
	"context"
	"errors"
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

// open returns a client of a replica. The caller must call ltxstore.Close.
func (a *app) open(ctx context.Context, at target) (ltxstore.ReplicaClient, error) {
	if err := at.src.Check(); err != nil {
		return nil, err
	}
	if err := within(ctx, at); err != nil {
		return nil, err
	}
	client, err := ltxstore.OpenSource(ctx, at.src)
	if err != nil {
		return nil, err
	}
	if setter, ok := ltxstore.As[ltxstore.LoggerSetter](client); ok {
		setter.SetLogger(a.logger())
	}
	return client, nil
}

// localFile returns an error if the argument for a file is empty or a URL.
func localFile(name, value string) error {
	if value == "" {
		return usagef("%s is empty: want the path of a file", name)
	}
	if scheme, _, ok := strings.Cut(value, ":/"); ok && slices.Contains(settings.Drivers().All(), strings.ToLower(scheme)) || strings.Contains(value, "://") {
		return usagef("%s is the URL %s: want the path of a file", name, ltxstore.Redact(value))
	}
	return nil
}

// levelsOf returns the levels on which a replica has files, and possibly
// others.
func levelsOf(ctx context.Context, client ltxstore.ReplicaClient) ([]int, error) {
	if lister, ok := ltxstore.As[ltxstore.LevelLister](client); ok {
		return lister.LTXLevels(ctx)
	}
	return ltxstore.Levels(ctx, client)
}

// with opens a replica, calls f and closes the replica.
func (a *app) with(ctx context.Context, at target, f func(client ltxstore.ReplicaClient) error) error {
	client, err := a.open(ctx, at)
	if err != nil {
		return err
	}
	return errors.Join(f(client), ltxstore.Close(client))
}
