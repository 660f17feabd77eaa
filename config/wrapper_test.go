package config_test

import (
	"encoding/json"
	"io/fs"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v4"

	"github.com/ltxstore/ltxstore/config"
	"github.com/ltxstore/ltxstore/internal/settings"
	"github.com/ltxstore/ltxstore/mock"
	"github.com/ltxstore/ltxstore/wrap/checksum"
	"github.com/ltxstore/ltxstore/wrap/compress"
	"github.com/ltxstore/ltxstore/wrap/crypt"
)

const recipient = "age1zvkyg2lqzraa2lnjvqej32nkuu0ues2s82hzrye869xeexvn73equnujwj"

// stack returns the types of a replica's client, the outermost first.
func stack(t *testing.T, r config.Replica) (types []string) {
	t.Helper()
	client, err := r.Open(t.Context())
	require.NoError(t, err)
	for {
		switch c := client.(type) {
		case *compress.Client:
			types, client = append(types, "compress"), c.Unwrap()
		case *crypt.Client:
			types, client = append(types, "crypt"), c.Unwrap()
		case *mock.ReplicaClient:
			return append(types, "mock")
		default:
			require.FailNow(t, "unexpected", "%T", c)
		}
	}
}

func TestWrappers(t *testing.T) {
	file, err := config.Parse([]byte(`
compress: {level: best}
age: {recipients: [`+recipient+`]}
replicas:
- {type: mem}
- {type: mem, compress: false}
- {type: mem, compress: {frame-size: 64KiB}, layout: auto}
- {url: "mem://?compress=off&crypt.cache-size=512"}
- {url: "mem://", compress.level: fastest}
dbs:
- path: /db
  replica: {type: mem, crypt: {recipients: `+recipient+`}}
`), options())
	require.NoError(t, err)
	both, encrypted := []string{"compress", "crypt", "mock"}, []string{"crypt", "mock"}
	for i, want := range [][]string{both, encrypted, both, encrypted, both} {
		assert.Equal(t, want, stack(t, file.Replicas[i]), i)
	}
	assert.Equal(t, both, stack(t, file.DBs[0].Replicas[0]))

	_, err = config.Parse([]byte("compress: {level: best}\nreplica:\n  type: mem\n  compress:\n    level: hardest\n"), options())
	assert.ErrorContains(t, err, "config: replica at line 2, column 1: compress: init: invalid argument: compress.level (line 5, column 5) is \"hardest\"")
	_, err = config.Parse([]byte("replica:\n  type: mem\n  compress:\n    levle: best\n"), options())
	assert.ErrorContains(t, err, `unknown setting "compress.levle" (line 4, column 5): did you mean compress.level?`)
	_, err = config.Parse([]byte("compres: {level: best}\n"), options())
	assert.ErrorContains(t, err, `unknown setting "compres": did you mean compress?`)
}

// Checksum is the wrapper's: no backend has a setting of that name.
func TestChecksumIsTheWrapper(t *testing.T) {
	for _, text := range []string{"replica: {path: /r, checksum: crc64}", "replica: {type: s3, bucket: b, checksum: crc64}"} {
		_, err := config.Parse([]byte(text), options())
		assert.ErrorContains(t, err, "want true or false", text)
	}
	for _, text := range []string{"checksum: true\nreplica: {path: /r}", "replica: {path: /r, checksum: yes}", "replica: {url: 'file:///r?checksum=true'}",
		"replica: {type: s3, bucket: b, checksum: true}", "replica: {url: 's3://b', checksum: {read-back: true}}"} {
		file, err := config.Parse([]byte(text), options())
		require.NoError(t, err, text)
		client, err := file.Replicas[0].Open(t.Context())
		require.NoError(t, err)
		assert.IsType(t, &checksum.Client{}, client, text)
	}
}

// What another parser fills has the same wrappers.
func TestWrappersOfSections(t *testing.T) {
	var fromYAML, fromJSON struct{ Replica config.Section }
	require.NoError(t, yaml.Load([]byte("replica: {type: mem, compress: {}, age: {recipients: ["+recipient+"]}}"), &fromYAML))
	require.NoError(t, json.Unmarshal([]byte(`{"Replica": {"type": "mem", "compress": true, "crypt": {"recipients": "`+recipient+`"}}}`), &fromJSON))
	for _, s := range []config.Section{fromYAML.Replica, fromJSON.Replica} {
		found, err := s.ParseConfig(options())
		require.NoError(t, err)
		assert.Equal(t, []string{"compress", "crypt", "mock"}, stack(t, found[0]))
	}
	assert.NotNil(t, settings.Wrappers().Get("age"))
}

// An empty "age" is Litestream's way to say no encryption; another encrypts or is
// refused: files that should be encrypted would else be written as they are.
func TestEmptyAge(t *testing.T) {
	plain, encrypted := []string{"mock"}, []string{"crypt", "mock"}
	for text, want := range map[string][]string{ // nil: refused
		"age: ":                                  plain,
		"age: {}":                                plain,
		"age: {identities: [], recipients: []}":  plain,
		"age: {identities: , recipients: }":      plain,
		"age: {recipients: [" + recipient + "]}": encrypted,
		"age: {recipients: " + recipient + "}":   encrypted,
		"age: []":                                nil,
		"age: true":                              nil,
	} {
		for _, yaml := range []string{"replica:\n  type: mem\n  " + text, text + "\nreplica: {type: mem}"} {
			file, err := config.Parse([]byte(yaml), options())
			if want == nil {
				require.ErrorIs(t, err, fs.ErrInvalid, yaml)
				require.ErrorContains(t, err, "crypt.recipients is missing", yaml)
				continue
			}
			require.NoError(t, err, yaml)
			assert.Equal(t, want, stack(t, file.Replicas[0]), yaml)
		}
	}
}
