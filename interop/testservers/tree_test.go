//go:build servers

package testservers

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/backend"
	"github.com/ltxstore/ltxstore/testing/replicatest"
)

// served is a folder that a server serves, and how its replicas are opened.
type served struct {
	account
	dir   string
	open  func(path string, change options) ltxstore.ReplicaClient
	cases atomic.Int64
}

// options are what a case may want of a client.
type options struct {
	once, mustExist bool
	layout          ltxstore.Layout
}

// conformance holds the server's replicas to the contract.
func (s *served) conformance(t *testing.T, secret string, idle func(stack string) bool, lacks ...replicatest.Capability) {
	for _, layout := range []ltxstore.Layout{ltxstore.LayoutDefault, ltxstore.LayoutLitestream} {
		t.Run(layout.String(), func(t *testing.T) {
			replicatest.Run(t, replicatest.Config{
				New: func(context.Context) (replicatest.Store, error) { return s.store(layout, lacks) },
				Lacks: append([]replicatest.Capability{
					// A level is listed in one request.
					replicatest.CountedRequests, replicatest.FailingLists,
					// A real server does not fail on demand: the tests of the packages have one that does.
					replicatest.FailingLookups, replicatest.FailingDeletes, replicatest.BrokenTransfers, replicatest.StalledTransfers, replicatest.Outages,
				}, lacks...),
				Secrets: []string{secret}, PageSize: 40, BodySize: 1 << 20, LargeSize: 100 << 20,
				IgnoreGoroutine: idle,
			})
		})
	}
}

func (s *served) store(layout ltxstore.Layout, lacks []replicatest.Capability) (replicatest.Store, error) {
	root := fmt.Sprintf("case-%d", s.cases.Add(1))
	path := root + "/db"
	keys, err := backend.NewKeys(layout, "")
	if err != nil {
		return replicatest.Store{}, err
	}
	var clients []ltxstore.ReplicaClient
	with := func(path string, change options) func() (ltxstore.ReplicaClient, error) {
		return func() (ltxstore.ReplicaClient, error) {
			change.layout = layout
			clients = append(clients, s.open(path, change))
			return clients[len(clients)-1], nil
		}
	}
	client, _ := with(path, options{})()
	at := func(key string) string { return filepath.Join(s.dir, path, filepath.FromSlash(key)) }
	put := func(_ context.Context, key string, content []byte) error { return s.put(at(key), content) }
	once := with(path, options{once: true})
	if slices.Contains(lacks, replicatest.WriteOnce) {
		once = nil
	}
	return replicatest.Store{
		Client:  client,
		Another: with(path, options{}),
		Once:    once,
		Parent:  with(root, options{}),
		Missing: with("nowhere", options{mustExist: true}),
		Sibling: func(suffix string) (ltxstore.ReplicaClient, error) { return with(path+suffix, options{})() },
		Raw: &replicatest.Raw{
			Keys: keys,
			Put:  put,
			List: func(context.Context) ([]string, error) { return names(at("")) },
			Strip: func(_ context.Context, key string) error {
				return os.Chtimes(at(key), time.Time{}, time.Now())
			},
			Leave: func(ctx context.Context) error {
				key := filepath.ToSlash(filepath.Dir(keys.File(0, 77, 77))) + "/" + "." + ltx.FormatFilename(77, 77) + ".1-2.tmp"
				if err := put(ctx, key, []byte("half")); err != nil {
					return err
				}
				old := time.Now().Add(-48 * time.Hour)
				return os.Chtimes(at(key), old, old)
			},
		},
		Close: func() error {
			for _, c := range clients {
				if err := ltxstore.Close(c); err != nil {
					return err
				}
			}
			return nil
		},
	}, nil
}

// put writes a file, and the folders above it, for the server's account.
func (s *served) put(name string, content []byte) error {
	if err := s.makeDir(filepath.Dir(name)); err != nil {
		return err
	}
	if err := os.WriteFile(name, content, 0o644); err != nil {
		return err
	}
	return s.own(name)
}

func (s *served) makeDir(dir string) error {
	err := os.Mkdir(dir, 0o755)
	switch {
	case errors.Is(err, fs.ErrExist):
		return nil
	case errors.Is(err, fs.ErrNotExist):
		if err := s.makeDir(filepath.Dir(dir)); err != nil {
			return err
		}
		return s.makeDir(dir)
	case err != nil:
		return err
	}
	return s.own(dir)
}

// names returns what is below a folder, empty folders with a slash.
func names(root string) (found []string, err error) {
	err = filepath.WalkDir(root, func(name string, entry fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) && name == root {
			return fs.SkipAll
		}
		if err != nil || name == root {
			return err
		}
		rel := filepath.ToSlash(strings.TrimPrefix(name, root+string(filepath.Separator)))
		if !entry.IsDir() {
			found = append(found, rel)
			return nil
		}
		below, err := os.ReadDir(name)
		if len(below) == 0 {
			found = append(found, rel+"/")
		}
		return err
	})
	return found, err
}
