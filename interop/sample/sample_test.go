package sample_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ltxstore/ltxstore/interop/dbcheck"
	"github.com/ltxstore/ltxstore/interop/sample"
)

func create(t *testing.T, opts sample.Options) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "sample.db")
	require.NoError(t, sample.Create(t.Context(), path, opts))
	return path
}

func TestCreate(t *testing.T) {
	opts := sample.Options{Orders: 40, PageSize: 1024, Seed: 3}
	path := create(t, opts)
	require.NoError(t, dbcheck.Integrity(t.Context(), path))
	require.NoError(t, dbcheck.Compare(t.Context(), path, create(t, opts)), "the same seed makes the same rows")

	opts.Seed++
	require.ErrorIs(t, dbcheck.Compare(t.Context(), path, create(t, opts)), dbcheck.ErrDifferent)

	db, err := dbcheck.OpenQuiet(path)
	require.NoError(t, err)
	defer db.Close()
	var orders, pageSize int
	require.NoError(t, db.QueryRow(`SELECT count(*) FROM orders`).Scan(&orders))
	require.NoError(t, db.QueryRow(`SELECT page_size FROM pragma_page_size`).Scan(&pageSize))
	assert.Equal(t, 40, orders)
	assert.Equal(t, 1024, pageSize)
	head, err := os.ReadFile(path)
	require.NoError(t, err)
	assert.Equal(t, []byte{2, 2}, head[18:20], "in WAL mode")
}

func TestCreateRefuses(t *testing.T) {
	path := create(t, sample.Options{Orders: 1})
	require.ErrorIs(t, sample.Create(t.Context(), path, sample.Options{}), fs.ErrExist)
	require.ErrorIs(t, sample.Create(t.Context(), path+"2", sample.Options{Orders: -1}), fs.ErrInvalid)
	require.NoFileExists(t, path+"2")

	_, err := sample.Start(t.Context(), path, sample.LoadOptions{Connections: -1})
	require.ErrorIs(t, err, fs.ErrInvalid)
	_, err = sample.Start(t.Context(), path, sample.LoadOptions{Pause: -1})
	require.ErrorIs(t, err, fs.ErrInvalid)
	_, err = sample.Start(t.Context(), path+"3", sample.LoadOptions{})
	require.Error(t, err)
	require.NoFileExists(t, path+"3")
}

func TestLoad(t *testing.T) {
	path := create(t, sample.Options{Orders: 50})
	before, err := dbcheck.ReadFile(t.Context(), path)
	require.NoError(t, err)

	load, err := sample.Start(t.Context(), path, sample.LoadOptions{Pause: time.Millisecond})
	require.NoError(t, err)
	require.Eventually(t, func() bool { return load.Transactions() >= 50 }, 20*time.Second, time.Millisecond)
	require.NoError(t, load.Stop())
	stopped := load.Transactions()
	require.NoError(t, load.Stop(), "twice is once")
	require.Equal(t, stopped, load.Transactions())

	require.NoError(t, dbcheck.Integrity(t.Context(), path))
	after, err := dbcheck.ReadFile(t.Context(), path)
	require.NoError(t, err)
	require.ErrorIs(t, before.Check(after), dbcheck.ErrDifferent)
}

func TestLoadFails(t *testing.T) {
	path := create(t, sample.Options{Orders: 5})
	db, err := dbcheck.OpenLive(path, time.Second)
	require.NoError(t, err)
	load, err := sample.Start(t.Context(), path, sample.LoadOptions{Pause: time.Millisecond})
	require.NoError(t, err)
	_, err = db.ExecContext(t.Context(), `DROP TABLE documents; DROP VIEW open_orders; DROP TABLE customers`)
	require.NoError(t, errors.Join(err, db.Close()))

	select {
	case <-load.Failed():
	case <-time.After(20 * time.Second):
		t.Fatal("nobody noticed")
	}
	require.ErrorContains(t, load.Stop(), "no such table")
}
