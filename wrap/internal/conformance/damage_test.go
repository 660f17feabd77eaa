package conformance_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"testing"
	"time"

	"filippo.io/age"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/internal/testkit/ltxmodel"
	"github.com/ltxstore/ltxstore/internal/testkit/race"
	"github.com/ltxstore/ltxstore/mock"
	"github.com/ltxstore/ltxstore/testing/replicatest"
	"github.com/ltxstore/ltxstore/wrap/compress"
	"github.com/ltxstore/ltxstore/wrap/crypt"
)

// damages yields every truncation of a file but to nothing, and the file with each of
// its bytes changed: to those of changes, by exclusive or.
func damages(file []byte, changes ...byte) iter.Seq2[string, []byte] {
	return func(yield func(string, []byte) bool) {
		for n := 1; n < len(file); n++ {
			if !yield(fmt.Sprintf("cut to %d bytes", n), file[:n]) {
				return
			}
		}
		for n := range file {
			for _, change := range changes {
				flipped := bytes.Clone(file)
				flipped[n] ^= change
				if !yield(fmt.Sprintf("byte %d of %d xor %#x", n, len(file), change), flipped) {
					return
				}
			}
		}
	}
}

// Whatever byte of a stored file is changed, and wherever it is cut off: reading it, and
// listing it with metadata, is ErrChecksum, and a range is right or ErrChecksum.
func TestDamage(t *testing.T) {
	identity, err := age.GenerateX25519Identity()
	require.NoError(t, err)
	hybrid, err := age.GenerateHybridIdentity()
	require.NoError(t, err)
	compressed := func(next ltxstore.ReplicaClient) ltxstore.ReplicaClient {
		return compress.New(next, compress.Config{FrameSize: 4 << 10, CacheSize: 1})
	}
	encrypted := func(next ltxstore.ReplicaClient) ltxstore.ReplicaClient {
		return crypt.New(next, crypt.Config{Recipients: []string{identity.Recipient().String()},
			Identities: []crypt.Identity{crypt.Identity(identity.String())}, CacheSize: 1})
	}
	toHybrid := func(next ltxstore.ReplicaClient) ltxstore.ReplicaClient {
		return crypt.New(next, crypt.Config{Recipients: []string{hybrid.Recipient().String()},
			Identities: []crypt.Identity{crypt.Identity(hybrid.String())}, CacheSize: 1})
	}
	small := ltxmodel.New(1, 2).File(1, 1)
	large := replicatest.NewLTXFile(1, 1, time.UnixMilli(1), 4)
	bits := []byte{1, 2, 4, 8, 16, 32, 64, 128, 255}
	for name, tt := range map[string]struct {
		wrap    func(ltxstore.ReplicaClient) ltxstore.ReplicaClient
		body    []byte
		changes []byte
	}{
		"compress":                {compressed, small, bits[:2]},
		"compress, other content": {compressed, []byte("(not LTX"), bits},
		"compress, several":       {compressed, large, bits[:1]},
		"crypt":                   {encrypted, small, bits[4:5]},
		"crypt, other content":    {encrypted, []byte("x"), bits[:1]},
		"crypt to hybrid":         {toHybrid, []byte("x"), bits[:1]},
		"compress in crypt":       {func(next ltxstore.ReplicaClient) ltxstore.ReplicaClient { return compressed(encrypted(next)) }, []byte("x"), bits[:1]},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			store := mock.NewStore()
			next := mock.NewReplicaClient(mock.Config{Store: store})
			next.SetLogger(nil)
			c := tt.wrap(next)
			_, err := c.WriteLTXFile(t.Context(), 0, 1, 1, bytes.NewReader(tt.body))
			require.NoError(t, err)
			key := store.Keys()[0]
			stored, ok := store.Get(key)
			require.True(t, ok)
			sampled := race.OneOf(16)
			for damage, file := range damages(stored.Body, tt.changes...) {
				if !sampled() {
					continue
				}
				store.Put(key, mock.Object{Body: file})
				next.ResetCalls() // which would be kept
				_, err := readRange(t, c, 0, 0)
				require.ErrorIs(t, err, ltxstore.ErrChecksum, damage)
				require.NotErrorIs(t, err, fs.ErrPermission, damage)
				_, err = ltxstore.FindLTXFiles(t.Context(), c, 0, true, func(*ltx.FileInfo) (bool, error) { return true, nil })
				if err != nil { // what is in the middle of a file is not looked at
					require.ErrorIs(t, err, ltxstore.ErrChecksum, damage)
				}
				at := len(tt.body) / 2
				got, err := readRange(t, c, int64(at), 1)
				if err == nil {
					require.Equal(t, tt.body[at:at+1], got, damage)
				} else {
					require.ErrorIs(t, err, ltxstore.ErrChecksum, damage)
				}
			}
			store.Put(key, mock.Object{})
			_, err = readRange(t, c, 0, 0)
			assert.ErrorIs(t, err, fs.ErrNotExist, "cut to nothing")
		})
	}
}

func readRange(t *testing.T, c ltxstore.ReplicaClient, offset, size int64) ([]byte, error) {
	rc, err := c.OpenLTXFile(t.Context(), 0, 1, 1, offset, size)
	if err != nil {
		return nil, err
	}
	got, err := io.ReadAll(rc)
	return got, errors.Join(err, rc.Close())
}
