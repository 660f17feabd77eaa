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

	// Without a checksum, as the age program writes, nobody can tell.
	for _, without := range [][]byte{
		byAge(t, noise(100), r.id.Recipient()),
		bytes.Replace(stored, stored[bytes.Index(stored, []byte(" - "))+3:][:8], []byte("00000000"), 1),
	} {
		at := bytes.Index(without, []byte("X25519")) + 10
		without[at] = map[bool]byte{true: 'B', false: 'A'}[without[at] == 'A'] // another digit
		r.Put(r.key(1), mock.Object{Body: without})
		_, err = wraptest.Read(t.Context(), r.client(r.config()), 1, 0, 0)
		assert.ErrorIs(t, err, fs.ErrPermission)
	}
}

// What is no file of age is said so, by its first bytes.
func TestNotEncrypted(t *testing.T) {
	r := newReplica(t)
	c := r.client(r.config())
	for stored, want := range map[string]string{
		"LTX1 is not encrypted":                      "file is not encrypted with age",
		"-----BEGIN AGE ENCRYPTED FILE-----\nYWdl\n": "file is in age's text form",
		"age-encryption.org/v2\n-> X25519 a\n":       "file is not encrypted with age",
		"age-encryption.org/v1\nno stanza\n":         "file is cut off in its age header",
	} {
		r.Put(r.key(1), mock.Object{Body: []byte(stored)})
		_, err := wraptest.Read(t.Context(), c, 1, 0, 0)
		assert.ErrorIs(t, err, ltxstore.ErrChecksum)
		assert.ErrorContains(t, err, want)
	}
}

func TestLargestHeader(t *testing.T) {
	r := newReplica(t)
	cfg := r.config()
	cfg.HeaderSize = 64 << 10
	c := r.client(cfg)
	wraptest.Write(t, c, 1, noise(100))
	got, err := wraptest.Read(t.Context(), c, 1, 0, 0)
	require.NoError(t, err)
	assert.Equal(t, noise(100), got)
	cfg.HeaderSize++
	assert.ErrorIs(t, r.client(cfg).Init(t.Context()), fs.ErrInvalid)
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

// A listing fails as a read of it does, and lists a file of unknown form as it is stored.
func TestListingOfDamage(t *testing.T) {
	r := newReplica(t)
	r.Put(r.key(1), mock.Object{Body: byAge(t, noise(1000), r.id.Recipient())})
	next := mock.NewReplicaClient(mock.Config{Store: r.Store})
	next.SetLogger(nil)
	mixed := r.config()
	mixed.MixedHeaders = true
	list := func(cfg crypt.Config, metadata bool) ([]*ltx.FileInfo, error) {
		return ltxstore.FindLTXFiles(t.Context(), crypt.New(next, cfg), 0, metadata, func(*ltx.FileInfo) (bool, error) { return true, nil })
	}
	for _, tt := range []struct {
		cfg      crypt.Config
		metadata bool
		reads    int
	}{{mixed, false, 1}, {r.config(), true, 2}} {
		for _, op := range []mock.Op{mock.OpOpen, mock.OpRead} {
			for nth := 1; nth <= tt.reads; nth++ {
				require.NoError(t, next.Inject(mock.Fault{Op: op, Nth: nth, Err: ltxstore.ErrUnavailable}))
				_, err := list(tt.cfg, tt.metadata)
				assert.ErrorIs(t, err, ltxstore.ErrUnavailable, "%s %d", op, nth)
			}
		}
		infos, err := list(tt.cfg, tt.metadata)
		require.NoError(t, err)
		assert.EqualValues(t, 1000, infos[0].Size)
	}
	r.Put(r.key(1), mock.Object{Body: noise(5000)})
	infos, err := list(mixed, false)
	require.NoError(t, err)
	assert.EqualValues(t, 5000, infos[0].Size)
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
