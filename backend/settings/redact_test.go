package settings

import (
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/internal/settings"
)

func plain(key, _ string) bool {
	_, secret, ok := toy().Lookup(key)
	return ok && !secret
}

func TestRedact(t *testing.T) {
	for raw, want := range map[string]string{
		"toy://host/path?count=1":              "toy://host/path?count=1",
		"toy://me:hush@host/path":              "toy://[redacted]@host/path",
		"toy://me@host/path":                   "toy://[redacted]@host/path",
		"toy://me:hu/sh@host/path":             "toy://[redacted]@host/path",
		"toy://me:1/sh@host/path":              "toy://[redacted]@host/path",
		"toy:///me:hush@host/path":             "toy://[redacted]@host/path",
		"toy:///me@host/path":                  "toy:///me@host/path",
		"file:///me:x@host/path":               "file:///me:x@host/path",
		"toy://host/me@there/path":             "toy://host/me@there/path",
		"toy://arn:a:b/me@there":               "toy://arn:a:b/me@there",
		"toy:me:hush@host":                     "[redacted]@host",
		"me:hush@host/path":                    "[redacted]@host/path",
		"toy://h?secret-key=hush&count=1":      "toy://h?secret-key=[redacted]&count=1",
		"toy://h?secretKey=hush":               "toy://h?secretKey=[redacted]",
		"toy://h?secret%2Dkey=hush":            "toy://h?secret%2Dkey=[redacted]",
		"toy://h?secretkey=hush":               "toy://h?secretkey=[redacted]",
		"toy://h?hush":                         "toy://h?[redacted]",
		"toy://h?count=1&&secret-key=":         "toy://h?count=1&&secret-key=",
		"toy://h?place=http://me:hush@there":   "toy://h?place=[redacted]",
		"toy://h?place=http:%2F%2Fme:hush%40t": "toy://h?place=[redacted]",
		"toy://h?secret-key=hu#sh":             "toy://h?secret-key=[redacted]#[redacted]",
		"toy://h#":                             "toy://h#",
		"":                                     "",
	} {
		assert.Equal(t, want, settings.Redact(raw, plain), raw)
	}
}

// FuzzResolve: nothing makes the resolver panic, and no secret is in its
// errors, or in what Redact leaves of a URL, wherever a secret may stand.
func FuzzResolve(f *testing.F) {
	f.Add("toy://host/path", "count", "1", "hush")
	f.Add("toy://host/pa%zz", "part-size", "5MiB&on=%", "hu/sh@+")
	f.Add("toy://arn:aws:s3:r:1:accesspoint/n/k?tags.a=b", "tags.é", "", "a b")
	f.Add(":", "", "", "")
	f.Fuzz(func(t *testing.T, base, key, value, secret string) {
		decode(toy(), ltxstore.Source{URL: base, Settings: map[string]string{key: value}, Layout: value})
		settings.Redact(base, plain)

		// A marker of its own, that the input cannot have by chance.
		marker := "s3cr3t" + secret + "t3rc3s"
		if strings.Contains(base+key+value, "s3cr3t") || strings.ContainsAny(base, "?#") {
			return
		}
		escaped := url.QueryEscape(marker)
		for _, raw := range []string{
			base + "?secret-key=" + escaped + "&" + key + "=" + value,
			base + "?" + key + "=" + value + "&secretKey=" + escaped + "&secret-key=x",
			base + "?key=" + escaped,
			base + "?secret-key=" + marker, // as people write it
			"toy://id:" + marker + "@host/path",
			"toy://id:" + url.QueryEscape(marker) + "@host/path?" + key + "=" + value,
		} {
			if strings.HasPrefix(raw, "toy://id:") && strings.ContainsAny(marker, "?#") && strings.Contains(raw, marker) {
				continue // the host cannot be told from the secret
			}
			_, _, err := decode(toy(), ltxstore.Source{URL: raw})
			for _, shown := range []string{settings.Redact(raw, plain), errorText(err)} {
				if strings.Contains(shown, "s3cr3t") {
					t.Fatalf("%q shows the secret: %q", raw, shown)
				}
			}
		}
		_, _, err := decode(toy(), ltxstore.Source{URL: "toy://h?secret-key=other",
			Settings: map[string]string{"secret-key": marker, "key": marker + "!"}})
		if strings.Contains(errorText(err), "s3cr3t") {
			t.Fatal(err)
		}
	})
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
