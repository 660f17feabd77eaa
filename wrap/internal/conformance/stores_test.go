// Package conformance_test holds the wrappers that change what is stored to the
// whole contract, over every backend, alone and stacked.
package conformance_test

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/file"
	"github.com/ltxstore/ltxstore/internal/httpfault"
	"github.com/ltxstore/ltxstore/internal/s3fake"
	"github.com/ltxstore/ltxstore/mock"
	"github.com/ltxstore/ltxstore/s3"
	"github.com/ltxstore/ltxstore/testing/replicatest"
)

const (
	replicaPath = "backups/db"
	pageSize    = 16
	s3Secret    = "correct-horse-battery-staple"
)

// ground is a backend under the wrappers: a fresh store of it, and what it lacks.
type ground struct {
	store func() (replicatest.Store, error)
	lacks []replicatest.Capability
	large int64 // bytes of the large file
}

func grounds() map[string]ground {
	return map[string]ground{
		"mock": {mockStore, []replicatest.Capability{replicatest.BoundedMemory, replicatest.BrokenTransfers}, 4 << 20},
		"file": {fileStore, []replicatest.Capability{
			replicatest.FailingLookups, replicatest.FailingLists, replicatest.BrokenTransfers,
			replicatest.StalledTransfers, replicatest.Outages, replicatest.CountedRequests,
			replicatest.FailingDeletes, replicatest.Leftovers, // seams of the backend's own tests
		}, 24 << 20},
		"s3": {s3Store, []replicatest.Capability{replicatest.BoundedMemory}, 6 << 20},
	}
}

func layoutKeys() ltxstore.Keys {
	keys, err := ltxstore.NewKeys(ltxstore.LayoutDefault, "")
	if err != nil {
		panic(err)
	}
	return keys
}

func mockStore() (replicatest.Store, error) {
	bucket := mock.NewStore()
	open := func(change func(*mock.Config)) *mock.ReplicaClient {
		cfg := mock.Config{Store: bucket, Path: replicaPath, PageSize: pageSize}
		change(&cfg)
		client := mock.NewReplicaClient(cfg)
		client.SetLogger(nil)
		return client
	}
	further := func(change func(*mock.Config)) func() (ltxstore.ReplicaClient, error) {
		return func() (ltxstore.ReplicaClient, error) { return open(change), nil }
	}
	client := open(func(*mock.Config) {})
	broken := errors.New("mock is told to fail")
	inject := func(faults ...mock.Fault) {
		for i := range faults {
			if faults[i].Times = -1; faults[i].Delay == 0 {
				faults[i].Err = broken
			}
		}
		if err := client.Inject(faults...); err != nil {
			panic(err)
		}
	}
	const prefix = replicaPath + "/"
	return replicatest.Store{
		Client:  client,
		Another: further(func(*mock.Config) {}),
		Once:    further(func(cfg *mock.Config) { cfg.WriteOnce = true }),
		Sibling: func(suffix string) (ltxstore.ReplicaClient, error) {
			return further(func(cfg *mock.Config) { cfg.Path += suffix })()
		},
		Parent:   further(func(cfg *mock.Config) { cfg.Path = "backups" }),
		Requests: bucket.Requests,
		Missing: func() (ltxstore.ReplicaClient, error) {
			missing := open(func(*mock.Config) {})
			return missing, missing.Inject(mock.Fault{Op: mock.OpInit, Times: -1, Err: ltxstore.ErrStoreNotFound})
		},
		Raw: &replicatest.Raw{
			Keys: layoutKeys(),
			Put: func(_ context.Context, key string, body []byte) error {
				bucket.Put(prefix+key, mock.Object{Body: body})
				return nil
			},
			List: func(context.Context) ([]string, error) {
				return append(below(bucket.Keys(), prefix, ""), below(bucket.Leftovers(), prefix, "upload:")...), nil
			},
			Leave: func(context.Context) error {
				bucket.AddLeftover(prefix + layoutKeys().File(0, 1, 1))
				return nil
			},
			Strip: func(_ context.Context, key string) error {
				o, ok := bucket.Get(prefix + key)
				if !ok {
					return errors.New("no such object")
				}
				bucket.Put(prefix+key, mock.Object{Body: o.Body})
				return nil
			},
		},
		Faults: &replicatest.Faults{
			Lookups: func() { inject(mock.Fault{Op: mock.OpMetadata}, mock.Fault{Op: mock.OpOpen}) },
			Lists:   func() { inject(mock.Fault{Op: mock.OpNext, After: pageSize}) },
			Stall:   func(n int64) { inject(mock.Fault{Op: mock.OpRead, After: n, Delay: time.Hour}) },
			Deletes: func(match func(level int, minTXID, maxTXID ltx.TXID) bool) {
				inject(mock.Fault{Op: mock.OpDelete, Match: match})
			},
			Unreachable: func() {
				inject(mock.Fault{Op: mock.OpList}, mock.Fault{Op: mock.OpOpen}, mock.Fault{Op: mock.OpWrite},
					mock.Fault{Op: mock.OpDelete}, mock.Fault{Op: mock.OpDeleteAll})
			},
		},
	}, nil
}

// below returns the keys below a prefix, relative to it, marked.
func below(keys []string, prefix, mark string) (names []string) {
	for _, key := range keys {
		if name, ok := strings.CutPrefix(key, prefix); ok {
			names = append(names, mark+name)
		}
	}
	return names
}

func fileStore() (replicatest.Store, error) {
	disk, err := os.MkdirTemp("", "conformance")
	if err != nil {
		return replicatest.Store{}, err
	}
	root := filepath.Join(disk, filepath.FromSlash(replicaPath))
	open := func(change func(*file.Config)) (ltxstore.ReplicaClient, error) {
		cfg := file.Config{Path: root, Logger: slog.New(slog.DiscardHandler)}
		change(&cfg)
		return file.NewReplicaClient(cfg), nil
	}
	further := func(change func(*file.Config)) func() (ltxstore.ReplicaClient, error) {
		return func() (ltxstore.ReplicaClient, error) { return open(change) }
	}
	at := func(key string) string { return filepath.Join(root, filepath.FromSlash(key)) }
	client, err := open(func(*file.Config) {})
	return replicatest.Store{
		Client:  client,
		Another: further(func(*file.Config) {}),
		Once:    further(func(cfg *file.Config) { cfg.WriteOnce = true }),
		Sibling: func(suffix string) (ltxstore.ReplicaClient, error) {
			return open(func(cfg *file.Config) { cfg.Path += suffix })
		},
		Parent:  further(func(cfg *file.Config) { cfg.Path = filepath.Dir(cfg.Path) }),
		Missing: further(func(cfg *file.Config) { cfg.Path, cfg.MustExist = filepath.Join(disk, "nowhere"), true }),
		Raw: &replicatest.Raw{
			Keys: layoutKeys(),
			Put: func(_ context.Context, key string, body []byte) error {
				return errors.Join(os.MkdirAll(filepath.Dir(at(key)), 0o755), os.WriteFile(at(key), body, 0o644))
			},
			List:  func(context.Context) ([]string, error) { return treeOf(root) },
			Strip: func(_ context.Context, key string) error { return os.Chtimes(at(key), time.Now(), time.Now()) },
		},
		Close: func() error { return os.RemoveAll(disk) },
	}, err
}

// treeOf returns what replicatest.Raw.List wants of a directory.
func treeOf(root string) (names []string, err error) {
	err = filepath.WalkDir(root, func(name string, entry fs.DirEntry, err error) error {
		if err != nil || name == root {
			return err
		}
		rel, err := filepath.Rel(root, name)
		if rel = filepath.ToSlash(rel); !entry.IsDir() {
			names = append(names, rel)
		} else if inside, readErr := os.ReadDir(name); readErr == nil && len(inside) == 0 {
			names = append(names, rel+"/")
		}
		return err
	})
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	return names, err
}

func s3Store() (replicatest.Store, error) {
	const bucket, prefix = "bucket", replicaPath + "/"
	server := s3fake.New(s3fake.Options{AccessKeyID: "AKIDFAKE", SecretAccessKey: s3Secret, PageSize: pageSize}, bucket)
	layer := httpfault.New(server)
	layer.Name(s3fake.Operation)
	web := httptest.NewUnstartedServer(layer)
	web.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	web.Start()
	wire := &http.Transport{} // one for all clients: each would read the CA bundle again
	open := func(change func(*s3.Config)) func() (ltxstore.ReplicaClient, error) {
		return func() (ltxstore.ReplicaClient, error) {
			cfg := s3.Config{Bucket: bucket, Path: replicaPath, Region: "us-east-1", Endpoint: web.URL,
				AccessKeyID: "AKIDFAKE", SecretAccessKey: s3Secret, RoundTripper: wire,
				Retry:  ltxstore.Retry{MaxAttempts: 3, BaseDelay: time.Millisecond, MaxDelay: 5 * time.Millisecond},
				Logger: slog.New(slog.DiscardHandler)}
			change(&cfg)
			return s3.NewReplicaClient(cfg), nil
		}
	}
	always := func(match httpfault.Match, do httpfault.Effect) {
		layer.Add(&httpfault.Rule{Match: match, Times: -1, Do: do})
	}
	get, keys := httpfault.Match{Operation: "GetObject"}, layoutKeys()
	client, err := open(func(*s3.Config) {})()
	return replicatest.Store{
		Client:  client,
		Another: open(func(*s3.Config) {}),
		Once:    open(func(cfg *s3.Config) { cfg.WriteOnce = true }),
		Sibling: func(suffix string) (ltxstore.ReplicaClient, error) {
			return open(func(cfg *s3.Config) { cfg.Path += suffix })()
		},
		Parent:   open(func(cfg *s3.Config) { cfg.Path = "backups" }),
		Missing:  open(func(cfg *s3.Config) { cfg.Bucket = "no-such-bucket" }),
		Requests: layer.Requests,
		Raw: &replicatest.Raw{
			Keys: keys,
			Put: func(_ context.Context, key string, body []byte) error {
				server.Put(bucket, prefix+key, body)
				return nil
			},
			List: func(context.Context) ([]string, error) {
				return append(below(server.Keys(bucket), prefix, ""), below(server.Uploads(bucket), prefix, "upload:")...), nil
			},
			Leave: func(context.Context) error {
				server.AddUpload(bucket, prefix+keys.File(0, 1, 1))
				return nil
			},
			Strip: func(_ context.Context, key string) error {
				if !server.Strip(bucket, prefix+key) {
					return errors.New("no such object")
				}
				return nil
			},
		},
		Faults: &replicatest.Faults{
			Lookups: func() {
				always(get, httpfault.XML(500, "InternalError"))
				always(httpfault.Match{Operation: "HeadObject"}, httpfault.Status(500, nil, ""))
			},
			Lists: func() {
				always(httpfault.Match{Operation: "ListObjectsV2", Query: "continuation-token"}, httpfault.XML(500, "InternalError"))
			},
			Cut:   func(n int64) { always(get, httpfault.Truncate(n)) },
			Stall: func(n int64) { always(get, httpfault.StallAfter(n)) },
			Deletes: func(match func(level int, minTXID, maxTXID ltx.TXID) bool) {
				server.FailDeletes(func(key string) string {
					if level, minTXID, maxTXID, ok := keys.Parse(strings.TrimPrefix(key, prefix)); ok && match(level, minTXID, maxTXID) {
						return "AccessDenied"
					}
					return ""
				})
			},
			Unreachable: func() { always(httpfault.Match{}, httpfault.Refuse()) },
		},
		Close: func() error {
			wire.CloseIdleConnections()
			layer.Clear()
			web.CloseClientConnections()
			web.Close()
			return nil
		},
	}, err
}
