package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/ltxstore/ltxstore/interop/sample"
)

const wantDB = "want the path of a SQLite database, or no -db for a sample"

// checkDB returns an error if -db cannot be replicated. It must be called
// before the engine opens the file: see engine.Open.
func checkDB(path string) error {
	f, err := os.Open(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("-db %s does not exist: %s", path, wantDB)
	case err != nil:
		return fmt.Errorf("-db %s cannot be opened: %w", path, errors.Unwrap(err))
	}
	defer f.Close()
	if info, err := f.Stat(); err != nil {
		return fmt.Errorf("-db: %w", err)
	} else if !info.Mode().IsRegular() {
		return fmt.Errorf("-db %s is a %s: %s", path, kind(info), wantDB)
	}
	const magic = "SQLite format 3\x00"
	head := make([]byte, len(magic))
	if _, err := io.ReadFull(f, head); err != nil || !bytes.Equal(head, []byte(magic)) {
		return fmt.Errorf("-db %s is not a SQLite database: %s", path, wantDB)
	}
	return nil
}

func kind(info fs.FileInfo) string {
	if info.IsDir() {
		return "directory"
	}
	return "special file"
}

// source is the database that is replicated.
type source struct {
	path string
	load *sample.Load // nil for the user's own database
}

const connections = 4

// openSource returns the user's database, or a new sample in dir and starts
// writing to it.
func openSource(ctx context.Context, path, dir string) (*source, error) {
	if path != "" {
		abs, err := filepath.Abs(path)
		return &source{path: abs}, err
	}
	s := &source{path: filepath.Join(dir, "source.db")}
	return s, sample.Create(ctx, s.path, sample.Options{})
}

func (s *source) start(ctx context.Context, ours bool) (err error) {
	if ours {
		s.load, err = sample.Start(ctx, s.path, sample.LoadOptions{Connections: connections})
	}
	return err
}

// failed is closed when writing to the sample fails.
func (s *source) failed() <-chan struct{} {
	if s.load == nil {
		return nil
	}
	return s.load.Failed()
}

func (s *source) stop() error {
	if s.load == nil {
		return nil
	}
	return s.load.Stop()
}
