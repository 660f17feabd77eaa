package transport_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/backend/transport"
)

func TestCheckBundle(t *testing.T) {
	assert.NoError(t, transport.CheckBundle("s3", "CABundle", ""))
	empty := filepath.Join(t.TempDir(), "ca.pem")
	require.NoError(t, os.WriteFile(empty, nil, 0o600))
	for _, bundle := range []string{empty, empty + ".none"} {
		err := transport.CheckBundle("s3", "CABundle", bundle)
		assert.ErrorIs(t, err, fs.ErrInvalid)
		assert.NotErrorIs(t, err, fs.ErrNotExist)
		var failed *ltxstore.Error
		require.ErrorAs(t, err, &failed)
		assert.Equal(t, []string{"init", "s3", "CABundle"}, []string{failed.Op, failed.Backend, failed.Field})
		assert.ErrorContains(t, err, "want a file with PEM certificates: CA bundle: ")
	}
}
