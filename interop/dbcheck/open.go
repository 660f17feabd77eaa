// Package dbcheck compares the contents of SQLite databases, and reports where
// they differ.
//
// Content is compared logically: the schema, and every row of every table,
// value by value with its type. Free pages, page order and Litestream's own
// tables are ignored.
package dbcheck

import (
	"database/sql"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"time"

	_ "modernc.org/sqlite" // the driver that Litestream uses
)

// OpenLive opens a database that others write to at the same time. It waits up
// to busy for a lock of another connection. The caller must close the result.
func OpenLive(path string, busy time.Duration) (*sql.DB, error) {
	return open(path, url.Values{
		"mode":    {"rw"}, // a missing file is an error, not a new database
		"_pragma": {fmt.Sprintf("busy_timeout(%d)", busy.Milliseconds())},
	})
}

// OpenQuiet opens a database for reading, which must not be written to. It
// creates no other files next to the database. The caller must close the
// result.
func OpenQuiet(path string) (*sql.DB, error) {
	query := url.Values{"mode": {"ro"}}
	if wal, err := os.Stat(path + "-wal"); err != nil || wal.Size() == 0 {
		query.Set("immutable", "1") // SQLite then wants no -shm file, and reads no -wal
	}
	return open(path, query)
}

func open(path string, query url.Values) (*sql.DB, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	dsn := url.URL{Scheme: "file", Path: filepath.ToSlash(abs), RawQuery: query.Encode()}
	return sql.Open("sqlite", dsn.String())
}
