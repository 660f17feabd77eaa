package settings

import (
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// plain knows two settings.
func plain(key, _ string) bool { return key == "count" || key == "place" }

func TestRedact(t *testing.T) {
	for raw, want := range map[string]string{
		"toy://host/path?count=1":              "toy://host/path?count=1",
		"toy://me:hush@host/path":              "toy://[redacted]@host/path",
		"toy://me@host/path":                   "toy://[redacted]@host/path",
		"toy://me:hu/sh@host/path":             "toy://[redacted]",
		"toy://me:1/sh@host/path":              "toy://[redacted]",
		"toy:///me:hush@host/path":             "toy://[redacted]",
		"toy:///me@host/path":                  "toy:///me@host/path",
		"file:///me:x@host/path":               "file://[redacted]",
		"toy://host/me@there/path":             "toy://host/me@there/path",
		"toy://arn:a:b/me@there":               "toy://[redacted]",
		"toy:me:hush@host":                     "[redacted]",
		"me:hush@host/path":                    "[redacted]",
		"toy://h?secret-key=hush&count=1":      "toy://h?secret-key=[redacted]&count=1",
		"toy://h?secretKey=hush":               "toy://h?secretKey=[redacted]",
		"toy://h?secret%2Dkey=hush":            "toy://h?secret%2Dkey=[redacted]",
		"toy://h?secretkey=hush":               "toy://h?secretkey=[redacted]",
		"toy://h?hush":                         "toy://h?[redacted]",
		"toy://h?count=1&&secret-key=":         "toy://h?count=1&&secret-key=",
		"toy://h?place=http://me:hush@there":   "toy://h?place=[redacted]",
		"toy://h?place=http:%2F%2Fme:hush%40t": "toy://h?place=[redacted]",
		"toy://h/p&secret-key=hu/sh":           "toy://[redacted]",
		"toy://h/p;secret-key=hush&count=1":    "toy://[redacted]",
		"toy://h/a&b/c":                        "toy://h/a&b/c",
		"toy://h?secret-key=hu#sh":             "toy://[redacted]",
		"toy://h#":                             "toy://[redacted]",
		"toy://me%3Ahush%40host/p":             "toy://[redacted]",
		"toy://me:hush":                        "toy://[redacted]",
		"toy://me:hush/path":                   "toy://[redacted]",
		"toy://me:hush?@host/path":             "toy://[redacted]",
		"toy://me:1234#@host/path":             "toy://[redacted]@[redacted]",
		"toy://h:22,[::1]:33,i/p":              "toy://h:22,[::1]:33,i/p",
		"toy://h:/p":                           "toy://h:/p",
		"s3a://b":                              "s3a://b",
		"HTTPS://h":                            "HTTPS://h",
		"hushhttps://h/p":                      "[redacted]",
		"hush2K://h":                           "[redacted]",
		"hush+hush+hush://h":                   "[redacted]",
		"me:hush@toy://h/p":                    "[redacted]",
		"hush toy://h?count=1":                 "[redacted]",
		"secret-key=hush&toy://h":              "[redacted]",
		"toy://h?place=me:hush@there":          "toy://h?place=[redacted]",
		"toy://h?place=hushhttps://there":      "toy://h?place=[redacted]",
		"toy://h?place=hush%20https%3A%2F%2Ft": "toy://h?place=[redacted]",
		"toy://h?place=https://there":          "toy://h?place=https://there",
		"toy://@host/p":                        "toy://[redacted]@host/p",
		"":                                     "",
	} {
		assert.Equal(t, want, Redact(raw, plain), raw)
	}
}

func TestQuoteScheme(t *testing.T) {
	for url, want := range map[string]string{
		"toy": `"toy"`, "toy://h": `"toy"`, "https://h": `"https"`, "HTTP://h": `"http"`,
		"hushhttp://h": "not shown", "Hush:toy": "not shown", "hush:toy://h": "not shown", "hush2k2://h": "not shown", "hush hush": "not shown",
	} {
		assert.Equal(t, want, QuoteScheme(url), url)
	}
}

func TestParseBool(t *testing.T) {
	for _, text := range []string{"true", "T", "yes", "Y", "on", "1"} {
		on, err := ParseBool(text)
		require.NoError(t, err)
		assert.True(t, on, text)
	}
	for _, text := range []string{"false", "F", "no", "N", "OFF", "0"} {
		on, err := ParseBool(text)
		require.NoError(t, err)
		assert.False(t, on, text)
	}
	for _, text := range []string{"", "2", "tru", " true"} {
		on, err := ParseBool(text)
		require.ErrorContains(t, err, "want true or false")
		assert.False(t, on, text)
	}
}

func TestJoin(t *testing.T) {
	a, b, c := errors.New("a"), errors.New("b"), errors.New("c")
	assert.NoError(t, Join(nil, nil))
	assert.Equal(t, a, Join(nil, a))
	all := Join(a, nil, Join(b, c))
	assert.EqualError(t, all, "a\nb\nc")
	assert.Equal(t, []error{a, b, c}, Split(all))
	assert.ErrorIs(t, all, c)
	assert.Empty(t, Split(nil))
	assert.EqualError(t, Each(all, func(err error) error { return errors.New(err.Error() + "!") }), "a!\nb!\nc!")
	assert.EqualError(t, Each(all, func(err error) error {
		if err == b {
			return nil
		}
		return err
	}), "a\nc")
}

func TestUnknown(t *testing.T) {
	few := []string{"d", "c", "b", "a", "a"}
	assert.EqualError(t, Unknown("x", " (line 3)", few), `unknown setting "x" (line 3) (known: a, b, c, d)`)
	assert.EqualError(t, Unknown("regoin", "", []string{"region"}), `unknown setting "regoin": did you mean region?`)
	sixteen := []string{"aa", "ab", "ac", "ad", "ae", "af", "ag", "ah", "ai", "aj", "ak", "al", "am", "an", "ao", "ap"}
	assert.ErrorContains(t, Unknown("x", "", sixteen), "known: aa, ab, ")
	assert.EqualError(t, Unknown("x", "", append(sixteen, "ay")), `unknown setting "x" (nearest: aa, ab, ac)`)
}

// TestNearestOfLongNames: a name of more than 64 bytes is near to none.
func TestNearestOfLongNames(t *testing.T) {
	most := strings.Repeat("a", 63) + "b"
	assert.Equal(t, most, Nearest(strings.Repeat("a", 64), []string{most}))
	assert.Empty(t, Nearest(strings.Repeat("a", 65), []string{most}))
	assert.Empty(t, Nearest(strings.Repeat("a", 64), []string{most + "b"}))
	assert.Empty(t, Nearest(strings.Repeat("a", 65), []string{most + "b"}))
}
