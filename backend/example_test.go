package backend_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/backend"
)

// The keys of a replica, and what the files are that a listing has found.
func ExampleNewKeys() {
	keys, err := backend.NewKeys(ltxstore.LayoutDefault, "/backups/app.db/")
	if err != nil {
		fmt.Println(err)
		return
	}
	key := keys.File(0, 1, 16)
	fmt.Println(key)
	fmt.Println(keys.Parse(key))
	_, _, _, ok := keys.Parse(key + ".tmp")
	fmt.Println(ok)
	// Output:
	// backups/app.db/ltx/0000/0000000000000001-0000000000000010.ltx
	// 0 0000000000000001 0000000000000010 true
	// false
}

// A listing of two pages, from transaction 2 on.
func ExampleNewPageIterator() {
	pages := [][]ltx.FileInfo{
		{{MinTXID: 1, MaxTXID: 1, Size: 500}, {MinTXID: 2, MaxTXID: 2, Size: 600}},
		{{MinTXID: 3, MaxTXID: 4, Size: 700}},
	}
	files := backend.NewPageIterator(context.Background(), func(context.Context) ([]ltx.FileInfo, bool, error) {
		page := pages[0]
		pages = pages[1:]
		return page, len(pages) > 0, nil
	}, backend.PageOptions{Seek: 2})
	for files.Next() {
		fmt.Println(files.Item().MinTXID, files.Item().MaxTXID, files.Item().Size)
	}
	fmt.Println(files.Close())
	// Output:
	// 0000000000000002 0000000000000002 600
	// 0000000000000003 0000000000000004 700
	// <nil>
}

// The error of a setting names it, the value and what would be right.
func ExampleInvalid() {
	err := backend.Invalid("kv", "init", "PartSize", -1, "want 0 (default) or more")
	fmt.Println(err)
	fmt.Println(errors.Is(err, fs.ErrInvalid))
	// Output:
	// kv: init: invalid argument: PartSize is -1: want 0 (default) or more
	// true
}
