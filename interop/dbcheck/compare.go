package dbcheck

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// ErrDifferent means that two databases have different contents.
var ErrDifferent = errors.New("content differs")

// Check returns nil if got is the same content, and otherwise an error that
// matches ErrDifferent and names the first table that differs.
func (c Content) Check(got Content) error {
	for i, want := range c.Tables {
		j, ok := slices.BinarySearchFunc(got.Tables, want.Name, func(t Table, name string) int { return strings.Compare(t.Name, name) })
		switch {
		case !ok:
			return fmt.Errorf("table %s is missing: %w", want.Name, ErrDifferent)
		case got.Tables[j].Rows != want.Rows:
			return fmt.Errorf("table %s has %d rows, want %d: %w", want.Name, got.Tables[j].Rows, want.Rows, ErrDifferent)
		case got.Tables[j].Sum != want.Sum:
			return fmt.Errorf("table %s has the %d rows that are wanted, but not with the same values: %w", want.Name, want.Rows, ErrDifferent)
		case i != j:
			return fmt.Errorf("table %s is not wanted: %w", got.Tables[i].Name, ErrDifferent)
		}
	}
	if len(got.Tables) > len(c.Tables) {
		return fmt.Errorf("table %s is not wanted: %w", got.Tables[len(c.Tables)].Name, ErrDifferent)
	}
	if got.Schema != c.Schema {
		return fmt.Errorf("an index, view, trigger or definition differs: %w", ErrDifferent)
	}
	return nil
}

// Compare compares two databases row by row. They must not be written to. If
// they differ, the error matches ErrDifferent and names the first object of the
// schema, or the first row and column, that differs.
func Compare(ctx context.Context, wantPath, gotPath string) error {
	want, err := OpenQuiet(wantPath)
	if err != nil {
		return err
	}
	defer want.Close()
	got, err := OpenQuiet(gotPath)
	if err != nil {
		return err
	}
	defer got.Close()
	if err := compareSchemas(ctx, want, got); err != nil {
		return fmt.Errorf("%s: %w", gotPath, err)
	}
	tables, err := readTables(ctx, want)
	if err != nil {
		return err
	}
	for _, t := range tables {
		if err := t.compare(ctx, want, got); err != nil {
			return fmt.Errorf("%s: table %s: %w", gotPath, t.name, err)
		}
	}
	return nil
}

func compareSchemas(ctx context.Context, want, got *sql.DB) error {
	wanted, err := readSchema(ctx, want)
	if err != nil {
		return err
	}
	found, err := readSchema(ctx, got)
	if err != nil {
		return err
	}
	for _, name := range wanted.names() {
		text, ok := found[name]
		switch {
		case !ok:
			return fmt.Errorf("%s is missing: %w", name, ErrDifferent)
		case text != wanted[name]:
			return fmt.Errorf("%s is %q, want %q: %w", name, text, wanted[name], ErrDifferent)
		}
	}
	for _, name := range found.names() {
		if _, ok := wanted[name]; !ok {
			return fmt.Errorf("%s is not wanted: %w", name, ErrDifferent)
		}
	}
	return nil
}

// compare reads both tables in key order and compares their rows until two
// differ.
func (t *table) compare(ctx context.Context, want, got Querier) error {
	gotRows, err := got.QueryContext(ctx, t.query())
	if err != nil {
		return err
	}
	defer gotRows.Close()
	gotRow, into := t.row()

	err = t.scan(ctx, want, func(wantRow []any) error {
		if !gotRows.Next() {
			if err := gotRows.Err(); err != nil {
				return err
			}
			return fmt.Errorf("row %s is missing, and all after it: %w", t.key(wantRow), ErrDifferent)
		}
		if err := gotRows.Scan(into...); err != nil {
			return err
		}
		return t.compareRows(wantRow, gotRow)
	})
	if err != nil {
		return err
	}
	if gotRows.Next() {
		if err := gotRows.Scan(into...); err != nil {
			return err
		}
		return fmt.Errorf("row %s is not wanted: %w", t.key(gotRow), ErrDifferent)
	}
	return gotRows.Err()
}

func (t *table) compareRows(want, got []any) error {
	for i := range want {
		switch {
		case same(want[i], got[i]):
		case i < t.keys:
			return fmt.Errorf("row %s is in place of row %s: %w", t.key(got), t.key(want), ErrDifferent)
		default:
			return fmt.Errorf("row %s: %s is %s, want %s: %w", t.key(want), t.labels[i], show(got[i]), show(want[i]), ErrDifferent)
		}
	}
	return nil
}

func (t *table) key(row []any) string {
	parts := make([]string, t.keys)
	for i := range parts {
		parts[i] = t.labels[i] + "=" + show(row[i])
	}
	return strings.Join(parts, " ")
}

func same(a, b any) bool {
	x, ok := a.([]byte)
	if !ok {
		return a == b
	}
	y, ok := b.([]byte)
	return ok && bytes.Equal(x, y)
}

// show returns a value as a short text.
func show(value any) string {
	const most = 40
	switch v := value.(type) {
	case nil:
		return "NULL"
	case string:
		if len(v) > most {
			return fmt.Sprintf("%q… (%d bytes)", v[:most], len(v))
		}
		return fmt.Sprintf("%q", v)
	case []byte:
		if len(v) > most/2 {
			return fmt.Sprintf("x'%x…' (%d bytes)", v[:most/2], len(v))
		}
		return fmt.Sprintf("x'%x'", v)
	}
	return fmt.Sprint(value)
}
