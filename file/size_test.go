package file

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/internal/ltxio"
)

// A file that the kernel copies and that is cut, or goes on, meanwhile is not
// stored: neither in place of an older one nor as a new one.
func TestWriteOfAFileThatChangesItsSize(t *testing.T) {
	const size = 5000
	for _, changed := range []int64{0, size - 1, size + 1} {
		for _, over := range []bool{false, true} {
			root := t.TempDir()
			c := newClient(t, Config{Path: root})
			older := body(t, 1, 1, 200, epoch, 1)
			if over {
				write(t, c, 0, 1, 1, older)
			}
			path := filepath.Join(t.TempDir(), "body")
			require.NoError(t, os.WriteFile(path, body(t, 1, 1, size, epoch, 0), 0o600))
			c.disk.fsys = &scriptFS{before: func(op, _ string) error {
				if op == "readFrom" {
					return os.Truncate(path, changed)
				}
				return nil
			}}
			src, err := os.Open(path)
			require.NoError(t, err)
			defer src.Close()
			_, err = c.WriteLTXFile(t.Context(), 0, 1, 1, src)
			var wrong *ltxio.SizeError
			require.ErrorAs(t, err, &wrong)
			assert.Equal(t, ltxio.SizeError{Told: size, Read: changed}, *wrong)
			assert.False(t, ltxstore.IsRetryable(err), "the next attempt would store what is left")
			assert.Empty(t, temps(t, root))
			if over {
				assert.Equal(t, older, read(t, c, 0, 1, 1))
			} else {
				assert.Empty(t, files(t, root))
			}
		}
	}
}
