// Package dbcheck says whether two SQLite databases hold the same, and if
// not, where they differ.
//
// Content is compared logically: the schema, and every row of every table,
// value by value with its type. Free pages, page order and the tables that
// Litestream keeps for itself do not count.
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

// OpenLive opens a database that others write to at the same time. A lock
// held by another connection is waited for as long as busy says. The caller
// closes the result.
func OpenLive(path string, busy time.Duration) (*sql.DB, error) {
	return open(path, url.Values{
		"mode":    {"rw"}, // a missing file is an error, not a new database
		"_pragma": {fmt.Sprintf("busy_timeout(%d)", busy.Milliseconds())},
	})
}

// OpenQuiet opens, for reading, a database that nobody writes to. Beside a
// restored one it leaves no other file. The caller closes the result.
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
