package ltxstore_test

import (
	"io/fs"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore"
)

// An argument that may not be nil is an error that names it, not a panic.
func TestNilArguments(t *testing.T) {
	ctx := t.Context()
	client := &fakeClient{}
	info := &ltx.FileInfo{Size: 1 << 20}
	all := func(*ltx.FileInfo) (bool, error) { return true, nil }
	for name, call := range map[string]func() error{
		"find: client": func() error {
			_, err := ltxstore.FindLTXFiles(ctx, nil, 0, false, all)
			return err
		},
		"find: filter": func() error {
			_, err := ltxstore.FindLTXFiles(ctx, client, 0, false, nil)
			return err
		},
		"header: client": func() error { _, err := ltxstore.FetchLTXHeader(ctx, nil, info); return err },
		"header: info":   func() error { _, err := ltxstore.FetchLTXHeader(ctx, client, nil); return err },
		"index: client":  func() error { _, err := ltxstore.FetchPageIndex(ctx, nil, info); return err },
		"index: info":    func() error { _, err := ltxstore.FetchPageIndex(ctx, client, nil); return err },
		"page: client": func() error {
			_, _, err := ltxstore.FetchPage(ctx, nil, 0, 1, 1, ltx.HeaderSize, 100)
			return err
		},
		"layout: newClient": func() error { _, _, err := ltxstore.FindLayout(ctx, nil); return err },
		"layout: client": func() error {
			_, _, err := ltxstore.FindLayout(ctx, func(ltxstore.Layout) (ltxstore.ReplicaClient, error) { return nil, nil })
			return err
		},
		"init: client": func() error { return ltxstore.Init(ctx, nil) },
	} {
		t.Run(name, func(t *testing.T) {
			var err error
			assert.NotPanics(t, func() { err = call() })
			assert.ErrorIs(t, err, fs.ErrInvalid)
			_, argument, _ := strings.Cut(name, ": ")
			assert.ErrorContains(t, err, argument+" is <nil>: want ")
		})
	}
	assert.NoError(t, ltxstore.Close(nil))
	_, ok := ltxstore.As[ltxstore.Initializer](nil)
	assert.False(t, ok)
}
