package bench_test

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	litestreamfile "github.com/benbjohnson/litestream/file"
	"github.com/stretchr/testify/require"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/backend"
	"github.com/ltxstore/ltxstore/file"
)

func newDisk(tb testing.TB, path string) *store {
	dir := filepath.Join(tb.TempDir(), path)
	require.NoError(tb, os.MkdirAll(dir, 0o755))
	keys, err := backend.NewKeys(ltxstore.LayoutLitestream, "")
	require.NoError(tb, err)
	ours := file.NewReplicaClient(file.Config{Path: dir, Layout: ltxstore.LayoutLitestream, Logger: silent()})
	return &store{
		name: "disk", keys: keys, ours: closing(tb, ours), stock: litestreamfile.NewReplicaClient(dir),
		bare: disk(dir), fill: disk(dir),
	}
}

// disk is system calls below a folder. A write is as durable as a backend's
// must be: the file and its name are fsynced.
type disk string

func (d disk) put(_ context.Context, key string, body io.Reader, _ int64) (err error) {
	name := filepath.Join(string(d), filepath.FromSlash(key))
	dir := filepath.Dir(name)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	tmp, err := os.CreateTemp(dir, ".bare-")
	if err != nil {
		return err
	}
	_, err = io.Copy(tmp, body)
	when := time.UnixMilli(1_700_000_000_000)
	err = errors.Join(err, os.Chtimes(tmp.Name(), when, when), tmp.Sync(), tmp.Close())
	if err != nil {
		return err
	}
	if err := os.Rename(tmp.Name(), name); err != nil {
		return err
	}
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

func (d disk) list(_ context.Context, prefix, seek string) (n int, err error) {
	f, err := os.Open(filepath.Join(string(d), filepath.FromSlash(prefix)))
	if err != nil {
		return 0, err
	}
	defer f.Close()
	names, err := f.Readdirnames(-1)
	from := filepath.Base(seek)
	for _, name := range names {
		if seek != "" && name < from {
			continue
		}
		if _, err := os.Lstat(filepath.Join(f.Name(), name)); err != nil {
			return n, err
		}
		n++
	}
	return n, err
}

func (d disk) head(_ context.Context, key string) error {
	_, err := os.Lstat(filepath.Join(string(d), filepath.FromSlash(key)))
	return err
}

func (d disk) deleteAll(_ context.Context, prefix string) error {
	return os.RemoveAll(filepath.Join(string(d), filepath.FromSlash(prefix)))
}
