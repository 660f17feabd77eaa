package ltxstore_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/file"
	"github.com/ltxstore/ltxstore/testing/replicatest"
)

// The functions that are no examples themselves are shown in the documents as
// they are.

// writeAndList stores a file and lists its level.
func writeAndList(ctx context.Context, dir string, body io.Reader) error {
	client := file.NewReplicaClient(file.Config{Path: dir})
	defer client.Close()

	if _, err := client.WriteLTXFile(ctx, 0, 1, 1, body); err != nil {
		return err
	}
	files, err := client.LTXFiles(ctx, 0, 0, true)
	if err != nil {
		return err
	}
	for files.Next() {
		info := files.Item()
		fmt.Println(info.MinTXID, info.MaxTXID, info.CreatedAt)
	}
	return files.Close()
}

func Example_write() {
	dir, err := os.MkdirTemp("", "replica")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	slog.SetLogLoggerLevel(slog.LevelError)
	defer slog.SetLogLoggerLevel(slog.LevelInfo)

	body := replicatest.NewLTXFile(1, 1, time.UnixMilli(1767225600123), 3)
	if err := writeAndList(context.Background(), dir, bytes.NewReader(body)); err != nil {
		fmt.Println(err)
	}
	// Output:
	// 0000000000000001 0000000000000001 2026-01-01 00:00:00.123 +0000 UTC
}

// newFileClient returns a client with every setting but the clock.
func newFileClient(dir string, logger *slog.Logger) *file.ReplicaClient {
	return file.NewReplicaClient(file.Config{
		Path:      dir,
		Layout:    ltxstore.LayoutLitestream, // names that Litestream reads too
		WriteOnce: true,                      // never replace a file with different content
		MustExist: true,                      // an unmounted disk is not an empty replica
		DirMode:   0o700,                     // the default is 0750
		FileMode:  0o600,                     // the default is 0640
		SweepAge:  2 * time.Hour,             // when a temporary's writer is taken for dead
		Logger:    logger,                    // the default is slog.Default
	})
}

func Example_fileConfig() {
	dir := filepath.Join(os.TempDir(), "ltxstore-not-mounted")
	client := newFileClient(dir, slog.New(slog.DiscardHandler))
	err := client.Init(context.Background())
	fmt.Println(errors.Is(err, ltxstore.ErrStoreNotFound), errors.Is(err, fs.ErrNotExist))
	// Output:
	// true false
}

// advice returns what to do about a failed call.
func advice(err error) string {
	var failed *ltxstore.Error
	switch {
	case err == nil:
		return "done"
	case errors.Is(err, fs.ErrNotExist):
		return "the file is missing"
	case errors.Is(err, ltxstore.ErrChecksum):
		return "the file is damaged"
	case ltxstore.IsRetryable(err):
		return "try again later"
	case errors.As(err, &failed):
		return "give up: " + failed.Op + " of " + failed.Key + " failed"
	default:
		return "give up"
	}
}

func Example_errors() {
	client := file.NewReplicaClient(file.Config{Path: filepath.Join(os.TempDir(), "ltxstore-empty"), Logger: slog.New(slog.DiscardHandler)})
	_, err := client.OpenLTXFile(context.Background(), 0, 1, 1, 0, 0)
	fmt.Println(advice(err))
	fmt.Println(advice(fmt.Errorf("upload: %w", ltxstore.ErrThrottled)))
	fmt.Println(advice(&ltxstore.Error{Op: "write", Backend: "file", Key: "ltx/0000/x.ltx", Kind: fs.ErrPermission}))
	fmt.Println(advice(context.DeadlineExceeded))
	// Output:
	// the file is missing
	// try again later
	// give up: write of ltx/0000/x.ltx failed
	// give up
}

// newest returns the last file of a level that was written before a moment.
func newest(ctx context.Context, client ltxstore.ReplicaClient, level int, before time.Time) (*ltx.FileInfo, error) {
	files, err := ltxstore.FindLTXFiles(ctx, client, level, true, func(info *ltx.FileInfo) (bool, error) {
		return info.CreatedAt.Before(before), nil
	})
	if err != nil || len(files) == 0 {
		return nil, err
	}
	return files[len(files)-1], nil
}

func Example_pointInTime() {
	dir, err := os.MkdirTemp("", "replica")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	ctx := context.Background()
	client := file.NewReplicaClient(file.Config{Path: dir, Logger: slog.New(slog.DiscardHandler)})
	defer client.Close()

	start := time.UnixMilli(1767225600000)
	for id := ltx.TXID(1); id <= 3; id++ {
		body := replicatest.NewLTXFile(id, id, start.Add(time.Duration(id)*time.Minute), 1)
		if _, err := client.WriteLTXFile(ctx, 0, id, id, bytes.NewReader(body)); err != nil {
			fmt.Println(err)
		}
	}
	info, err := newest(ctx, client, 0, start.Add(150*time.Second))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(info.MaxTXID, info.CreatedAt)
	// Output:
	// 0000000000000002 2026-01-01 00:02:00 +0000 UTC
}
