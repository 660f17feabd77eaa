package file

import (
	"context"
	"io/fs"
	"log/slog"
	"os"
	"path"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/backend"
	"github.com/ltxstore/ltxstore/internal/testkit/dirstore"
	"github.com/ltxstore/ltxstore/internal/testkit/race"
	"github.com/ltxstore/ltxstore/testing/replicatest"
)

func TestConformance(t *testing.T) {
	for name, cfg := range map[string]Config{
		"default":    {}, // with fsync: the others, and the race detector, leave it out
		"litestream": {Layout: ltxstore.LayoutLitestream},
		"write once": {WriteOnce: true},
	} {
		t.Run(name, func(t *testing.T) {
			lacks := []replicatest.Capability{
				// A disk serves reads and listings without a wire that breaks.
				replicatest.BrokenTransfers, replicatest.StalledTransfers,
				// Nothing is counted, and there is no secret to keep.
				replicatest.CountedRequests, replicatest.Secrets,
			}
			if cfg.WriteOnce {
				lacks = append(lacks, replicatest.Rewriting)
			}
			replicatest.Run(t, replicatest.Config{
				New: func(context.Context) (replicatest.Store, error) {
					return newStore(cfg, name == "default" && !race.Enabled)
				},
				Lacks:       lacks,
				PageSize:    pageSize,
				BodySize:    4 * bufferSize,
				LargeSize:   32 << 20,
				MemoryLimit: 16 << 20,
				Select: func(c replicatest.Case) bool {
					return name == "default" || !race.Enabled || strings.HasPrefix(c.ID, "once/") || strings.HasPrefix(c.ID, "delete") || strings.HasPrefix(c.ID, "all/")
				},
			})
		})
	}
}

// newStore returns a replica at backups/db of a disk of its own.
func newStore(base Config, durable bool) (replicatest.Store, error) {
	disk, err := os.MkdirTemp("", "conformance")
	if err != nil {
		return replicatest.Store{}, err
	}
	base.Path = filepath.Join(disk, "backups", "db")
	base.Logger = slog.New(slog.DiscardHandler)
	var clients []*ReplicaClient
	fsys := &scriptFS{noSync: !durable}
	with := func(change func(*Config)) (ltxstore.ReplicaClient, error) {
		cfg := base
		change(&cfg)
		c := NewReplicaClient(cfg)
		c.disk.fsys = fsys
		clients = append(clients, c)
		return c, nil
	}
	first, _ := with(func(*Config) {})
	raw, err := newRaw(base)
	return replicatest.Store{
		Client:  first,
		Another: func() (ltxstore.ReplicaClient, error) { return with(func(*Config) {}) },
		Once:    func() (ltxstore.ReplicaClient, error) { return with(func(cfg *Config) { cfg.WriteOnce = true }) },
		Sibling: func(suffix string) (ltxstore.ReplicaClient, error) {
			return with(func(cfg *Config) { cfg.Path += suffix })
		},
		Parent: func() (ltxstore.ReplicaClient, error) {
			return with(func(cfg *Config) { cfg.Path = filepath.Dir(cfg.Path) })
		},
		Missing: func() (ltxstore.ReplicaClient, error) {
			return with(func(cfg *Config) { cfg.Path, cfg.MustExist = filepath.Join(disk, "nowhere"), true })
		},
		Raw:    raw,
		Faults: fsys.faults(),
		Close: func() error {
			for _, c := range clients {
				c.Close()
			}
			return os.RemoveAll(disk)
		},
	}, err
}

// faults are those of a disk that has begun to fail.
func (s *scriptFS) faults() *replicatest.Faults {
	fail := func(before, look func(op, name string) error) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.before, s.look = before, look
	}
	isFile := func(name string) bool { _, _, ok := backend.ParseFilename(name); return ok }
	return &replicatest.Faults{
		Deletes: func(match func(level int, minTXID, maxTXID ltx.TXID) bool) {
			fail(func(op, name string) error {
				minTXID, maxTXID, ok := backend.ParseFilename(name)
				if op != "remove" || !ok {
					return nil
				}
				for level := range ltxstore.SnapshotLevel + 1 { // the seam does not tell it
					if match(level, minTXID, maxTXID) {
						return fs.ErrPermission
					}
				}
				return nil
			}, nil)
		},
		Lookups: func() {
			fail(nil, func(op, name string) error {
				if op == "open" && isFile(name) {
					return syscall.EIO
				}
				return nil
			})
		},
		Lists: func() {
			seen := 0
			fail(nil, func(op, name string) error {
				if op == "lstat" && isFile(name) {
					if seen++; seen > pageSize {
						return syscall.EIO
					}
				}
				return nil
			})
		},
		Unreachable: func() {
			broken := func(string, string) error { return syscall.EIO }
			fail(broken, broken)
		},
	}
}

func newRaw(cfg Config) (*replicatest.Raw, error) {
	keys, err := backend.NewKeys(cfg.Layout, "")
	raw := dirstore.Raw(cfg.Path, keys)
	raw.Leave = func(ctx context.Context) error {
		key := keys.File(0, 77, 77)
		return raw.Put(ctx, path.Join(path.Dir(key), backend.TempName(path.Base(key))), []byte("half a fi"))
	}
	return raw, err
}
