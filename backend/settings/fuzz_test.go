package settings

import (
	"net/url"
	"strings"
	"testing"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/internal/settings"
)

func plain(key, _ string) bool {
	_, secret, ok := toy().Lookup(key)
	return ok && !secret
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
