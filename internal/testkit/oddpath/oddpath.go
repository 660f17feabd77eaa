// Package oddpath checks that a backend uses a replica's path unchanged, even with
// characters that have a meaning in URLs, XML, shells and query strings.
package oddpath

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"testing"
	"time"

	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/testing/replicatest"
)

// Paths are pairs of paths that could be mistaken for each other.
var Paths = [][2]string{
	{"a b/c", "a+b/c"},
	{"a%20b", "a b"},
	{"100%", "100%25"},
	{"a%2Fb", "a/b"},
	{"q?x=1&y#z", "q"},
	{"ü/日本", "u/日本"},
	{"'\"<&>", "'\"<&amp;>"},
	{"~!$()*,;=:@[]^`{|}", "~!$()*,;=:@"},
	{"dot.", "dot"},
	{"back\\slash", "back/slash"},
}

// Check writes, lists, reads and deletes in both paths of each pair. size is that of
// files for which the backend needs more than one request. The paths in refused must be
// errors of Init.
func Check(t *testing.T, size int, open func(path string) ltxstore.ReplicaClient, refused ...string) {
	for _, pair := range Paths {
		t.Run(pair[0], func(t *testing.T) {
			first, second := open(pair[0]), open(pair[1])
			defer ltxstore.Close(first)
			defer ltxstore.Close(second)
			if slices.Contains(refused, pair[0]) {
				if err := ltxstore.Init(t.Context(), first); !errors.Is(err, fs.ErrInvalid) {
					t.Errorf("Init returned %v: want fs.ErrInvalid", err)
				}
				return
			}
			for _, of := range [][2]ltxstore.ReplicaClient{{first, second}, {second, first}} {
				if err := beside(t.Context(), of[0], of[1], size); err != nil {
					t.Error(err)
				}
			}
		})
	}
}

// beside plays with c while other has a file.
func beside(ctx context.Context, c, other ltxstore.ReplicaClient, size int) error {
	if err := write(ctx, other, 9, replicatest.NewLTXFile(9, 9, at(), 1)); err != nil {
		return err
	}
	if err := play(ctx, c, size); err != nil {
		return err
	}
	if _, err := list(ctx, other, 0, 1); err != nil {
		return fmt.Errorf("the other path: %w", err)
	}
	return other.DeleteAll(ctx)
}

func play(ctx context.Context, c ltxstore.ReplicaClient, size int) error {
	if _, err := list(ctx, c, 0, 0); err != nil {
		return err
	}
	large := replicatest.NewLTXFile(1, 1, at(), 1+size/4096)
	for id, body := range map[ltx.TXID][]byte{1: large, 2: replicatest.NewLTXFile(2, 2, at(), 1), 3: replicatest.NewLTXFile(3, 3, at(), 1)} {
		if err := write(ctx, c, id, body); err != nil {
			return err
		}
	}
	if _, err := list(ctx, c, 3, 1); err != nil {
		return err
	}
	files, err := list(ctx, c, 0, 3)
	if err != nil {
		return err
	}
	if files[0].Size != int64(len(large)) || !files[2].CreatedAt.Equal(at()) {
		return fmt.Errorf("listed %v and %v", files[0], files[2])
	}
	if levels, err := ltxstore.Levels(ctx, c); err != nil || !slices.Contains(levels, 0) {
		return fmt.Errorf("levels are %v, %w", levels, err)
	}
	r, err := c.OpenLTXFile(ctx, 0, 1, 1, 10, int64(len(large)))
	if err != nil {
		return err
	}
	defer r.Close()
	if got, err := io.ReadAll(r); err != nil || !bytes.Equal(large[10:], got) {
		return fmt.Errorf("read %d other bytes, %w", len(got), err)
	}
	if err := c.DeleteLTXFiles(ctx, files[:2]); err != nil {
		return err
	}
	if _, err := list(ctx, c, 0, 1); err != nil {
		return err
	}
	if err := c.DeleteAll(ctx); err != nil {
		return err
	}
	_, err = list(ctx, c, 0, 0)
	return err
}

// at returns the time of all files.
func at() time.Time { return time.UnixMilli(1e12).UTC() }

func write(ctx context.Context, c ltxstore.ReplicaClient, id ltx.TXID, body []byte) error {
	_, err := c.WriteLTXFile(ctx, 0, id, id, bytes.NewReader(body))
	return err
}

// list returns the files from seek on, of which there must be want.
func list(ctx context.Context, c ltxstore.ReplicaClient, seek ltx.TXID, want int) (files []*ltx.FileInfo, err error) {
	it, err := c.LTXFiles(ctx, 0, seek, true)
	if err != nil {
		return nil, err
	}
	for it.Next() {
		files = append(files, it.Item())
	}
	if err := it.Close(); err != nil {
		return nil, err
	}
	if len(files) != want {
		return nil, fmt.Errorf("%d files from %s on: want %d", len(files), seek, want)
	}
	return files, nil
}
