package ltxstore

import (
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestSplit(t *testing.T) {
	owner := func(key, where string) (string, error) {
		head, _, _ := strings.Cut(key, ".")
		switch head {
		case "toy", "old":
			return "toy", nil
		case "gone":
			return "", errors.New(key + where + " is of nobody")
		}
		return "", nil
	}
	of, err := Source{
		Type: "s3", URL: "s3://b/p%20q?toy.level=%33&a=%31&&old=1&tags.toy=x&b=2", Layout: "flat",
		Settings: map[string]string{"toy.keys": "a", "c": "3"}, Defaults: map[string]string{"old.level": "9", "d": "4"},
	}.divide(owner)
	require.NoError(t, err)
	assert.Equal(t, map[string]*Source{"": {Type: "s3", URL: "s3://b/p%20q?a=%31&&tags.toy=x&b=2", Layout: "flat",
		Settings: map[string]string{"c": "3"}, Defaults: map[string]string{"d": "4"}}, "toy": {URL: "toy:?toy.level=%33&old=1",
		Settings: map[string]string{"toy.keys": "a"}, Defaults: map[string]string{"old.level": "9"}}}, of)

	for _, raw := range []string{"", "s3://b", "s3://b?", "s3://b?a=1", "s3://b#toy=1", "s3://b?toy", "s3://b?%zz=1"} {
		of, err := Source{URL: raw}.divide(owner)
		require.NoError(t, err)
		assert.Equal(t, map[string]*Source{"": {URL: raw}}, of, "it is as it was")
	}
	of, err = Source{URL: "s3://b?toy=1"}.divide(owner)
	require.NoError(t, err)
	assert.Equal(t, "s3://b", of[""].URL)

	// One mistake hides no other, and nothing that is right.
	of, err = Source{URL: "s3://b?gone.x=1&gone.y=1&a=1&toy=1", Settings: map[string]string{"gone.a": "1", "gone.b": "1", "m": "1", "toy.z": "1"}}.divide(owner)
	for _, key := range []string{"gone.x in the URL", "gone.y in the URL", "gone.a", "gone.b"} {
		assert.ErrorContains(t, err, key+" is of nobody")
	}
	assert.Equal(t, map[string]*Source{"": {URL: "s3://b?a=1", Settings: map[string]string{"m": "1"}}, "toy": {URL: "toy:?toy=1", Settings: map[string]string{"toy.z": "1"}}}, of)

	where := func(string) string { return "line 3" }
	for _, src := range []Source{{URL: "s3://b?a=1&gone.x=1"}, {Settings: map[string]string{"gone.x": "1"}}, {Defaults: map[string]string{"gone.x": "1"}}} {
		src.Where = where
		_, err := src.divide(owner)
		assert.Regexp(t, `^gone\.x( in the URL| \(line 3\)) is of nobody$`, err)
	}
}

// Wrappers of others are outside those of this library, in the order of their names.
func TestStacking(t *testing.T) {
	assert.Equal(t, []string{"alpha", "zeta", "readonly", "crypt", "mirror", "throttle"},
		stacking([]string{"throttle", "zeta", "crypt", "mirror", "alpha", "readonly"}))
}
