package crypt

import (
	"bytes"
	"io"
	"testing"

	"filippo.io/age"
	"github.com/stretchr/testify/require"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/mock"
	"github.com/ltxstore/ltxstore/wrap/internal/layer"
)

// What begins a file is the header that was written, or ErrChecksum.
func FuzzHeader(f *testing.F) {
	const secret = "AGE-SECRET-KEY-1GFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPQ4EGAEX" // the same in all processes
	id, err := age.ParseX25519Identity(secret)
	require.NoError(f, err)
	b := binding{testFile, 1700000000123}
	r, err := age.EncryptReader(bytes.NewReader([]byte("body")), &recipients{[]age.Recipient{id.Recipient()}, b})
	require.NoError(f, err)
	file, err := io.ReadAll(r)
	require.NoError(f, err)
	f.Add(file)
	f.Add(file[:chunksStart])
	f.Add(file[:headerSize])
	f.Add(file[:100])
	f.Add([]byte("age-encryption.org/v1\n-> X25519 a\n"))
	s, err := Config{Identities: []Identity{secret}}.open("mock", layer.Next{Client: mock.NewReplicaClient(mock.Config{})})
	require.NoError(f, err)
	f.Fuzz(func(t *testing.T, start []byte) {
		k, err := s.unlock(testFile, bytes.NewReader(start))
		if err != nil {
			require.ErrorIs(t, err, ltxstore.ErrChecksum)
			return
		}
		require.Equal(t, b, k.binding)
		header, err := age.ExtractHeader(bytes.NewReader(start))
		require.NoError(t, err)
		require.Equal(t, string(header), string(start[:headerSize]))
	})
}
