package interop_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"filippo.io/age"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/backend"
	"github.com/ltxstore/ltxstore/file"
	"github.com/ltxstore/ltxstore/testing/replicatest"
	"github.com/ltxstore/ltxstore/wrap/compress"
	"github.com/ltxstore/ltxstore/wrap/crypt"
)

// program returns the path of a program that is no part of the tools needed: a
// system without it has the proof by the library, in wrap.
func program(t *testing.T, name string) string {
	path, err := exec.LookPath(name)
	if err != nil {
		t.Skipf("the program %s is not installed", name)
	}
	return path
}

func onDisk(t *testing.T) (client *file.ReplicaClient, stored string) {
	dir := t.TempDir()
	client = file.NewReplicaClient(file.Config{Path: dir})
	client.SetLogger(nil)
	t.Cleanup(func() { client.Close() })
	keys, err := backend.NewKeys(ltxstore.LayoutDefault, "")
	require.NoError(t, err)
	return client, filepath.Join(dir, filepath.FromSlash(keys.File(1, 3, 9)))
}

// The zstd program decompresses what compress stores, and so does pzstd.
func TestZstdProgram(t *testing.T) {
	for _, name := range []string{"zstd", "pzstd"} {
		t.Run(name, func(t *testing.T) { decompresses(t, program(t, name)) })
	}
}

func decompresses(t *testing.T, program string) {
	next, stored := onDisk(t)
	body := replicatest.NewLTXFile(3, 9, time.UnixMilli(1700000000123), 500)
	_, err := compress.New(next, compress.Config{}).WriteLTXFile(t.Context(), 1, 3, 9, bytes.NewReader(body))
	require.NoError(t, err)
	got, err := exec.CommandContext(t.Context(), program, "-d", "-c", stored).Output()
	require.NoError(t, err)
	assert.True(t, bytes.Equal(body, got))
	out, err := exec.CommandContext(t.Context(), program, "-t", stored).CombinedOutput()
	require.NoError(t, err, "%s", out)
}

// The age program decrypts what crypt stores.
func TestAgeProgram(t *testing.T) {
	program := program(t, "age")
	identity, err := age.GenerateX25519Identity()
	require.NoError(t, err)
	keyFile := filepath.Join(t.TempDir(), "key.txt")
	require.NoError(t, os.WriteFile(keyFile, []byte(identity.String()+"\n"), 0o600))
	next, stored := onDisk(t)
	client := crypt.New(next, crypt.Config{Recipients: []string{identity.Recipient().String()},
		Identities: []crypt.Identity{crypt.Identity(identity.String())}})
	body := replicatest.NewLTXFile(3, 9, time.UnixMilli(1700000000123), 500)
	_, err = client.WriteLTXFile(t.Context(), 1, 3, 9, bytes.NewReader(body))
	require.NoError(t, err)
	got, err := exec.CommandContext(t.Context(), program, "-d", "-i", keyFile, stored).Output()
	require.NoError(t, err)
	assert.True(t, bytes.Equal(body, got))
}
