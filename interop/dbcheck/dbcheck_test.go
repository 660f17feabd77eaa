package dbcheck_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ltxstore/ltxstore/interop/dbcheck"
)

const base = `
CREATE TABLE a (id INTEGER PRIMARY KEY, v);
CREATE INDEX a_v ON a (v);
INSERT INTO a VALUES (1, 'one'), (2, 2), (3, NULL), (4, x'0404');
CREATE TABLE w (x TEXT, y INT, v, PRIMARY KEY (y, x)) WITHOUT ROWID;
INSERT INTO w VALUES ('p', 1, 'p1'), ('q', 1, 'q1'), ('p', 2, 'p2');
CREATE TABLE day (at DATETIME);
INSERT INTO day VALUES ('2024-01-02 03:04:05');
CREATE TABLE odd (rowid TEXT, "q""uote" INT);
INSERT INTO odd VALUES ('r', 1);
`

func makeDB(t *testing.T, statements ...string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "a #1%41?.db")
	require.NoError(t, os.WriteFile(path, nil, 0o600))
	db, err := dbcheck.OpenLive(path, time.Second)
	require.NoError(t, err)
	defer db.Close()
	for _, s := range statements {
		_, err := db.ExecContext(t.Context(), s)
		require.NoError(t, err)
	}
	return path
}

func read(t *testing.T, path string) dbcheck.Content {
	t.Helper()
	content, err := dbcheck.ReadFile(t.Context(), path)
	require.NoError(t, err)
	return content
}

func TestSame(t *testing.T) {
	want := makeDB(t, base)
	for name, change := range map[string]string{
		"as it is":           ``,
		"free pages":         `INSERT INTO a VALUES (9, zeroblob(90000)); DELETE FROM a WHERE id = 9`,
		"litestream's own":   `CREATE TABLE _litestream_seq (id INTEGER PRIMARY KEY, seq INTEGER); CREATE TABLE _litestream_lock (id INTEGER); INSERT INTO _litestream_seq VALUES (1, 7)`,
		"wal mode":           `PRAGMA journal_mode = WAL`,
		"written and undone": `UPDATE a SET v = 9 WHERE id = 2; UPDATE a SET v = 2 WHERE id = 2`,
	} {
		t.Run(name, func(t *testing.T) {
			got := makeDB(t, base, change)
			require.NoError(t, read(t, want).Check(read(t, got)))
			require.NoError(t, dbcheck.Compare(t.Context(), want, got))
			require.NoError(t, dbcheck.Integrity(t.Context(), got))
		})
	}
}

func TestDifferent(t *testing.T) {
	want := makeDB(t, base)
	for _, tc := range []struct{ name, change, check, compare string }{
		{"value", `UPDATE a SET v = 'One' WHERE id = 1`, "table a", `row rowid=1: v is "One", want "one"`},
		{"type", `UPDATE a SET v = '2' WHERE id = 2`, "table a", `row rowid=2: v is "2", want 2`},
		{"null", `UPDATE a SET v = '' WHERE id = 3`, "table a", `row rowid=3: v is "", want NULL`},
		{"blob for text", `UPDATE a SET v = cast(v AS BLOB) WHERE id = 1`, "table a", `row rowid=1: v is x'6f6e65', want "one"`},
		{"long value", `UPDATE a SET v = zeroblob(100) WHERE id = 4`, "table a", `(100 bytes), want x'0404'`},
		{"moved boundary", `UPDATE w SET x = 'pp', v = '1' WHERE x = 'p' AND y = 1`, "table w", `row y=1 x="pp" is in place of row y=1 x="p"`},
		{"missing row", `DELETE FROM a WHERE id = 4`, "table a has 3 rows, want 4", "row rowid=4 is missing"},
		{"missing middle row", `DELETE FROM a WHERE id = 2`, "table a has 3 rows", "row rowid=3 is in place of row rowid=2"},
		{"extra row", `INSERT INTO a VALUES (5, 5)`, "table a has 5 rows", "row rowid=5 is not wanted"},
		{"without rowid", `UPDATE w SET v = 0 WHERE x = 'q'`, "table w", `row y=1 x="q": v is 0, want "q1"`},
		{"date", `UPDATE day SET at = '2024-01-02T03:04:05Z'`, "table day", `at is "2024-01-02T03:04:05Z", want "2024-01-02 03:04:05"`},
		{"hidden rowid", `UPDATE odd SET rowid = 's'`, "table odd", `row _rowid_=1: rowid is "s", want "r"`},
		{"missing table", `DROP TABLE day`, "table day is missing", "table day is missing"},
		{"extra table", `CREATE TABLE b (x)`, "table b is not wanted", "table b is not wanted"},
		{"extra last table", `CREATE TABLE zz (x)`, "table zz is not wanted", "table zz is not wanted"},
		{"missing index", `DROP INDEX a_v`, "an index, view, trigger or definition differs", "index a_v is missing"},
		{"other index", `DROP INDEX a_v; CREATE INDEX a_v ON a (v, id)`, "an index, view", "index a_v is"},
		{"extra view", `CREATE VIEW v AS SELECT 1`, "an index, view", "view v is not wanted"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got := makeDB(t, base, tc.change)
			err := read(t, want).Check(read(t, got))
			require.ErrorIs(t, err, dbcheck.ErrDifferent)
			assert.ErrorContains(t, err, tc.check)
			err = dbcheck.Compare(t.Context(), want, got)
			require.ErrorIs(t, err, dbcheck.ErrDifferent)
			assert.ErrorContains(t, err, tc.compare)
		})
	}
}

// TestWAL: what was committed and not checkpointed belongs to the content.
func TestWAL(t *testing.T) {
	path := makeDB(t, base, `PRAGMA journal_mode = WAL`)
	before := read(t, path)
	db, err := dbcheck.OpenLive(path, time.Second)
	require.NoError(t, err)
	defer db.Close()
	_, err = db.ExecContext(t.Context(), `INSERT INTO a VALUES (99, 99)`)
	require.NoError(t, err)
	require.ErrorIs(t, before.Check(read(t, path)), dbcheck.ErrDifferent)
}

func TestIntegrity(t *testing.T) {
	path := makeDB(t, base)
	b, err := os.ReadFile(path)
	require.NoError(t, err)

	var root int
	db, err := dbcheck.OpenQuiet(path)
	require.NoError(t, err)
	require.NoError(t, db.QueryRow(`SELECT rootpage FROM sqlite_schema WHERE name = 'a_v'`).Scan(&root))
	require.NoError(t, db.Close())
	page := b[(root-1)*4096 : root*4096]
	page[3], page[4] = 0, 0 // the index has no entries any more

	damaged := filepath.Join(t.TempDir(), "damaged.db")
	require.NoError(t, os.WriteFile(damaged, b, 0o600))
	err = dbcheck.Integrity(t.Context(), damaged)
	require.ErrorIs(t, err, dbcheck.ErrDamaged)
	require.ErrorContains(t, err, "a_v")

	one := makeDB(t, `CREATE TABLE n (x)`, `INSERT INTO n VALUES (NULL)`,
		`PRAGMA writable_schema = 1; UPDATE sqlite_schema SET sql = 'CREATE TABLE n (x NOT NULL)' WHERE name = 'n'`)
	err = dbcheck.Integrity(t.Context(), one)
	require.ErrorIs(t, err, dbcheck.ErrDamaged, "a single finding")
	require.ErrorContains(t, err, "NULL value in n.x")

	text := filepath.Join(t.TempDir(), "text")
	require.NoError(t, os.WriteFile(text, []byte("no database at all, but long enough to have a header, if it had one: it has none, and SQLite says so"), 0o600))
	require.ErrorContains(t, dbcheck.Integrity(t.Context(), text), "not a database")
	require.Error(t, dbcheck.Integrity(t.Context(), filepath.Join(t.TempDir(), "missing")))
}

func TestCompareBytes(t *testing.T) {
	dir := t.TempDir()
	file := func(name, content string) string {
		path := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
		return path
	}
	a := file("a", "abc")
	require.NoError(t, dbcheck.CompareBytes(a, file("same", "abc")))
	for name, tc := range map[string]struct{ content, says string }{
		"other":   {"abX", "byte 2 is 0x63"},
		"shorter": {"ab", "ends after byte 2"},
		"longer":  {"abcd", "continues after byte 3"},
	} {
		err := dbcheck.CompareBytes(a, file(name, tc.content))
		require.ErrorIs(t, err, dbcheck.ErrDifferent, name)
		require.ErrorContains(t, err, tc.says)
	}
}

// TestNoOtherFiles: looking at a restored database leaves nothing beside it.
func TestNoOtherFiles(t *testing.T) {
	path := makeDB(t, base, `PRAGMA journal_mode = WAL`, `PRAGMA wal_checkpoint(TRUNCATE)`)
	read(t, path)
	require.NoError(t, dbcheck.Integrity(t.Context(), path))
	entries, err := os.ReadDir(filepath.Dir(path))
	require.NoError(t, err)
	require.Len(t, entries, 1)
}
