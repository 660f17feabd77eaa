package dbcheck

import (
	"context"
	"crypto/sha256"
	"fmt"
	"slices"
	"strings"
)

// notOurs excludes tables that Litestream writes after the last transaction
// that it replicates.
const notOurs = `name NOT IN ('_litestream_seq', '_litestream_lock')`

// objects maps "index orders_by_day" to the text that made it.
type objects map[string]string

func readSchema(ctx context.Context, q Querier) (objects, error) {
	rows, err := q.QueryContext(ctx, `SELECT type || ' ' || name, coalesce(sql, '') FROM sqlite_schema WHERE tbl_`+notOurs)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	found := make(objects)
	for rows.Next() {
		var name, text string
		if err := rows.Scan(&name, &text); err != nil {
			return nil, err
		}
		found[name] = text
	}
	return found, rows.Err()
}

func (o objects) names() []string {
	names := make([]string, 0, len(o))
	for name := range o {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

func (o objects) sum() (sum [sha256.Size]byte) {
	digest := sha256.New()
	for _, name := range o.names() {
		writeValue(digest, name)
		writeValue(digest, o[name])
	}
	digest.Sum(sum[:0])
	return sum
}

// table describes how the rows of a table are read in key order.
type table struct {
	name    string
	keys    int      // how many of columns, from the first, are the key
	columns []string // as they are selected
	labels  []string // as they are shown
	order   string
}

// readTables returns the tables with their own rows, sorted by name. The rows
// of a virtual table are in its shadow tables, or outside the database.
func readTables(ctx context.Context, q Querier) ([]table, error) {
	rows, err := q.QueryContext(ctx, `SELECT name, wr FROM pragma_table_list
		WHERE schema = 'main' AND type IN ('table', 'shadow') AND name <> 'sqlite_schema' AND `+notOurs+` ORDER BY name`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var tables []table
	withoutRowid := make(map[string]bool)
	for rows.Next() {
		var t table
		var wr bool
		if err := rows.Scan(&t.name, &wr); err != nil {
			return nil, err
		}
		withoutRowid[t.name] = wr
		tables = append(tables, t)
	}
	if err := rows.Err(); err != nil {
		return nil, err
	}
	for i := range tables {
		if err := tables[i].readColumns(ctx, q, withoutRowid[tables[i].name]); err != nil {
			return nil, fmt.Errorf("table %s: %w", tables[i].name, err)
		}
	}
	return tables, nil
}

func (t *table) readColumns(ctx context.Context, q Querier, withoutRowid bool) error {
	rows, err := q.QueryContext(ctx, `SELECT name, pk FROM pragma_table_info(?) ORDER BY cid`, t.name)
	if err != nil {
		return err
	}
	defer rows.Close()
	var names []string
	key := make(map[int]string)
	for rows.Next() {
		var name string
		var pk int
		if err := rows.Scan(&name, &pk); err != nil {
			return err
		}
		names = append(names, name)
		if pk > 0 && withoutRowid {
			key[pk] = name
		}
	}
	if err := rows.Err(); err != nil {
		return err
	}

	if !withoutRowid {
		rowid := rowidName(names)
		t.columns, t.labels, t.order, t.keys = []string{rowid}, []string{rowid}, rowid, 1
	} else {
		t.keys = len(key)
		ordered := make([]string, t.keys)
		for pk, name := range key {
			ordered[pk-1] = quote(name)
			names = slices.DeleteFunc(names, func(n string) bool { return n == name })
		}
		for pk := 1; pk <= t.keys; pk++ {
			t.columns = append(t.columns, bare(key[pk]))
			t.labels = append(t.labels, key[pk])
		}
		t.order = strings.Join(ordered, ", ")
	}
	for _, name := range names {
		t.columns = append(t.columns, bare(name))
		t.labels = append(t.labels, name)
	}
	return nil
}

// bare selects a column's value as it is stored: under a unary plus the
// column has no declared type, for which the driver would turn a DATETIME's
// text into a time.
func bare(column string) string { return "+" + quote(column) }

func quote(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }

// rowidName returns a name of the row number that no column hides.
func rowidName(columns []string) string {
	for _, name := range []string{"rowid", "_rowid_", "oid"} {
		if !slices.ContainsFunc(columns, func(c string) bool { return strings.EqualFold(c, name) }) {
			return name
		}
	}
	return "1" // a table that hides all three: its rows in stored order
}

// scan calls each for every row, in key order. The row is valid until the
// next call.
func (t *table) scan(ctx context.Context, q Querier, each func(row []any) error) error {
	rows, err := q.QueryContext(ctx, t.query())
	if err != nil {
		return err
	}
	defer rows.Close()
	row, into := t.row()
	for rows.Next() {
		if err := rows.Scan(into...); err != nil {
			return err
		}
		if err := each(row); err != nil {
			return err
		}
	}
	return rows.Err()
}

func (t *table) query() string {
	return `SELECT ` + strings.Join(t.columns, ", ") + ` FROM ` + quote(t.name) + ` ORDER BY ` + t.order
}

// row returns room for a row, and what Scan needs to fill it.
func (t *table) row() (row, into []any) {
	row = make([]any, len(t.columns))
	into = make([]any, len(t.columns))
	for i := range row {
		into[i] = &row[i]
	}
	return row, into
}
