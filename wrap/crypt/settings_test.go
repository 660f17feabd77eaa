package crypt

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"testing"

	"filippo.io/age"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v4"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/config"
	_ "github.com/ltxstore/ltxstore/file"
	"github.com/ltxstore/ltxstore/internal/testkit/wraptest"
	_ "github.com/ltxstore/ltxstore/mock"
)

func newIdentity(t *testing.T) (recipient, identity string) {
	t.Helper()
	id, err := age.GenerateX25519Identity()
	require.NoError(t, err)
	return id.Recipient().String(), id.String()
}

// assertConfig asserts that the client of a source is as one with that Config.
func assertConfig(t *testing.T, want Config, src ltxstore.Source, msg string) {
	t.Helper()
	client, err := ltxstore.OpenSource(t.Context(), src)
	require.NoError(t, err)
	got, err := client.(*Client).Begin(t.Context(), "init", nil)
	require.NoError(t, err)
	like, err := New(client.(*Client).Unwrap(), want).Begin(t.Context(), "init", nil)
	require.NoError(t, err)
	assert.Equal(t, like, got, msg)
}

// A URL and a file with the same content give the same Config, for every setting,
// and so do Litestream's names.
func TestURLAndFileAgree(t *testing.T) {
	r1, i1 := newIdentity(t)
	r2, i2 := newIdentity(t)
	every := map[string]struct {
		values []string
		want   Config
	}{
		"recipients":           {[]string{r1, r2}, Config{Recipients: []string{r1, r2}}},
		"identities":           {[]string{i2, i1}, Config{Identities: []Identity{Identity(i2), Identity(i1)}}},
		"metadata-concurrency": {[]string{"5"}, Config{MetadataConcurrency: 5}},
		"cache-size":           {[]string{"1MiB"}, Config{CacheSize: 1 << 20}},
	}
	for _, setting := range wraptest.Names(wrapper) {
		tt, ok := every[setting]
		if !assert.True(t, ok, "%s is not tested", setting) {
			continue
		}
		if tt.want.Recipients == nil {
			tt.want.Recipients = []string{r1}
		}
		for _, name := range []string{wrapper, litestreamName} {
			section := map[string]any{"recipients": r1, setting: tt.values}
			query := url.Values{name + "." + setting: tt.values}
			if setting != "recipients" {
				query.Set("crypt.recipients", r1)
			}
			if len(tt.values) == 1 {
				section[setting] = tt.values[0]
			}
			assertConfig(t, tt.want, ltxstore.Source{URL: "mem://?" + query.Encode()}, setting)
			text, err := yaml.Dump(map[string]any{"type": "mem", name: section})
			require.NoError(t, err)
			found, err := config.ParseReplicas(text, config.Options{})
			require.NoError(t, err, setting)
			assertConfig(t, tt.want, found[0].Source(), setting)
		}
	}
}

// Litestream's age section with nothing in it asks for no encryption; crypt without keys
// is refused, here as everywhere.
func TestEmptyAge(t *testing.T) {
	for _, age := range []string{"{}", "", "{recipients: []}", "{recipients: }"} {
		for _, text := range []string{"replica: {type: mem, age: " + age + "}", "age: " + age + "\nreplica: {type: mem}"} {
			file, err := config.Parse([]byte(text), config.Options{})
			if !assert.NoError(t, err, text) {
				continue
			}
			client, err := file.Replicas[0].Open(t.Context())
			require.NoError(t, err)
			_, encrypts := ltxstore.As[*Client](client)
			assert.False(t, encrypts, text)
		}
	}
	for _, crypt := range []string{"{}", "{recipients: []}"} {
		_, err := config.Parse([]byte("replica: {type: mem, crypt: "+crypt+"}"), config.Options{})
		assert.ErrorIs(t, err, fs.ErrInvalid, crypt)
	}
}

// Whatever else is said of encryption, there is encryption or an error.
func TestNeverPlaintext(t *testing.T) {
	recipient, identity := newIdentity(t)
	keys := "{recipients: [" + recipient + "], identities: [" + identity + "]}"
	for text, says := range map[string]string{
		"replica: {type: mem, crypt: true}":                                                                       "want a recipient",
		"replica: {type: mem, age: []}":                                                                           "want a recipient",
		"replica: {type: mem, age: {recipients: ['']}}":                                                           `age.recipients.0 (line 1, column 41) is ""`,
		"replica: {type: mem, age: {recipients: '${GONE:-}'}}":                                                    `age.recipients (line 1, column 28) is ""`,
		"replica: {type: mem, age: {recipients: $GONE}}":                                                          "which is not set",
		"replica: {type: mem, age: {recipient: " + recipient + "}}":                                               "did you mean age.recipients?",
		"replica: {type: mem, age: " + recipient + "}":                                                            "want true or false",
		"replica: {type: mem, crypt: false, age: " + keys + "}":                                                   "want one of them",
		"age: " + keys + "\nreplica: {type: mem, crypt: false}":                                                   "crypt (line 2, column 22) is false, and age.enabled (line 1, column 1) is set: want one of them",
		"crypt.recipient: " + recipient + "\nreplica: {type: mem}":                                                "did you mean crypt.recipients?",
		"dbs: [{path: /db, replica: {type: mem, crypt: {identities: [AGE-SECRET-KEY-hush]}}}]":                    "crypt.identities.0 (line 1, column 61) is not shown",
		"replica: {type: mem, age: {identities: AGE-SECRET-KEY-1HUSH}, crypt: {identities: AGE-SECRET-KEY-1HU}}":  "age.identities (line 1, column 28) is not shown",
		"replica: {url: 'mem://?age.identities=AGE-SECRET-KEY-1HUSH', crypt: {identities: [AGE-SECRET-KEY-1HU]}}": "age.identities in the URL is not shown and crypt.identities.0 (line 1, column 83) is not shown",
	} {
		_, err := config.Parse([]byte(text), config.Options{Getenv: func(string) (string, bool) { return "", false }})
		if assert.ErrorIs(t, err, fs.ErrInvalid, text) {
			assert.ErrorContains(t, err, says, text)
			for _, secret := range []string{"hush", "HUSH", identity} {
				assert.NotContains(t, err.Error(), secret)
			}
		}
	}

	// All that opens a replica of a file writes no plaintext.
	root := t.TempDir()
	file, err := config.Parse([]byte("age: "+keys+"\nreplicas: [{path: "+filepath.ToSlash(root)+"/a, layout: auto}, {url: 'file://"+filepath.ToSlash(root)+"/b', crypt: {cache-size: 1MiB}}]\n"+
		"dbs: [{dir: /dbs, replica: {path: "+filepath.ToSlash(root)+"/c}}]"), config.Options{})
	require.NoError(t, err)
	below, err := file.DBs[0].Replicas[0].Sub("one.db")
	require.NoError(t, err)
	written := 0
	for _, r := range append(file.Replicas, below) {
		client, err := r.Open(t.Context())
		require.NoError(t, err)
		_, err = client.WriteLTXFile(t.Context(), 0, 1, 1, bytes.NewReader([]byte("the only copy")))
		require.NoError(t, err)
		require.NoError(t, ltxstore.Close(client))
		assert.NotContains(t, fmt.Sprintf("%v %+v %#v %q", r, r, r, r), identity)
	}
	require.NoError(t, filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		written++
		stored, err := os.ReadFile(path)
		assert.True(t, bytes.HasPrefix(stored, []byte("age-encryption.org/v1\n")), path)
		return err
	}))
	assert.Equal(t, 3, written)
}

func TestRedactedSettings(t *testing.T) {
	recipient, identity := newIdentity(t)
	assert.Equal(t, "mem://?crypt.recipients="+recipient+"&age.identities=[redacted]&crypt.identities.1=[redacted]&crypt.identity=[redacted]",
		ltxstore.Redact("mem://?crypt.recipients="+recipient+"&age.identities="+identity+"&crypt.identities.1="+identity+"&crypt.identity="+identity))
	client, err := ltxstore.Open(t.Context(), "mem://?age.identities="+identity)
	require.NoError(t, err)
	encoded, err := json.Marshal(client)
	require.NoError(t, err)
	assert.NotContains(t, fmt.Sprintf("%s %+v %#v", encoded, client, client), identity)
}

// An identity may be put where a recipient belongs.
func TestIdentityAmongRecipients(t *testing.T) {
	_, identity := newIdentity(t)
	cfg := Config{Recipients: []string{identity}}
	encoded, err := json.Marshal(map[string]any{"value": cfg, "pointer": &cfg})
	require.NoError(t, err)
	_, err = ltxstore.Open(t.Context(), "mem://?crypt.recipients="+identity)
	require.ErrorIs(t, err, fs.ErrInvalid)
	for _, text := range []string{fmt.Sprintf("%v %+v %#v %d", cfg, &cfg, []Config{cfg}, cfg), string(encoded), err.Error(), ltxstore.Redact("mem://?crypt.recipients=" + identity)} {
		assert.NotContains(t, text, identity)
	}
}
