package ltxstore

import (
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestSplit(t *testing.T) {
	owner := func(key string) (string, error) {
		head, _, _ := strings.Cut(key, ".")
		switch head {
		case "toy", "old":
			return "toy", nil
		case "gone":
			return "", errors.New("is of nobody")
		}
		return "", nil
	}
	of := make(map[string]Source)
	store, err := Source{
		Type: "s3", URL: "s3://b/p%20q?toy.level=%33&a=%31&&old=1&tags.toy=x&b=2", Layout: "flat",
		Settings: map[string]string{"toy.keys": "a", "c": "3"}, Defaults: map[string]string{"old.level": "9", "d": "4"},
	}.splitBy(owner, of)
	require.NoError(t, err)
	assert.Equal(t, Source{Type: "s3", URL: "s3://b/p%20q?a=%31&&tags.toy=x&b=2", Layout: "flat",
		Settings: map[string]string{"c": "3"}, Defaults: map[string]string{"d": "4"}}, store)
	assert.Equal(t, map[string]Source{"toy": {URL: "toy:?toy.level=%33&old=1",
		Settings: map[string]string{"toy.keys": "a"}, Defaults: map[string]string{"old.level": "9"}}}, of)

	for _, raw := range []string{"", "s3://b", "s3://b?", "s3://b?a=1", "s3://b#toy=1", "s3://b?toy", "s3://b?%zz=1"} {
		of := make(map[string]Source)
		store, err := Source{URL: raw}.splitBy(owner, of)
		require.NoError(t, err)
		assert.Equal(t, raw, store.URL, "it is as it was")
		assert.Empty(t, of)
	}
	store, err = Source{URL: "s3://b?toy=1"}.splitBy(owner, of)
	require.NoError(t, err)
	assert.Equal(t, "s3://b", store.URL)

	where := func(string) string { return "line 3" }
	for _, src := range []Source{{URL: "s3://b?a=1&gone.x=1"}, {Settings: map[string]string{"gone.x": "1"}}, {Defaults: map[string]string{"gone.x": "1"}}} {
		src.Where = where
		_, err := src.splitBy(owner, of)
		assert.Regexp(t, `^gone\.x( in the URL| \(line 3\)) is of nobody$`, err)
	}
}
