//go:build unix

package file

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore"
)

// ordinary is a user whom rights apply to, unlike root.
const ordinary = 65534

// TestOrdinaryUser has a child without the rights of root meet directories that
// it may not read, search or write.
func TestOrdinaryUser(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.Chmod(filepath.Dir(dir), 0o755))
	if os.Getuid() == 0 {
		require.NoError(t, os.Chown(dir, ordinary, ordinary))
	}
	exe, err := os.Executable()
	require.NoError(t, err)
	cmd := exec.Command(exe)
	cmd.Env = append(os.Environ(), childUser+"="+dir)
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", out)
}

func asOrdinaryUser(dir string) int {
	if os.Getuid() == 0 {
		if err := errors.Join(syscall.Setgroups(nil), syscall.Setgid(ordinary), syscall.Setuid(ordinary)); err != nil {
			fmt.Println("drop the rights of root:", err)
			return 1
		}
	}
	code := 0
	for _, locked := range []string{".", "ltx", "ltx/0001", "snapshots"} {
		for _, mode := range []fs.FileMode{0, 0o111, 0o333, 0o444, 0o555, 0o666} {
			root := filepath.Join(dir, fmt.Sprintf("%s-%o", filepath.Base(locked), mode))
			if err := meetLocked(root, filepath.Join(root, locked), mode); err != nil {
				fmt.Printf("%s with mode %o: %v\n", locked, mode, err)
				code = 1
			}
		}
	}
	return code
}

// meetLocked makes a replica, takes rights off one of its directories, and holds
// every method to what is there then.
func meetLocked(root, locked string, mode fs.FileMode) error {
	ctx := context.Background()
	cfg := Config{Path: root, Logger: slog.New(slog.DiscardHandler)}
	writer := NewReplicaClient(cfg)
	defer writer.Close()
	levels := []int{0, 1, 9}
	for _, level := range levels {
		b, err := makeBody(1, 1, 200, epoch, 0)
		if err != nil {
			return err
		}
		if _, err := writer.WriteLTXFile(ctx, level, 1, 1, readerOf(b)); err != nil {
			return err
		}
	}
	if err := os.Chmod(locked, mode); err != nil {
		return err
	}
	c := NewReplicaClient(cfg)
	defer c.Close()
	var wrong []error
	check := func(what string, whole bool, err error) {
		switch {
		case err == nil && !whole:
			wrong = append(wrong, fmt.Errorf("%s: success without all files", what))
		case err != nil && (!errors.Is(err, fs.ErrPermission) || errors.Is(err, fs.ErrNotExist) || ltxstore.IsRetryable(err)):
			wrong = append(wrong, fmt.Errorf("%s: want fs.ErrPermission alone: %w", what, err))
		}
	}
	for _, level := range levels {
		for _, headers := range []bool{false, true} {
			found, err := list(ctx, c, level, 0, headers)
			check("list", len(found) == 1, err)
		}
		r, err := c.OpenLTXFile(ctx, level, 1, 1, 0, 0)
		if err == nil {
			err = r.Close()
		}
		check("open", true, err)
	}
	found, err := c.LTXLevels(ctx)
	check("levels", slices.Equal(found, levels), err)

	deleted := c.DeleteLTXFiles(ctx, []*ltx.FileInfo{{Level: 0, MinTXID: 1, MaxTXID: 1}})
	all := c.DeleteAll(ctx)
	if err := os.Chmod(locked, 0o755); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	_, gone := os.Stat(filepath.Join(root, "ltx", "0000", ltx.FormatFilename(1, 1)))
	check("delete", gone != nil, deleted)
	left, err := os.ReadDir(root)
	check("delete all", err == nil && len(left) == 0, all)

	again := NewReplicaClient(cfg)
	defer again.Close()
	if err := again.DeleteAll(ctx); err != nil {
		wrong = append(wrong, fmt.Errorf("delete all, with all rights: %w", err))
	}
	if left, err := os.ReadDir(root); err != nil || len(left) > 0 {
		wrong = append(wrong, fmt.Errorf("after all %v is left, %v", left, err))
	}
	return errors.Join(wrong...)
}
