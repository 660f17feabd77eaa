package restore_test

import (
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ltxstore/ltxstore/restore"
)

// A database that is written by a function appears whole, or not at all.
func TestFile(t *testing.T) {
	content := func(f *os.File) error {
		_, err := f.WriteAt([]byte("new"), 0)
		return err
	}
	ended, cancel := context.WithCancelCause(t.Context())
	cancel(errInjected)
	for name, tt := range map[string]struct {
		ctx   context.Context
		old   bool
		cfg   restore.Config
		write func(*os.File) error
		fails error
		says  string // after the path; empty: the error is that of write
	}{
		"new":           {},
		"replaced":      {old: true, cfg: restore.Config{Overwrite: true}},
		"kept":          {old: true, fails: fs.ErrExist, says: "file already exists"},
		"configuration": {cfg: restore.Config{Concurrency: -1}, fails: fs.ErrInvalid, says: "Concurrency"},
		"checked":       {cfg: restore.Config{Check: func(context.Context, string) error { return errInjected }}, fails: errInjected, says: "check: injected"},
		"write fails":   {write: func(*os.File) error { return errInjected }, fails: errInjected},
		"closed":        {write: func(f *os.File) error { return f.Close() }, fails: os.ErrClosed, says: "closed"},
		"ended":         {ctx: ended, fails: context.Canceled, says: "injected"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			path, want := filepath.Join(dir, "db"), "new"
			if tt.old {
				want = "old"
				require.NoError(t, os.WriteFile(path, []byte("old"), 0o600))
			}
			if tt.ctx == nil {
				tt.ctx = t.Context()
			}
			if tt.write == nil {
				tt.write = content
			}
			err := restore.File(tt.ctx, path, tt.cfg, tt.write)
			switch {
			case tt.fails == nil:
				require.NoError(t, err)
				want = "new"
			case tt.says == "":
				require.Equal(t, tt.fails, err)
			default:
				require.ErrorIs(t, err, tt.fails)
				require.ErrorContains(t, err, "restore "+path+": ")
				require.ErrorContains(t, err, tt.says)
			}
			if tt.fails != nil && !tt.old {
				nothingBut(t, dir)
				return
			}
			got, err := os.ReadFile(path)
			require.NoError(t, err)
			assert.Equal(t, want, string(got))
			nothingBut(t, dir, "db")
		})
	}
}
