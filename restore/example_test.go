package restore_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"time"

	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/internal/testkit/ltxmodel"
	"github.com/ltxstore/ltxstore/mock"
	"github.com/ltxstore/ltxstore/restore"
)

// restoreMoment restores the state before a moment, and prints its progress.
func restoreMoment(ctx context.Context, client ltxstore.ReplicaClient, path string, moment time.Time) error {
	result, err := restore.Run(ctx, client, path, restore.Config{
		Target:   restore.Target{Before: moment},
		Progress: func(p restore.Progress) { fmt.Printf("%d of %d files\n", p.Files, p.TotalFiles) },
		Check:    integrityCheck,
	})
	var unreachable *restore.UnreachableError
	switch {
	case errors.As(err, &unreachable) && unreachable.Last != 0:
		return fmt.Errorf("try transaction %s, of %v: %w", unreachable.Last, unreachable.LastTime, err)
	case err != nil:
		return err
	}
	fmt.Println("restored transaction", result.TXID, "of", result.Time)
	return nil
}

// integrityCheck stands for PRAGMA integrity_check with a SQLite driver.
func integrityCheck(_ context.Context, path string) error {
	_, err := os.Stat(path)
	return err
}

func exampleReplica() ltxstore.ReplicaClient {
	client := &mock.ReplicaClient{}
	client.SetLogger(nil)
	history := ltxmodel.New(1, 5)
	for _, f := range []at{{9, 1, 3}, {0, 3, 3}, {0, 4, 4}, {0, 5, 5}} {
		if _, err := client.WriteLTXFile(context.Background(), f.level, f.min, f.max, bytes.NewReader(history.File(f.min, f.max))); err != nil {
			log.Fatal(err)
		}
	}
	return client
}

func Example() {
	dir, err := os.MkdirTemp("", "example")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)

	moment := time.Date(2024, 1, 2, 3, 4, 10, 0, time.UTC)
	if err := restoreMoment(context.Background(), exampleReplica(), filepath.Join(dir, "db"), moment); err != nil {
		log.Fatal(err)
	}
	// Output:
	// 0 of 2 files
	// 1 of 2 files
	// 2 of 2 files
	// restored transaction 0000000000000004 of 2024-01-02 03:04:09 +0000 UTC
}

func ExampleNewPlan() {
	plan, err := restore.NewPlan(context.Background(), exampleReplica(), restore.Target{}, nil)
	if err != nil {
		log.Fatal(err)
	}
	for _, info := range plan.Files {
		fmt.Println("level", info.Level, ltx.FormatFilename(info.MinTXID, info.MaxTXID))
	}

	_, err = restore.NewPlan(context.Background(), exampleReplica(), restore.Target{TXID: 2}, nil)
	fmt.Println(err)
	// Output:
	// level 9 0000000000000001-0000000000000003.ltx
	// level 0 0000000000000004-0000000000000004.ltx
	// level 0 0000000000000005-0000000000000005.ltx
	// mock: restore transaction 0000000000000002: transaction 0000000000000002 is only in files that extend beyond it, such as level 9 0000000000000001-0000000000000003.ltx; the first that can be restored is 0000000000000003 of 2024-01-02T03:04:08Z
}
