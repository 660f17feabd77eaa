package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/testing/replicatest"
)

// scratch is a new prefix below a replica's path, for commands that write. It
// is removed when they end, whether they succeed or not.
type scratch struct {
	a     *app
	at    target
	name  string // the prefix
	place string // the URL with it, up to the query
	query string

	opened map[string]struct{} // paths that may hold something
	base   string              // a directory that did not exist before, or empty
}

func (a *app) scratch(ctx context.Context, at target, purpose string) (*scratch, error) {
	place, query, _ := strings.Cut(at.url, "?")
	if query != "" {
		query = "?" + query
	}
	name := make([]byte, 6)
	if _, err := rand.Read(name); err != nil {
		return nil, err
	}
	s := &scratch{a: a, at: at, name: "ltxstore-" + purpose + "-" + hex.EncodeToString(name), query: query, opened: make(map[string]struct{})}
	if dir, ok := strings.CutPrefix(place, "file://"); ok {
		if _, err := os.Stat(filepath.FromSlash(dir)); errors.Is(err, os.ErrNotExist) {
			s.base = filepath.FromSlash(dir)
		}
	}
	s.place = strings.TrimRight(place, "/") + "/" + s.name
	// Report errors in the settings before anything is begun.
	if err := s.source("", nil).Check(); err != nil {
		return nil, err
	}
	return s, within(ctx, at)
}

// source returns the source of a path below the prefix, with further settings.
func (s *scratch) source(path string, further map[string]string) ltxstore.Source {
	src := ltxstore.Source{URL: strings.TrimSuffix(s.place+"/"+path, "/") + s.query, Settings: further}
	if s.at.replica != nil {
		sub, err := s.at.replica.Sub(strings.TrimSuffix(s.name+"/"+path, "/"))
		if err != nil {
			return src // it will be rejected
		}
		src = sub.Source()
		src.Settings = maps.Clone(src.Settings)
		maps.Copy(src.Settings, further)
	}
	return src
}

// open returns a client of a path below the prefix.
func (s *scratch) open(ctx context.Context, path string, settings map[string]string) (ltxstore.ReplicaClient, error) {
	s.opened[path] = struct{}{}
	client, err := ltxstore.OpenSource(ctx, s.source(path, settings))
	if err != nil {
		return nil, err
	}
	if setter, ok := ltxstore.As[ltxstore.LoggerSetter](client); ok {
		setter.SetLogger(s.a.logger())
	}
	return client, nil
}

// usable returns an error if the store cannot be listed, written to, read or
// deleted from, which says more than a suite of failures. It writes an LTX
// file, because every wrapper accepts that, and leaves nothing behind.
func (s *scratch) usable(ctx context.Context) error {
	client, err := s.open(ctx, "usable", nil)
	if err != nil {
		return err
	}
	wrote, err := tryout(ctx, client)
	if err != nil && wrote {
		err = errors.Join(err, s.remove(ctx))
	}
	return errors.Join(err, ltxstore.Close(client))
}

// tryout writes a file, reads and deletes it. It reports whether something may have been
// written.
func tryout(ctx context.Context, client ltxstore.ReplicaClient) (wrote bool, err error) {
	files, err := client.LTXFiles(ctx, 0, 0, false)
	if err == nil {
		files.Next()
		err = files.Close()
	}
	if err != nil {
		return false, err
	}
	body := replicatest.NewLTXFile(1, 1, time.Unix(0, 0), 1)
	_, err = client.WriteLTXFile(ctx, 0, 1, 1, bytes.NewReader(body))
	if err != nil {
		return ctx.Err() != nil, err
	}
	r, err := client.OpenLTXFile(ctx, 0, 1, 1, 0, 0)
	if err == nil {
		_, err = io.Copy(io.Discard, r)
		err = errors.Join(err, r.Close())
	}
	if err != nil {
		return true, err
	}
	return true, client.DeleteLTXFiles(ctx, []*ltx.FileInfo{{MinTXID: 1, MaxTXID: 1}})
}

// forget is called when a path is known to be empty.
func (s *scratch) forget() { clear(s.opened) }

// remove deletes what may still be there. After an interruption, it takes at
// most half a minute.
func (s *scratch) remove(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 30*time.Second)
	defer cancel()
	var errs []error
	for path := range s.opened {
		client, err := s.open(ctx, path, nil)
		if err == nil {
			err = errors.Join(client.DeleteAll(ctx), ltxstore.Close(client))
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("%s remains: %w", ltxstore.Redact(s.place+"/"+path), err))
		}
	}
	if dir, ok := strings.CutPrefix(s.place, "file://"); ok && len(errs) == 0 {
		errs = append(errs, removeEmpty(filepath.FromSlash(dir)))
		if s.base != "" {
			_ = os.Remove(s.base) // fails if another program uses it
		}
	}
	return errors.Join(errs...)
}

// removeEmpty removes a directory tree that has no files.
func removeEmpty(dir string) error {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	for _, entry := range entries {
		if entry.IsDir() {
			err = errors.Join(err, removeEmpty(filepath.Join(dir, entry.Name())))
		}
	}
	return errors.Join(err, os.Remove(dir))
}
