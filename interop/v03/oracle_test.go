// Package v03_test holds the library's reading of replicas of Litestream v0.3 to
// Litestream v0.3.14 itself.
package v03_test

import (
	"bytes"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"filippo.io/age"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/superfly/ltx"
	_ "modernc.org/sqlite"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/file"
	"github.com/ltxstore/ltxstore/interop/servers"
	"github.com/ltxstore/ltxstore/restore"
	"github.com/ltxstore/ltxstore/v03"
	"github.com/ltxstore/ltxstore/wrap/crypt"
)

// source is a database that v0.3 replicates, and its replica.
type source struct {
	path, replica string
	config        string              // the litestream.yml
	identity      *age.X25519Identity // or nil: not encrypted
	db            *sql.DB
	rng           *rand.Rand
}

func newSource(t *testing.T, dir string, pageSize int) *source {
	s := &source{path: filepath.Join(dir, fmt.Sprintf("%d.db", pageSize)), replica: filepath.Join(dir, fmt.Sprintf("replica-%d", pageSize)),
		rng: rand.New(rand.NewPCG(uint64(pageSize), 3))}
	var err error
	s.db, err = sql.Open("sqlite", s.path)
	require.NoError(t, err)
	s.db.SetMaxOpenConns(1)
	t.Cleanup(func() { s.db.Close() })
	for _, stmt := range []string{fmt.Sprintf("PRAGMA page_size = %d", pageSize), "PRAGMA journal_mode = wal", "PRAGMA busy_timeout = 5000",
		"PRAGMA wal_autocheckpoint = 0", "CREATE TABLE t (id INTEGER PRIMARY KEY, v BLOB)"} {
		_, err := s.db.Exec(stmt)
		require.NoError(t, err, stmt)
	}
	return s
}

// change runs a random transaction.
func (s *source) change(t *testing.T) {
	t.Helper()
	blob := make([]byte, s.rng.IntN(6000))
	for i := range blob {
		blob[i] = byte(s.rng.Uint32())
	}
	stmt, args := "INSERT INTO t (v) VALUES (?)", []any{blob}
	switch s.rng.IntN(12) {
	case 0, 1:
		stmt, args = "DELETE FROM t WHERE id % 5 = ?", []any{s.rng.IntN(5)}
	case 2, 3:
		stmt, args = "UPDATE t SET v = ? WHERE id % 7 = ?", []any{blob, s.rng.IntN(7)}
	case 4:
		stmt, args = "INSERT INTO t (v) SELECT randomblob(500) FROM (SELECT 1 UNION SELECT 2 UNION SELECT 3), t LIMIT 60", nil
	case 5:
		stmt, args = "VACUUM", nil
	}
	_, err := s.db.Exec(stmt, args...)
	require.NoError(t, err, stmt)
}

func (s *source) client() ltxstore.ReplicaClient {
	c := file.NewReplicaClient(file.Config{Path: s.replica})
	c.SetLogger(nil)
	if s.identity == nil {
		return c
	}
	return crypt.New(c, crypt.Config{Identities: []crypt.Identity{crypt.Identity(s.identity.String())}})
}

// files counts the files of the replica.
func (s *source) files(t *testing.T) (n int) {
	t.Helper()
	generations, err := v03.List(t.Context(), s.client())
	require.NoError(t, err)
	for _, g := range generations {
		n += len(g.Snapshots) + len(g.Segments)
	}
	return n
}

// replicate runs v0.3 while work runs.
func replicate(t *testing.T, config string, work func()) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), servers.Litestream03(t), "replicate", "-config", config)
	var log bytes.Buffer
	cmd.Stdout, cmd.Stderr = &log, &log
	require.NoError(t, cmd.Start())
	defer func() {
		_ = cmd.Process.Signal(syscall.SIGINT)
		if err := cmd.Wait(); err != nil || t.Failed() {
			t.Logf("litestream: %v\n%.4000s", err, log.String())
		}
	}()
	work()
}

// histories makes replicas of random histories, with several generations, encrypted if there
// is an identity.
func histories(t *testing.T, identity *age.X25519Identity, pageSizes ...int) []*source {
	dir := t.TempDir()
	name := filepath.Join(dir, "litestream.yml")
	var sources []*source
	config := "dbs:\n"
	for _, size := range pageSizes {
		s := newSource(t, dir, size)
		s.config, s.identity = name, identity
		sources = append(sources, s)
		config += fmt.Sprintf("  - path: %s\n    monitor-interval: 20ms\n    min-checkpoint-page-count: 40\n    max-checkpoint-page-count: 200\n"+
			"    replicas:\n      - path: %s\n        sync-interval: 30ms\n        snapshot-interval: 700ms\n", s.path, s.replica)
		if identity != nil {
			config += fmt.Sprintf("        age: {identities: [%s], recipients: [%s]}\n", identity, identity.Recipient())
		}
	}
	require.NoError(t, os.WriteFile(name, []byte(config), 0o600))
	for range 2 {
		for _, s := range sources { // behind its back: a new generation
			for range 5 {
				s.change(t)
			}
			_, err := s.db.Exec("PRAGMA wal_checkpoint(TRUNCATE)")
			require.NoError(t, err)
		}
		replicate(t, name, func() {
			for range 25 {
				for _, s := range sources {
					before := s.files(t)
					for range 1 + s.rng.IntN(4) {
						s.change(t)
					}
					_, err := s.db.Exec("INSERT INTO t (v) VALUES (randomblob(100))") // the others may change nothing
					require.NoError(t, err)
					for waits := 1; s.files(t) == before; waits++ {
						require.Less(t, waits, 12_000, "a minute without a segment")
						if waits%1000 == 0 { // it may have missed the last change of a WAL that it restarts
							s.change(t)
						}
						time.Sleep(5 * time.Millisecond)
					}
				}
			}
		})
	}
	return sources
}

// oracle restores by v0.3 itself. It returns nothing if a file is damaged: stopped at the wrong
// moment, v0.3 itself leaves one that is encrypted and cut off.
func oracle(t *testing.T, s *source, args ...string) []byte {
	t.Helper()
	out := filepath.Join(t.TempDir(), "db")
	from := []string{"file://" + s.replica}
	if s.identity != nil { // which a URL cannot name
		from = []string{"-config", s.config, s.path}
	}
	args = slices.Concat([]string{"restore", "-o", out}, args, from)
	log, err := exec.CommandContext(t.Context(), servers.Litestream03(t), args...).CombinedOutput()
	if text := string(log); err != nil && (strings.Contains(text, "failed to decrypt") || strings.Contains(text, "header")) {
		return nil
	}
	require.NoError(t, err, "%v: %.2000s", args, log)
	b, err := os.ReadFile(out)
	require.NoError(t, err)
	return b
}

func ours(t *testing.T, s *source, target v03.Target) []byte {
	t.Helper()
	out := filepath.Join(t.TempDir(), "db")
	result, err := v03.Restore(t.Context(), s.client(), out, v03.RestoreConfig{Target: target})
	if s.identity != nil && errors.Is(err, ltxstore.ErrChecksum) {
		return nil
	}
	require.NoError(t, err)
	assert.Empty(t, result.LeftOut)
	assert.Zero(t, result.Uncommitted)
	b, err := os.ReadFile(out)
	require.NoError(t, err)
	return b
}

// TestRestore compares restores of the newest state, of moments and of generations,
// byte for byte.
func TestRestore(t *testing.T) { compareRestores(t, histories(t, nil, 512, 1024, 4096, 65536)) }

// TestRestoreEncrypted is TestRestore for a replica that v0.3 has encrypted with age.
func TestRestoreEncrypted(t *testing.T) {
	identity, err := age.GenerateX25519Identity()
	require.NoError(t, err)
	sources := histories(t, identity, 1024, 65536)
	compareRestores(t, sources)
	for _, s := range sources {
		report, err := v03.Verify(t.Context(), s.client(), v03.VerifyConfig{})
		require.NoError(t, err)
		assert.LessOrEqual(t, len(report.Damaged), 2, "one for each stop") // see oracle
		assert.Greater(t, report.Files, 50)
		s.identity = nil
		_, err = v03.Verify(t.Context(), s.client(), v03.VerifyConfig{})
		require.ErrorIs(t, err, errors.ErrUnsupported)
		assert.ErrorContains(t, err, "crypt.identities")
	}
}

func compareRestores(t *testing.T, sources []*source) {
	for _, s := range sources {
		t.Run(filepath.Base(s.path), func(t *testing.T) {
			generations, err := v03.List(t.Context(), s.client())
			require.NoError(t, err)
			require.Len(t, generations, 2)
			require.True(t, bytes.Equal(oracle(t, s), ours(t, s, v03.Target{})), "newest")
			for _, g := range generations {
				t.Logf("%s: %d snapshots, %d segments, last index %d", g.Name, len(g.Snapshots), len(g.Segments), g.Segments[len(g.Segments)-1].Index)
				require.True(t, bytes.Equal(oracle(t, s, "-generation", g.Name), ours(t, s, v03.Target{Generation: g.Name})), "generation %s", g.Name)
				for i := 0; i < len(g.Segments); i += 1 + len(g.Segments)/6 {
					at := g.Segments[i].CreatedAt.Truncate(time.Second).Add(time.Second)
					if first, last := g.Bounds(); at.Before(first) || at.After(last) || at.Before(g.Snapshots[0].CreatedAt) {
						continue
					}
					want := oracle(t, s, "-generation", g.Name, "-timestamp", at.UTC().Format(time.RFC3339))
					got := ours(t, s, v03.Target{Generation: g.Name, At: at})
					require.True(t, bytes.Equal(want, got), "%s of %s", at, strings.TrimSpace(g.Name))
				}
			}
		})
	}
}

// TestConvert holds what the converted replica restores to what v0.3 does.
func TestConvert(t *testing.T) {
	for _, s := range histories(t, nil, 1024, 4096) {
		t.Run(filepath.Base(s.path), func(t *testing.T) {
			dir := t.TempDir()
			dst := file.NewReplicaClient(file.Config{Path: filepath.Join(dir, "ltx")})
			result, err := v03.Convert(t.Context(), dst, s.client(), v03.ConvertConfig{})
			require.NoError(t, err)
			require.Greater(t, int(result.TXID), 20)
			out := filepath.Join(dir, "db")
			_, err = restore.Run(t.Context(), dst, out, restore.Config{})
			require.NoError(t, err)
			got, err := os.ReadFile(out)
			require.NoError(t, err)
			require.True(t, bytes.Equal(oracle(t, s), got))
			for txid := ltx.TXID(1); txid <= result.TXID; txid++ { // each is a sound database
				_, err = restore.Run(t.Context(), dst, out, restore.Config{Overwrite: true, Target: restore.Target{TXID: txid}})
				require.NoError(t, err)
				db, err := sql.Open("sqlite", out)
				require.NoError(t, err)
				var ok string
				err = db.QueryRow("PRAGMA integrity_check").Scan(&ok)
				require.NoError(t, errors.Join(err, db.Close()))
				require.Equal(t, "ok", ok, "transaction %s", txid)
			}
		})
	}
}
