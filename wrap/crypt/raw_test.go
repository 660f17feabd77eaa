package crypt_test

import (
	"bytes"
	"context"
	"io"
	"testing"
	"testing/iotest"

	"filippo.io/age"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/mock"
	"github.com/ltxstore/ltxstore/wrap/crypt"
)

// A file that Litestream v0.3 has encrypted is decrypted, and another is as it is.
func TestOpenRaw(t *testing.T) {
	identity, err := age.GenerateX25519Identity()
	require.NoError(t, err)
	var sealed bytes.Buffer
	w, err := age.Encrypt(&sealed, identity.Recipient())
	require.NoError(t, err)
	want := bytes.Repeat([]byte("0123456789"), 20000)
	_, err = w.Write(want)
	require.NoError(t, err)
	require.NoError(t, w.Close())
	next := &mock.ReplicaClient{}
	next.SetLogger(nil)
	damaged := bytes.Clone(sealed.Bytes())
	damaged[len(damaged)-1] ^= 1
	next.Store().Put("sealed", mock.Object{Body: sealed.Bytes()})
	next.Store().Put("plain", mock.Object{Body: want})
	next.Store().Put("damaged", mock.Object{Body: damaged})
	c := crypt.New(next, crypt.Config{Identities: []crypt.Identity{crypt.Identity(identity.String())}})
	read := func(name string, offset, size int64) ([]byte, error) {
		rc, err := c.OpenRaw(t.Context(), name, offset, size)
		if err != nil {
			return nil, err
		}
		defer rc.Close()
		return io.ReadAll(rc)
	}
	for _, name := range []string{"sealed", "plain"} {
		got, err := read(name, 0, 0)
		require.NoError(t, err)
		assert.True(t, bytes.Equal(want, got), name)
		got, err = read(name, 70001, 5)
		require.NoError(t, err)
		assert.Equal(t, "12345", string(got), name)
	}
	_, err = read("damaged", 0, 0)
	assert.ErrorIs(t, err, ltxstore.ErrChecksum)
	got, err := read("sealed", 300_000, 0)
	require.NoError(t, err)
	assert.Empty(t, got, "past the end")
	next.Store().Put("short", mock.Object{Body: []byte("age")})
	got, err = read("short", 0, 0)
	require.NoError(t, err)
	assert.Equal(t, "age", string(got))

	// A transfer that breaks fails as it did.
	for _, n := range []int{0, 10, 500} {
		for _, offset := range []int64{0, 70001} {
			c := crypt.New(breaking{next, sealed.Bytes()[:n]}, crypt.Config{Identities: []crypt.Identity{crypt.Identity(identity.String())}})
			rc, err := c.OpenRaw(t.Context(), "sealed", offset, 0)
			if err == nil {
				_, err = io.ReadAll(rc)
			}
			assert.ErrorIs(t, err, ltxstore.ErrUnavailable, "%d bytes, from %d", n, offset)
			assert.NotErrorIs(t, err, ltxstore.ErrChecksum, "%d bytes, from %d", n, offset)
		}
	}
}

// breaking is a client of which a transfer breaks after some bytes.
type breaking struct {
	*mock.ReplicaClient
	before []byte
}

func (c breaking) OpenRaw(context.Context, string, int64, int64) (io.ReadCloser, error) {
	err := &ltxstore.Error{Op: "read", Backend: "mock", Kind: ltxstore.ErrUnavailable}
	return io.NopCloser(io.MultiReader(bytes.NewReader(c.before), iotest.ErrReader(err))), nil
}
