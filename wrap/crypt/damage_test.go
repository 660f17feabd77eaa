package crypt_test

import (
	"bytes"
	"io/fs"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/internal/testkit/wraptest"
	"github.com/ltxstore/ltxstore/mock"
	"github.com/ltxstore/ltxstore/wrap/crypt"
)

// A damaged recipient is told from somebody else's by the checksum that is in the
// header, with and without an identity of the file.
func TestDamagedRecipient(t *testing.T) {
	r := newReplica(t)
	wraptest.Write(t, r.client(r.config()), 1, noise(100))
	stored := r.stored(t, 1)
	cfg := r.config()
	cfg.Identities = []crypt.Identity{crypt.Identity(newIdentity(t).String())}
	for what, c := range map[string]*crypt.Client{"its identity": r.client(r.config()), "another": r.client(cfg)} {
		for i := bytes.Index(stored, []byte("X25519")); i < bytes.Index(stored, []byte("ltxstore-v1"))-len("\n-> "); i++ {
			damaged := bytes.Clone(stored)
			damaged[i] ^= 1
			r.Put(r.key(1), mock.Object{Body: damaged})
			_, err := wraptest.Read(t.Context(), c, 1, 0, 0)
			require.ErrorIs(t, err, ltxstore.ErrChecksum, "%s, byte %d", what, i)
			require.NotErrorIs(t, err, fs.ErrPermission)
		}
	}
	r.Put(r.key(1), mock.Object{Body: stored})
	_, err := wraptest.Read(t.Context(), r.client(cfg), 1, 0, 0)
	assert.ErrorIs(t, err, fs.ErrPermission)
	assert.NotErrorIs(t, err, ltxstore.ErrChecksum)
}

// What is no file of age is said so, by its first bytes.
func TestNotEncrypted(t *testing.T) {
	r := newReplica(t)
	c := r.client(r.config())
	for stored, want := range map[string]string{
		"LTX1 is not encrypted":                      "file is not encrypted with age",
		"-----BEGIN AGE ENCRYPTED FILE-----\nYWdl\n": "file is not encrypted with age",
		"age-encryption.org/v2\n-> X25519 a\n":       "file is not encrypted with age",
		"age-encryption.org/v1\nno stanza\n":         "age header",
	} {
		r.Put(r.key(1), mock.Object{Body: []byte(stored)})
		_, err := wraptest.Read(t.Context(), c, 1, 0, 0)
		assert.ErrorIs(t, err, ltxstore.ErrChecksum)
		assert.ErrorContains(t, err, want)
	}
}

// Damage that a second read could not repair costs none: a file that is cut off in its
// header and read whole, and a damaged header where a range is read.
func TestRequestsOfDamage(t *testing.T) {
	r := newReplica(t)
	wraptest.Write(t, r.client(r.config()), 1, noise(100))
	stored := r.stored(t, 1)
	damaged := bytes.Clone(stored)
	damaged[bytes.Index(stored, []byte("X25519"))+10] ^= 1
	for name, tt := range map[string]struct {
		body []byte
		size int64
	}{"cut off": {stored[:1000], 0}, "damaged": {damaged, 10}} {
		r.Put(r.key(1), mock.Object{Body: tt.body})
		before := r.Requests()
		_, err := wraptest.Read(t.Context(), r.client(r.config()), 1, 0, tt.size)
		assert.ErrorIs(t, err, ltxstore.ErrChecksum, name)
		assert.EqualValues(t, 1, r.Requests()-before, name)
	}
}

// A listing fails as a read of it does, and without metadata lists a file of unknown form as
// it is stored.
func TestListingOfDamage(t *testing.T) {
	r := newReplica(t)
	wraptest.Write(t, r.client(r.config()), 1, noise(1000))
	next := mock.NewReplicaClient(mock.Config{Store: r.Store})
	next.SetLogger(nil)
	list := func(metadata bool) ([]*ltx.FileInfo, error) {
		return ltxstore.FindLTXFiles(t.Context(), crypt.New(next, r.config()), 0, metadata, func(*ltx.FileInfo) (bool, error) { return true, nil })
	}
	for _, op := range []mock.Op{mock.OpOpen, mock.OpRead} {
		require.NoError(t, next.Inject(mock.Fault{Op: op, Nth: 1, Err: ltxstore.ErrUnavailable}))
		_, err := list(true)
		assert.ErrorIs(t, err, ltxstore.ErrUnavailable, op)
	}
	infos, err := list(true)
	require.NoError(t, err)
	assert.EqualValues(t, 1000, infos[0].Size)
	for _, stored := range [][]byte{noise(100), r.stored(t, 1)[:4096+16+16]} { // the latter has the size of an empty one
		r.Put(r.key(1), mock.Object{Body: stored})
		infos, err = list(false)
		require.NoError(t, err)
		assert.EqualValues(t, len(stored), infos[0].Size)
	}
	_, err = list(true)
	require.NoError(t, err, "only the header is read")
	r.Put(r.key(1), mock.Object{Body: r.stored(t, 1)[:4096+16]})
	_, err = list(true)
	assert.ErrorIs(t, err, ltxstore.ErrChecksum)
}

// What another process has replaced is listed with its own size.
func TestReplacedFileIsListed(t *testing.T) {
	r := newReplica(t)
	c := r.client(r.config())
	for _, size := range []int{100, 200} {
		wraptest.Write(t, map[bool]*crypt.Client{true: c, false: r.client(r.config())}[size == 100], 1, noise(size))
		assert.EqualValues(t, size, wraptest.List(t, c, false)[0].Size)
	}
}
