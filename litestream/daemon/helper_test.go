package daemon

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/internal/testkit/s3fake"
	"github.com/ltxstore/ltxstore/restore"
)

func TestMain(m *testing.M) {
	s3fake.Isolate()
	os.Exit(m.Run())
}

// ground is a folder with a configuration.
type ground struct {
	t   *testing.T
	dir string
	log *logged
}

func newGround(t *testing.T) *ground { return &ground{t, t.TempDir(), new(logged)} }

// logged is a log as text.
type logged struct {
	mu   sync.Mutex
	text []byte
}

func (l *logged) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.text = append(l.text, b...)
	return len(b), nil
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return string(l.text)
}

func (g *ground) path(name string) string { return filepath.Join(g.dir, name) }

// parse reads a configuration; $DIR is the ground's folder.
func (g *ground) parse(yaml string) *Config {
	g.t.Helper()
	cfg, err := parse(g.t, os.Expand(yaml, func(string) string { return g.dir }))
	require.NoError(g.t, err)
	for i := range cfg.DBs { // so that tests wait less
		cfg.DBs[i].MonitorInterval, cfg.DBs[i].Sync.Interval = 10*time.Millisecond, 10*time.Millisecond
	}
	return cfg
}

func (g *ground) options() Options {
	return Options{Logger: slog.New(slog.NewTextHandler(g.log, nil))}
}

// open opens a daemon, which is closed at the test's end unless it was before.
func (g *ground) open(yaml string) *Daemon {
	g.t.Helper()
	d, err := Open(g.t.Context(), g.parse(yaml), g.options())
	require.NoError(g.t, err)
	g.t.Cleanup(func() { _ = d.Close(context.Background()) })
	return d
}

// exec runs a statement on a database of the folder.
func (g *ground) exec(name, statement string) {
	g.t.Helper()
	db, err := sql.Open("sqlite", g.path(name)+"?_pragma=busy_timeout(10000)&_pragma=journal_mode(wal)")
	require.NoError(g.t, err)
	_, err = db.Exec(statement)
	require.NoError(g.t, errors.Join(err, db.Close()))
}

// rows returns how many rows the table t of a database has.
func (g *ground) rows(name string) (n int) {
	g.t.Helper()
	db, err := sql.Open("sqlite", g.path(name))
	require.NoError(g.t, err)
	err = db.QueryRow(`SELECT count(*) FROM t`).Scan(&n)
	require.NoError(g.t, errors.Join(err, db.Close()))
	return n
}

// restored returns how many rows a replica's database has.
func (g *ground) restored(url string) int {
	g.t.Helper()
	client, err := ltxstore.Open(g.t.Context(), url)
	require.NoError(g.t, err)
	name := fmt.Sprintf("restored-%d.db", time.Now().UnixNano())
	_, err = restore.Run(g.t.Context(), client, g.path(name), restore.Config{})
	require.NoError(g.t, errors.Join(err, ltxstore.Close(client)))
	return g.rows(name)
}

// vanish moves a directory away in one step: files may be written to it meanwhile.
func (g *ground) vanish(name string) {
	g.t.Helper()
	require.NoError(g.t, os.Rename(g.path(name), g.path(name+".gone")))
}

// eventually waits for something that the daemon does by itself.
func (g *ground) eventually(what func() bool, message string) {
	g.t.Helper()
	assert.Eventually(g.t, what, time.Minute, 5*time.Millisecond, message)
	if g.t.Failed() {
		g.t.Log(g.log.String())
		g.t.FailNow()
	}
}
