package s3

import (
	"bytes"
	"io"
	"io/fs"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/internal/testkit/s3fake"
)

// A client without signature and checksum of bodies reads, and writes nothing.
func TestUnsignedReads(t *testing.T) {
	onceBodies(func(body []byte, open func([]byte) io.Reader, _ string) {
		w := newWriteBench(t, s3fake.Options{}, func(r *replica) { r.cfg.SignPayload, r.cfg.ChecksumAlgorithm = new(bool), checksumNone })
		w.server.Put("bucket", writeKey, body)
		r, err := w.OpenLTXFile(t.Context(), 0, 1, 1, 0, 0)
		require.NoError(t, err)
		read, err := io.ReadAll(r)
		require.NoError(t, err)
		require.NoError(t, r.Close())
		assert.Equal(t, body, read)

		_, err = w.write(t, open(bytes.ToUpper(body)))
		require.ErrorIs(t, err, fs.ErrInvalid)
		assert.ErrorContains(t, err, "SignPayload is false: want true, a ChecksumAlgorithm")
		assert.False(t, ltxstore.IsRetryable(err))
		var e *ltxstore.Error
		require.ErrorAs(t, err, &e)
		assert.Equal(t, "write", e.Op)
		w.holds(t, body)
	})
}
