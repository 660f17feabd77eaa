package settings_test

import (
	"errors"
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
	for key, want := range map[string]string{"o": "", "ab": "", "V": "v", "vv": "v", "iv": "v"} {
		assert.Equal(t, want, settings.Nearest(key, []string{"v"}), key)
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

// A secret in the wrong field, and a file that cannot be opened because its name is
// one.
func TestFieldErrorShowsNoSecret(t *testing.T) {
	const seed, key = "SUACS3CRETUAHUDXKFSNVUZRF5UHPMWZ6BFDTJ7M6USDXIEDNPPQYYYCU2", "AGE-SECRET-KEY-1QYQSZQGP"
	assert.EqualError(t, &settings.FieldError{Field: "Bucket", Value: "https://me:pw@host", Want: "want a name"}, `Bucket is not shown: want a name`)
	assert.EqualError(t, &settings.FieldError{Field: "Names", Value: []string{"a", key}, Want: "want names"}, `Names is []string{"a", "[redacted]"}: want names`)
	assert.EqualError(t, &settings.FieldError{Field: "File", Value: seed, Want: "open " + seed + ": no such file"}, `File is not shown: open [redacted]: no such file`)
	assert.EqualError(t, &settings.FieldError{Field: "File", Err: errors.New("open " + key + ": no such file")}, `File: open [redacted]: no such file`)
	assert.EqualError(t, &settings.FieldError{Field: "Password", Value: "", Want: "want a Password"}, `Password is "": want a Password`)
}

func TestFieldErrorMissing(t *testing.T) {
	for _, value := range []any{nil, "", 0, []string{}, map[string]string{}, []string(nil)} {
		assert.True(t, (&settings.FieldError{Value: value}).Missing(), "%#v", value)
	}
	for _, value := range []any{"x", 1, []string{""}, map[string]string{"": ""}, [1]int{1}, true} {
		assert.False(t, (&settings.FieldError{Value: value}).Missing(), "%#v", value)
	}
}

func TestIsARN(t *testing.T) {
	for text, want := range map[string]bool{"arn:aws:s3:::b": true, "ARN:": true, "arn": false, "": false, "bucket/arn:": false, "arnx:": false} {
		assert.Equal(t, want, settings.IsARN(text), text)
	}
}

func TestWrapperOf(t *testing.T) {
	for _, name := range settings.Order() {
		assert.Equal(t, name, settings.WrapperOf(name))
		assert.Equal(t, name, settings.WrapperOf(name+".x.y"))
	}
	for key, want := range map[string]string{"age": "crypt", "age.recipients": "crypt", "": "", "ages": "", "x.crypt": ""} {
		assert.Equal(t, want, settings.WrapperOf(key), key)
	}
}
