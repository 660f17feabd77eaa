package dbcheck

import (
	"context"
	"errors"
	"fmt"
	"strings"
)

// ErrDamaged means that SQLite's own check found a database inconsistent.
var ErrDamaged = errors.New("database is damaged")

// Integrity runs PRAGMA integrity_check on a database, which must not be
// written to. If there are problems, the error matches ErrDamaged and contains
// the first of them.
func Integrity(ctx context.Context, path string) error {
	db, err := OpenQuiet(path)
	if err != nil {
		return err
	}
	defer db.Close()
	rows, err := db.QueryContext(ctx, `PRAGMA integrity_check(5)`)
	if err != nil {
		return fmt.Errorf("%s: integrity_check: %w", path, err)
	}
	defer rows.Close()
	var found []string
	for rows.Next() {
		var line string
		if err := rows.Scan(&line); err != nil {
			return fmt.Errorf("%s: integrity_check: %w", path, err)
		}
		found = append(found, line)
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("%s: integrity_check: %w", path, err)
	}
	if len(found) != 1 || found[0] != "ok" {
		return fmt.Errorf("%s: integrity_check: %s: %w", path, strings.Join(found, "; "), ErrDamaged)
	}
	return nil
}
