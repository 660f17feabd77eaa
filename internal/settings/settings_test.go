package settings_test

import (
	"io/fs"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ltxstore/ltxstore/internal/settings"
)

func TestNearest(t *testing.T) {
	names := []string{"region", "endpoint", "secret-access-key"}
	for key, want := range map[string]string{"regoin": "region", "end-point": "endpoint", "secret-acces-key": "secret-access-key", "xyz": "", "": "", "REGION": "region", "xendpoint": "endpoint", "endpoints3": "endpoint", "ndpont": "endpoint", "xsecret-acces-kex": "secret-access-key", "rgn": ""} {
		assert.Equal(t, want, settings.Nearest(key, names), key)
	}
}

func TestScheme(t *testing.T) {
	for raw, want := range map[string]string{"az://h": "az", "ZA:p": "za", "s3-x://h": "s3-x", "a.b://h": "a.b", "x+y://h": "x+y", "a09://": "a09"} {
		got, err := settings.Scheme(raw)
		require.NoError(t, err, raw)
		assert.Equal(t, want, got)
	}
	for _, raw := range []string{"", ":", "a", "C:/x", "1a://h", "-a://h", "a_b://h", "a/b://h", "a:b"[:2], "`a://h", "{a://h", "a`://h", "a{://h", "a@://h", "a[://h", "é://h", "a é://h"} {
		_, err := settings.Scheme(raw)
		assert.ErrorContains(t, err, "has no scheme", raw)
	}
}

func TestFieldError(t *testing.T) {
	assert.EqualError(t, &settings.FieldError{Field: "Wait", Value: -time.Second, Want: "want more"}, "Wait is -1s: want more")
	assert.EqualError(t, &settings.FieldError{Field: "Place", Value: "x", Want: "want more"}, `Place is "x": want more`)
	err := &settings.FieldError{Field: "Place", Err: fs.ErrClosed}
	assert.EqualError(t, err, "Place: file already closed")
	assert.ErrorIs(t, err, fs.ErrClosed)
}

func TestFieldErrorMissing(t *testing.T) {
	for _, value := range []any{nil, "", 0, []string{}, map[string]string{}, []string(nil)} {
		assert.True(t, (&settings.FieldError{Value: value}).Missing(), "%#v", value)
	}
	for _, value := range []any{"x", 1, []string{""}, map[string]string{"": ""}, [1]int{1}, true} {
		assert.False(t, (&settings.FieldError{Value: value}).Missing(), "%#v", value)
	}
}

func TestRedactValue(t *testing.T) {
	plain := func(key, _ string) bool { return key == "region" }
	for value, want := range map[[2]string]string{
		{"region", "eu"}:              "eu",
		{"region", ""}:                "",
		{"key", ""}:                   "",
		{"key", "hush"}:               "[redacted]",
		{"region", "https://u:pw@h/"}: "[redacted]",
	} {
		assert.Equal(t, want, settings.RedactValue(value[0], value[1], plain), value)
	}
}

func TestIsARN(t *testing.T) {
	for text, want := range map[string]bool{"arn:aws:s3:::b": true, "ARN:": true, "arn": false, "": false, "bucket/arn:": false, "arnx:": false} {
		assert.Equal(t, want, settings.IsARN(text), text)
	}
}

// Every name is one wrapper's.
func TestOrder(t *testing.T) {
	seen := make(map[string]bool)
	for _, w := range settings.Order() {
		for _, name := range append([]string{w.Name}, w.Aliases...) {
			assert.False(t, seen[name], name)
			seen[name] = true
		}
	}
	assert.NotEmpty(t, seen)
}
