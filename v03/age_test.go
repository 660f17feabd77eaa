package v03_test

import (
	"bytes"
	"errors"
	"io/fs"
	"strings"
	"testing"

	"filippo.io/age"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/mock"
	"github.com/ltxstore/ltxstore/restore"
	"github.com/ltxstore/ltxstore/v03"
	"github.com/ltxstore/ltxstore/wrap/crypt"
)

func newIdentity(t testing.TB) *age.X25519Identity {
	t.Helper()
	id, err := age.GenerateX25519Identity()
	require.NoError(t, err)
	return id
}

// seal encrypts the files that which selects, as v0.3 does with recipients: what LZ4 has
// made of them.
func (r *replica) seal(to age.Recipient, which func(i int, key string) bool) {
	r.t.Helper()
	for i, key := range r.store.Keys() {
		if !which(i, key) {
			continue
		}
		o, ok := r.store.Get(key)
		require.True(r.t, ok)
		var sealed bytes.Buffer
		w, err := age.Encrypt(&sealed, to)
		require.NoError(r.t, err)
		_, err = w.Write(o.Body)
		require.NoError(r.t, errors.Join(err, w.Close()))
		o.Body = sealed.Bytes()
		r.store.Put(key, o)
	}
}

func all(int, string) bool { return true }

// opened returns a client that decrypts with identities.
func (r *replica) opened(ids ...*age.X25519Identity) ltxstore.ReplicaClient {
	cfg := crypt.Config{}
	for _, id := range ids {
		cfg.Identities = append(cfg.Identities, crypt.Identity(id.String()))
	}
	return crypt.New(r.client(), cfg)
}

// With the identities an encrypted replica is as one that is not; v0.3 went on in the same
// generation when its recipients were changed, so each file has its own.
func TestAge(t *testing.T) {
	first, second := newIdentity(t), newIdentity(t)
	for seed := range uint64(6) {
		r := newReplica(t, seed, 512)
		r.dense = true
		r.history(3)
		r.seal(first.Recipient(), func(i int, _ string) bool { return i%3 == 0 })
		r.seal(second.Recipient(), func(i int, _ string) bool { return i%3 == 1 })
		client := r.opened(second, first)

		report, err := v03.Verify(t.Context(), client, v03.VerifyConfig{})
		require.NoError(t, err)
		assert.True(t, report.OK())
		assert.Equal(t, len(r.store.Keys()), report.Files)
		for _, want := range r.state {
			got, _, err := restoredFrom(t, client, v03.RestoreConfig{Target: v03.Target{At: want.at}})
			require.NoError(t, err)
			same(t, want.db, got)
		}
		dst := empty()
		_, err = v03.Convert(t.Context(), dst, client, v03.ConvertConfig{TempDir: t.TempDir()})
		require.NoError(t, err)
		same(t, r.last().db, restoredLTX(t, dst, restore.Target{}))
	}
}

// Without identities, or with those of another replica, nothing is taken for damage, and
// the error names the setting.
func TestAgeWithoutIdentities(t *testing.T) {
	recipient, other := newIdentity(t).Recipient(), newIdentity(t)
	for what, which := range map[string]func(int, string) bool{
		"all":      all,
		"segments": func(_ int, key string) bool { return strings.Contains(key, "/wal/") },
	} {
		r := newReplica(t, 2, 512)
		r.history(2)
		r.seal(recipient, which)
		for kind, client := range map[error]ltxstore.ReplicaClient{
			errors.ErrUnsupported: r.client(),
			fs.ErrPermission:      r.opened(other),
		} {
			for operation, do := range map[string]func() error{
				"restore": func() error {
					_, _, err := restoredFrom(t, client, v03.RestoreConfig{SkipDamaged: true})
					return err
				},
				"verify": func() error {
					_, err := v03.Verify(t.Context(), client, v03.VerifyConfig{})
					return err
				},
				"convert": func() error {
					_, err := v03.Convert(t.Context(), empty(), client, v03.ConvertConfig{SkipDamaged: true, TempDir: t.TempDir()})
					return err
				},
			} {
				err := do()
				require.ErrorIs(t, err, kind, "%s, %s", what, operation)
				require.NotErrorIs(t, err, ltxstore.ErrChecksum)
				require.ErrorContains(t, err, "crypt.identities")
				require.ErrorContains(t, err, "generations/"+generation)
			}
		}
	}
	r := newReplica(t, 2, 512)
	r.history(1)
	r.seal(recipient, all)
	writer := crypt.New(r.client(), crypt.Config{Recipients: []string{recipient.String()}})
	_, err := v03.Verify(t.Context(), writer, v03.VerifyConfig{})
	require.ErrorIs(t, err, errors.ErrUnsupported)
	assert.ErrorContains(t, err, "crypt.identities")
	generations, err := v03.List(t.Context(), r.client())
	require.NoError(t, err, "the names of files are not encrypted")
	assert.Len(t, generations, 1)
}

// An encrypted file that was changed or cut off is damage, of that file.
func TestAgeDamage(t *testing.T) {
	id := newIdentity(t)
	r := newReplica(t, 3, 512)
	r.history(3)
	r.seal(id.Recipient(), all)
	last := r.last()
	key := r.key("wal/" + hex8(int64(last.index)) + "_" + hex8(last.offset) + ".wal.lz4")
	sound, ok := r.store.Get(key)
	require.True(t, ok)
	end := len(sound.Body)
	for what, body := range map[string][]byte{
		"a byte":           append(bytes.Clone(sound.Body[:end-1]), sound.Body[end-1]^1),
		"cut off":          sound.Body[:end-20],
		"without a chunk":  sound.Body[:bytes.Index(sound.Body, []byte("\n--- "))+5+43+1+16],
		"within a header":  sound.Body[:bytes.Index(sound.Body, []byte("\n--- "))],
		"only the version": []byte("age-encryption.org/v1\n"),
		"another version":  append([]byte("age-encryption.org/v9"), sound.Body[21:]...),
		"empty":            {},
	} {
		r.store.Put(key, mock.Object{Body: body, ModTime: sound.ModTime})
		report, err := v03.Verify(t.Context(), r.opened(id), v03.VerifyConfig{})
		require.NoError(t, err, what)
		require.Len(t, report.Damaged, 1, what)
		assert.Equal(t, last.index, report.Damaged[0].Index)
		assert.Equal(t, last.offset, report.Damaged[0].Offset)
		_, _, err = restoredFrom(t, r.opened(id), v03.RestoreConfig{})
		require.ErrorIs(t, err, ltxstore.ErrChecksum, what)
		_, _, err = restoredFrom(t, r.opened(id), v03.RestoreConfig{SkipDamaged: true})
		require.NoError(t, err, what)
	}
}
