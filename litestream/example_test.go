package litestream_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"

	engine "github.com/benbjohnson/litestream"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/litestream"
	"github.com/ltxstore/ltxstore/restore"
)

func ExampleClient() {
	slog.SetDefault(slog.New(slog.DiscardHandler))
	dir, err := os.MkdirTemp("", "example")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	if err := replicate(context.Background(), filepath.Join(dir, "app.db"), "file://"+dir+"/replica"); err != nil {
		panic(err)
	}
	fmt.Println("replicated and restored")
	// Output: replicated and restored
}

// replicate keeps a replica of a database up to date while work writes to it.
func replicate(ctx context.Context, path, url string) error {
	client, err := ltxstore.Open(ctx, url)
	if err != nil {
		return err
	}
	defer ltxstore.Close(client)

	db := engine.NewDB(path)
	db.Replica = litestream.Replica(db, client)
	store := engine.NewStore([]*engine.DB{db}, engine.DefaultCompactionLevels)
	if err := store.Open(ctx); err != nil {
		return err
	}
	if err := work(ctx, path); err != nil {
		return err
	}
	if err := errors.Join(db.SyncAndWait(ctx), store.Close(ctx)); err != nil {
		return err
	}

	_, err = restore.Run(ctx, client, path+"-restored", restore.Config{})
	return err
}

func work(ctx context.Context, path string) error {
	db, err := sql.Open("sqlite", path)
	if err != nil {
		return err
	}
	defer db.Close()
	_, err = db.ExecContext(ctx, `PRAGMA journal_mode = wal; CREATE TABLE orders (id INTEGER PRIMARY KEY); INSERT INTO orders VALUES (1)`)
	return err
}
