// Package sample makes a database like that of an application, and writes to it
// with several connections, for tests and demonstrations of replication.
package sample

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"net/url"
	"os"
	"path/filepath"

	_ "modernc.org/sqlite" // the driver that Litestream uses
)

// schema has different kinds of content: several b-trees, indexes, unique keys,
// a table without rowid, text, blobs that need overflow pages, a view and a
// trigger.
const schema = `
CREATE TABLE customers (
	id INTEGER PRIMARY KEY,
	name TEXT NOT NULL,
	email TEXT NOT NULL UNIQUE,
	note TEXT
);
CREATE INDEX customers_by_name ON customers (name);
CREATE TABLE orders (
	id INTEGER PRIMARY KEY AUTOINCREMENT,
	customer_id INTEGER NOT NULL REFERENCES customers (id),
	state TEXT NOT NULL DEFAULT 'open',
	total REAL NOT NULL,
	placed_at DATETIME NOT NULL
);
CREATE INDEX orders_by_customer ON orders (customer_id, placed_at);
CREATE INDEX orders_open ON orders (placed_at) WHERE state = 'open';
CREATE TABLE documents (
	order_id INTEGER NOT NULL REFERENCES orders (id),
	number INTEGER NOT NULL,
	body BLOB,
	PRIMARY KEY (order_id, number)
) WITHOUT ROWID;
CREATE TABLE counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL);
CREATE TRIGGER order_placed AFTER INSERT ON orders BEGIN
	INSERT INTO counters VALUES ('orders', 1) ON CONFLICT (name) DO UPDATE SET value = value + 1;
END;
CREATE VIEW open_orders AS SELECT * FROM orders WHERE state = 'open';
`

// Options configure the database. The zero value means a database of about 1
// MB.
type Options struct {
	// Orders is the initial number of orders; 0 means 1,000.
	Orders int

	// PageSize is the page size, a power of two from 512 to 65,536; 0 means
	// 4,096.
	PageSize int

	// Seed determines the content: the same seed gives the same rows.
	Seed uint64
}

// Create makes a new database in WAL mode. An existing file is fs.ErrExist.
func Create(ctx context.Context, path string, opts Options) (err error) {
	if opts.Orders < 0 {
		return fmt.Errorf("sample: Options.Orders is %d: want 0 (default) or more: %w", opts.Orders, fs.ErrInvalid)
	}
	file, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
	if err != nil {
		return fmt.Errorf("sample: want a new file: %w", err)
	}
	defer func() {
		if err != nil {
			for _, suffix := range []string{"", "-wal", "-shm"} {
				_ = os.Remove(path + suffix)
			}
		}
	}()
	if err := file.Close(); err != nil {
		return fmt.Errorf("sample: %w", err)
	}
	db, err := open(path)
	if err != nil {
		return fmt.Errorf("sample: create %s: %w", path, err)
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	if err := fill(ctx, db, opts); err != nil {
		return fmt.Errorf("sample: create %s: %w", path, err)
	}
	return nil
}

func fill(ctx context.Context, db *sql.DB, opts Options) error {
	for _, pragma := range []string{
		fmt.Sprintf(`PRAGMA page_size = %d`, cmp.Or(opts.PageSize, 4096)),
		`PRAGMA journal_mode = WAL`,
	} {
		if _, err := db.ExecContext(ctx, pragma); err != nil {
			return fmt.Errorf("%s: %w", pragma, err)
		}
	}
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	if _, err := tx.ExecContext(ctx, schema); err != nil {
		return err
	}
	w := &work{tx: tx, rand: rand.New(rand.NewPCG(opts.Seed, 0))}
	for range cmp.Or(opts.Orders, 1000) {
		if err := w.placeOrder(ctx); err != nil {
			return err
		}
	}
	return tx.Commit()
}

// open opens the database with one connection, so that every *sql.DB is a
// single connection to SQLite.
//
// Checkpoints are left to the engine, as Litestream's documentation asks of
// busy databases. With SQLite's own, a WAL that fills up and starts anew while
// the engine is stopped takes transactions with it that Litestream v0.5.18
// never saw: when it starts again it compares salts, finds the next one and
// goes on from there, and the files that it writes restore to a damaged
// database until a page has been overwritten. Its own file client shows the
// same: no replica client can help.
func open(path string) (*sql.DB, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	dsn := url.URL{Scheme: "file", Path: filepath.ToSlash(abs), RawQuery: url.Values{
		"mode":    {"rw"}, // a missing file is an error
		"_pragma": {"busy_timeout(30000)", "foreign_keys(1)", "synchronous(NORMAL)", "wal_autocheckpoint(0)"},
		"_txlock": {"immediate"},
	}.Encode()}
	db, err := sql.Open("sqlite", dsn.String())
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1)
	return db, nil
}
