package tree_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path"
	"strings"
	"testing"

	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/backend"
	"github.com/ltxstore/ltxstore/backend/oplog"
	"github.com/ltxstore/ltxstore/backend/tree"
	"github.com/ltxstore/ltxstore/testing/replicatest"
)

// share is a Tree as one writes it for a store of one's own. Here the store is a
// directory; a client of a protocol has the same methods, each of which sends a
// request.
type share struct{ root *os.Root }

// at returns the path of a name below the root, which is "" for Client.
func at(p string) string { return path.Join(".", p) }

func infoOf(info fs.FileInfo) tree.Info {
	return tree.Info{Mode: info.Mode().Type(), Size: info.Size(), Modified: info.ModTime()}
}

func (s share) List(_ context.Context, dir string, visit func(tree.Entry)) error {
	entries, err := fs.ReadDir(s.root.FS(), at(dir))
	for _, entry := range entries {
		info, err := entry.Info()
		if err == nil { // else it has just been deleted
			visit(tree.Entry{Name: entry.Name(), Info: infoOf(info)})
		}
	}
	return err
}

func (s share) Stat(_ context.Context, name string) (tree.Info, error) {
	info, err := s.root.Lstat(at(name))
	if err != nil {
		return tree.Info{}, err
	}
	return infoOf(info), nil
}

// Open tells no version, so that Client does not resume a read that breaks.
func (s share) Open(ctx context.Context, name string, opts tree.OpenOptions) (tree.Content, error) {
	info, err := s.Stat(ctx, name)
	if err == nil && !info.Mode.IsRegular() {
		err = fs.ErrNotExist
	}
	if err != nil {
		return tree.Content{}, err
	}
	f, err := s.root.Open(at(name))
	if err != nil {
		return tree.Content{}, err
	}
	opened, err := f.Stat() // it may be another file by now
	if err == nil {
		_, err = f.Seek(min(opts.Offset, opened.Size()), io.SeekStart)
	}
	if err != nil {
		return tree.Content{}, errors.Join(err, f.Close())
	}
	return tree.Content{Info: infoOf(opened), Body: f}, nil
}

func (s share) Create(_ context.Context, name string, body *tree.Body) (tree.Info, error) {
	f, err := s.root.OpenFile(at(name), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o640)
	if err != nil {
		return tree.Info{}, err
	}
	defer f.Close()
	if _, err := body.CopyTo(f); err != nil {
		return tree.Info{}, err
	}
	if err := errors.Join(f.Sync(), f.Close()); err != nil {
		return tree.Info{}, err
	}
	return tree.Info{Size: -1}, s.root.Chtimes(at(name), body.Modified, body.Modified)
}

func (s share) Rename(_ context.Context, from, to string) error {
	return s.root.Rename(at(from), at(to))
}

func (s share) Link(_ context.Context, from, to string) error {
	return s.root.Link(at(from), at(to))
}

func (s share) Remove(_ context.Context, name string) error { return s.root.Remove(at(name)) }

func (s share) MakeDir(_ context.Context, name string) error {
	return s.root.MkdirAll(at(name), 0o750)
}

func (s share) RemoveDir(ctx context.Context, name string) error {
	inside := 0
	if err := s.List(ctx, name, func(tree.Entry) { inside++ }); err != nil {
		return err
	}
	if inside > 0 {
		return fs.ErrExist
	}
	return s.root.Remove(at(name))
}

// Classify is the error table. Those of package fs need none.
func (s share) Classify(err error) tree.Failure { return tree.Failure{Kind: tree.KindOf(err)} }

// newClient returns a client of a replica in a directory, which it opens at the
// first use.
func newClient(dir string, writeOnce bool) *tree.Client {
	return tree.New(tree.Config{
		Type:   "share",
		Logger: slog.New(slog.DiscardHandler),
		Connect: func(context.Context, *oplog.Logger) (*tree.Store, error) {
			root, err := os.OpenRoot(dir)
			if err != nil {
				return nil, backend.Invalid("share", "init", "Dir", dir, "want a directory")
			}
			return &tree.Store{Tree: share{root}, Options: tree.Options{WriteOnce: writeOnce}}, nil
		},
	})
}

// An author of a backend writes a Tree, and gets a whole ReplicaClient.
func Example() {
	dir, err := os.MkdirTemp("", "share")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	ctx := context.Background()
	c := newClient(dir, false)
	if _, err := c.WriteLTXFile(ctx, 0, 1, 1, strings.NewReader("content")); err != nil {
		fmt.Println(err)
	}
	r, err := c.OpenLTXFile(ctx, 0, 1, 1, 3, 2)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer r.Close()
	b, err := io.ReadAll(r)
	fmt.Printf("%s %v\n", b, err)

	_, err = c.OpenLTXFile(ctx, 0, 2, 2, 0, 0)
	fmt.Println(errors.Is(err, fs.ErrNotExist))

	files, err := c.LTXFiles(ctx, 0, 0, false)
	if err != nil {
		fmt.Println(err)
		return
	}
	all, err := ltx.SliceFileIterator(files)
	fmt.Println(len(all), all[0].Size, err)
	// Output:
	// te <nil>
	// true
	// 1 7 <nil>
}

// The Tree of the example keeps the contract.
func TestExample(t *testing.T) {
	replicatest.Run(t, replicatest.Config{
		New: func(context.Context) (replicatest.Store, error) {
			open := func(dir string, once bool) (ltxstore.ReplicaClient, error) {
				return newClient(dir, once), os.MkdirAll(dir, 0o750)
			}
			top := t.TempDir()
			at := top + "/backups/db"
			client, err := open(at, false)
			return replicatest.Store{
				Client:  client,
				Another: func() (ltxstore.ReplicaClient, error) { return open(at, false) },
				Once:    func() (ltxstore.ReplicaClient, error) { return open(at, true) },
				Sibling: func(suffix string) (ltxstore.ReplicaClient, error) { return open(at+suffix, false) },
				Parent:  func() (ltxstore.ReplicaClient, error) { return open(top+"/backups", false) },
				Close:   func() error { return nil },
			}, err
		},
		Lacks:    append(replicatest.ClientsOnly(), replicatest.MissingStore),
		PageSize: 256, BodySize: 1 << 20, LargeSize: 32 << 20, MemoryLimit: 16 << 20,
	})
}
