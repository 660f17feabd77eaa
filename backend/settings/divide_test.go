package settings

import (
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ltxstore/ltxstore"
)

// texts returns settings as text, with where they were given.
func texts(all list) (found []string) {
	for _, v := range all {
		found = append(found, v.String()+"="+v.value)
	}
	return found
}

// registerOuter registers the wrapper of these tests, also where they run several times.
var registerOuter = sync.OnceFunc(func() {
	RegisterWrapper(Wrapper[outer, ltxstore.ReplicaClient]{Names: []string{"outer", "old"}})
})

// A wrapper's own name may have a URL as its value.
func TestPlain(t *testing.T) {
	registerOuter()
	for value, plain := range map[string]bool{"true": true, "1": true, "s3://key:secret@bucket": false} {
		assert.Equal(t, plain, toyDriver().Plain("outer", value), value)
	}
	assert.True(t, toyDriver().Plain("outer.level", "s3://bucket"))
	assert.False(t, toyDriver().Plain("outer.nosuch", "true"))
	assert.False(t, toyDriver().Plain("nosuch", "true"))
}

func TestDivide(t *testing.T) {
	registerOuter()
	of, err := toyDriver().divide(ltxstore.Source{
		URL:      "toy://b?outer.level=%33&region=%31&&old=1&zone=2",
		Settings: map[string]string{"outer.keys": "a", "key": "3"}, Defaults: map[string]string{"old.level": "9", "parts": "4"},
	})
	require.NoError(t, err)
	assert.Equal(t, []string{"bucket in the URL=b", "region in the URL=1", "zone in the URL=2", "key=3"}, texts(of.store.given.of(false)))
	assert.Equal(t, []string{"parts=4"}, texts(of.store.given.of(true)))
	require.Len(t, of.layers, 1)
	assert.Equal(t, []string{"outer.level in the URL=3", "old in the URL=1", "outer.keys=a"}, texts(of.layers[0].given.of(false)))
	assert.Equal(t, []string{"old.level=9"}, texts(of.layers[0].given.of(true)))

	for raw, wrong := range map[string]string{"toy://b": "", "toy://b?": "", "toy://b?region=1": "", "toy://b#outer=1": "a fragment", "toy://b?outer": "without a value", "toy://b?%zz=1": "cannot be read"} {
		of, err := toyDriver().divide(ltxstore.Source{URL: raw})
		assert.Empty(t, of.layers, raw)
		require.NoError(t, err)
		if wrong != "" {
			assert.ErrorContains(t, of.store.err, wrong)
		} else {
			assert.NoError(t, of.store.err, raw)
		}
	}

	// One mistake hides no other, and nothing that is right.
	of, err = toyDriver().divide(ltxstore.Source{URL: "toy://b?crypt.x=1&crypt.y=1&region=1&outer.level=1",
		Settings: map[string]string{"crypt.a": "1", "crypt.b": "1", "zone": "1", "outer.keys": "1"}})
	for _, key := range []string{"crypt.x in the URL", "crypt.y in the URL", "crypt.a", "crypt.b"} {
		assert.ErrorContains(t, err, key+" is of the wrapper crypt, which is not imported")
	}
	assert.Equal(t, []string{"bucket in the URL=b", "region in the URL=1", "zone=1"}, texts(of.store.given.of(false)))
	assert.Equal(t, []string{"outer.level in the URL=1", "outer.keys=1"}, texts(of.layers[0].given.of(false)))

	for _, src := range []ltxstore.Source{{URL: "toy://b?region=1&crypt.x=1"}, {Settings: map[string]string{"crypt.x": "1"}}, {Defaults: map[string]string{"crypt.x": "1"}}} {
		src.Where = func(string) (line, column int) { return 3, 0 }
		_, err := toyDriver().divide(src)
		assert.Regexp(t, `^crypt\.x( in the URL| \(line 3\)) is of the wrapper crypt`, err)
	}
}

// Wrappers of others are outside those of this library, in the order of their names.
func TestStacking(t *testing.T) {
	assert.Equal(t, []string{"alpha", "zeta", "readonly", "crypt", "mirror", "throttle"},
		stacking([]string{"throttle", "zeta", "crypt", "mirror", "alpha", "readonly"}))
}
