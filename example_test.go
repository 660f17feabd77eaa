package ltxstore_test

import (
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/backend"
)

func ExampleKeys() {
	keys, err := backend.NewKeys(ltxstore.LayoutDefault, "/backups/db")
	if err != nil {
		panic(err)
	}
	fmt.Println(keys.File(0, 1, 1))
	fmt.Println(keys.File(ltxstore.SnapshotLevel, 1, 255))

	level, minTXID, maxTXID, ok := keys.Parse("backups/db/ltx/0002/0000000000000010-000000000000001f.ltx")
	fmt.Println(level, minTXID, maxTXID, ok)
	_, _, _, ok = keys.Parse("backups/db/notes.txt")
	fmt.Println(ok)
	// Output:
	// backups/db/ltx/0000/0000000000000001-0000000000000001.ltx
	// backups/db/snapshots/0000000000000001-00000000000000ff.ltx
	// 2 0000000000000010 000000000000001f true
	// false
}

func ExampleLayout() {
	for _, name := range []string{"default", "litestream", "litestream-s3"} {
		layout, err := ltxstore.ParseLayout(name)
		if err != nil {
			panic(err)
		}
		keys, err := backend.NewKeys(layout, "db")
		if err != nil {
			panic(err)
		}
		fmt.Printf("%-13s %s\n", layout, keys.LevelPrefix(ltxstore.SnapshotLevel))
	}
	// Output:
	// default       db/snapshots/
	// litestream    db/ltx/9/
	// litestream-s3 db/0009/
}

func ExampleError() {
	err := error(&ltxstore.Error{Op: "open", Backend: "s3", Key: "db/ltx/0000/1.ltx", Kind: fs.ErrNotExist})
	fmt.Println(err)
	fmt.Println(errors.Is(err, fs.ErrNotExist), errors.Is(err, ltxstore.ErrStoreNotFound))
	// Output:
	// s3: open db/ltx/0000/1.ltx: file does not exist
	// true false
}

func ExampleIsRetryable() {
	for _, kind := range []error{ltxstore.ErrThrottled, ltxstore.ErrUnavailable, fs.ErrPermission, ltxstore.ErrChecksum} {
		err := &ltxstore.Error{Op: "write", Backend: "s3", Kind: kind}
		fmt.Printf("%-24v %v\n", kind, ltxstore.IsRetryable(err))
	}
	// Output:
	// throttled by the store   true
	// store unavailable        true
	// permission denied        false
	// content is corrupt       false
}

func ExampleRetry() {
	retry := ltxstore.Retry{MaxAttempts: 5}
	fmt.Printf("%+v\n", retry.WithDefaults())
	fmt.Println(ltxstore.Retry{BaseDelay: time.Minute}.Validate())
	// Output:
	// {MaxAttempts:5 BaseDelay:100ms MaxDelay:20s}
	// Retry.BaseDelay is 1m0s: want at most Retry.MaxDelay, 20s: invalid argument
}
