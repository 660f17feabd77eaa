package dbcheck

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/binary"
	"fmt"
	"hash"
	"math"
)

// Content is a digest of the content of a database, table by table.
type Content struct {
	Schema [sha256.Size]byte // of the text that made tables, indexes, views and triggers
	Tables []Table           // sorted by name
}

// Table is the digest of one table.
type Table struct {
	Name string
	Rows int64
	Sum  [sha256.Size]byte // of every row's values, with their types, in key order
}

// Rows returns the number of rows in all tables.
func (c Content) Rows() (n int64) {
	for _, t := range c.Tables {
		n += t.Rows
	}
	return n
}

// Querier is a *sql.DB, *sql.Conn or *sql.Tx. Only the last one reads a
// consistent state while others write.
type Querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// ReadFile reads the content of a database, which must not be written to.
func ReadFile(ctx context.Context, path string) (Content, error) {
	db, err := OpenQuiet(path)
	if err != nil {
		return Content{}, err
	}
	defer db.Close()
	content, err := Read(ctx, db)
	if err != nil {
		return Content{}, fmt.Errorf("%s: %w", path, err)
	}
	return content, nil
}

// Read reads a database's content. It costs a scan of every table, and the
// memory of one row.
func Read(ctx context.Context, q Querier) (c Content, err error) {
	objects, err := readSchema(ctx, q)
	if err != nil {
		return c, fmt.Errorf("read schema: %w", err)
	}
	c.Schema = objects.sum()

	tables, err := readTables(ctx, q)
	if err != nil {
		return c, fmt.Errorf("read schema: %w", err)
	}
	for _, t := range tables {
		digest := sha256.New()
		summed := Table{Name: t.name}
		err := t.scan(ctx, q, func(row []any) error {
			summed.Rows++
			for _, value := range row {
				writeValue(digest, value)
			}
			return nil
		})
		if err != nil {
			return c, fmt.Errorf("read table %s: %w", t.name, err)
		}
		digest.Sum(summed.Sum[:0])
		c.Tables = append(c.Tables, summed)
	}
	return c, nil
}

// writeValue writes a value so that no two different sequences of values
// have the same bytes.
func writeValue(h hash.Hash, value any) {
	var b [9]byte
	switch v := value.(type) {
	case nil:
		b[0] = 'n'
		h.Write(b[:1])
	case int64:
		b[0] = 'i'
		binary.BigEndian.PutUint64(b[1:], uint64(v))
		h.Write(b[:])
	case float64:
		b[0] = 'f'
		binary.BigEndian.PutUint64(b[1:], math.Float64bits(v))
		h.Write(b[:])
	case string:
		b[0] = 't'
		binary.BigEndian.PutUint64(b[1:], uint64(len(v)))
		h.Write(b[:])
		h.Write([]byte(v))
	case []byte:
		b[0] = 'b'
		binary.BigEndian.PutUint64(b[1:], uint64(len(v)))
		h.Write(b[:])
		h.Write(v)
	default:
		panic(fmt.Sprintf("dbcheck: the driver gave a %T", value))
	}
}
