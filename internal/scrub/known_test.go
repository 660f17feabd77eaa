package scrub_test

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/ltxstore/ltxstore/internal/scrub"
)

// spellings are ways in which a server, a proxy or an SDK writes a value.
func spellings(secret string) map[string]string {
	marshaled, _ := json.Marshal(secret)
	twice, _ := json.Marshal(string(marshaled))
	var percent, entities, unicode strings.Builder
	for i := range len(secret) {
		fmt.Fprintf(&percent, "%%%02x", secret[i])
	}
	for _, r := range secret {
		fmt.Fprintf(&entities, "&#x%x;", r)
		fmt.Fprintf(&unicode, `\u%04x`, r)
	}
	return map[string]string{
		"as it is":          secret,
		"query":             url.QueryEscape(secret),
		"query, lower case": strings.NewReplacer("%2F", "%2f", "%2B", "%2b", "%3D", "%3d").Replace(url.QueryEscape(secret)),
		"path":              url.PathEscape(secret),
		"twice in a query":  url.QueryEscape(url.QueryEscape(secret)),
		"every byte":        percent.String(),
		"JSON":              string(marshaled),
		"JSON of PHP":       strings.ReplaceAll(string(marshaled), "/", `\/`),
		"JSON in JSON":      string(twice),
		"JSON, all escaped": unicode.String(),
		"query in JSON":     strings.ReplaceAll(url.QueryEscape(secret), "%", `\u0025`),
		"Go":                fmt.Sprintf("%q", secret),
		"Go, ASCII":         fmt.Sprintf("%+q", secret),
		"Go, hexadecimal":   fmt.Sprintf("%x", secret),
		"HEXADECIMAL":       strings.ToUpper(hex.EncodeToString([]byte(secret))),
		"XML":               html.EscapeString(secret),
		"XML, all escaped":  entities.String(),
		"XML, by names":     strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;", "'", "&apos;").Replace(secret),
		"base64":            base64.StdEncoding.EncodeToString([]byte(secret)),
		"base64 of a URL":   base64.RawURLEncoding.EncodeToString([]byte(secret)),
		"base64, escaped":   url.QueryEscape(base64.StdEncoding.EncodeToString([]byte(secret))),
	}
}

func TestSecretsInAnySpelling(t *testing.T) {
	for _, secret := range []string{
		"plainsecret",
		"wJalrXUtnFEMI/K7MDENG+bPxRfiCY==",
		`a"b\c<d>&e'f g%2Fh%h`,
		"pässwörd€",
		"\x00\x01\xfe\xff0123456789abcdefghijklmnop",
		"\a\b\f\n\r\t\v",
		`\\\\\\%%%%%%&&&&&&`,
	} {
		var secrets scrub.Secrets
		secrets.Add(secret)
		for name, spelled := range spellings(secret) {
			if strings.Contains(secret, "\xfe") && strings.ContainsAny(name, "JX") {
				continue // these write U+FFFD for what is no text, which tells nothing
			}
			got := secrets.Text("a server said " + spelled + ": no")
			assert.Contains(t, got, "[redacted]", "%s of %q", name, secret)
			for _, inner := range []string{spelled, secret, strings.Trim(spelled, `"`)} {
				assert.NotContains(t, got, inner, "%s of %q", name, secret)
			}
			assert.Contains(t, got, "a server said ", name)
			assert.Contains(t, got, ": no", name)
		}
		for _, before := range []string{"me:", "you:", "they:", "someone:"} {
			basic := base64.StdEncoding.EncodeToString([]byte(before + secret))
			got := secrets.Text("x " + basic)
			assert.Contains(t, got, "[redacted]", before)
			assert.Less(t, len(strings.ReplaceAll(got, "[redacted]", "")), len("x ")+len(before)*4/3+8, "what is left of %s", basic)
		}
	}
}

func TestSecretsLeaveOtherText(t *testing.T) {
	var secrets scrub.Secrets
	secrets.Add("", "short", "secret-one", "secret-one-and-two", "sixsix", "ends\x00\x00", `quoted"`, "number1")
	for text, want := range map[string]string{
		"":                                 "",
		"nothing here, 100% sure & short":  "nothing here, 100% sure & short",
		"secret-on":                        "secret-on",
		"of sixsix bytes":                  "of [redacted] bytes",
		"ends%00%4":                        "ends%00%4",
		"secret-one-and-two, secret-one":   "[redacted], [redacted]",
		"secret-onesecret-one":             "[redacted][redacted]",
		"%73ecret-one%":                    "[redacted]%",
		"%73ecret-on":                      "%73ecret-on",
		"%73%73ecret-one":                  "%73[redacted]",
		`ends in \`:                        `ends in \`,
		`\u12 \U0001 \x4 \07 %2 %zz &;&#;`: `\u12 \U0001 \x4 \07 %2 %zz &;&#;`,
		"&unknown; &#99999999999; &#xzz;":  "&unknown; &#99999999999; &#xzz;",
		"https://h/k?x=1":                  "https://h/k",
		`quoted\"`:                         "[redacted]",
		"quoted&quot;":                     "[redacted]",
		"number&#49;":                      "[redacted]",
		"number&49; ends&#zz;&#zz;":        "number&49; ends&#zz;&#zz;",
	} {
		assert.Equal(t, want, secrets.Text(text))
	}
}

// An escape of an escape, and so on, may be as deep as the text is long. There are as many texts to
// search as orders in which to decode them, so that only the outer ones are decoded.
func TestSecretsInDeepEscapes(t *testing.T) {
	var secrets scrub.Secrets
	secrets.Add("secret-one")
	deep := "%" + strings.Repeat("25", 40) + "41 &" + strings.Repeat("amp;", 40)
	assert.Equal(t, deep+" [redacted]", secrets.Text(deep+" secret-one"))
}

// A private key is in the text of its file, and in JSON on one line.
func TestSecretsOfSeveralLines(t *testing.T) {
	var secrets scrub.Secrets
	secrets.Add("-----BEGIN KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQEF\nAASCBKcwggSjAgEAAoIBAQC7VJTUt9\nshort\n-----END KEY-----\n")
	secrets.Add("-----BEGIN KEY-----\nsixteen-letters-\nfifteen-letters\n")
	assert.Equal(t, "[redacted] fifteen-letters", secrets.Text("sixteen-letters- fifteen-letters"))
	assert.Equal(t, "-----BEGIN KEY----- [redacted] short", secrets.Text("-----BEGIN KEY----- AASCBKcwggSjAgEAAoIBAQC7VJTUt9 short"))
	assert.Equal(t, "x [redacted] y", secrets.Text(`x -----BEGIN KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQEF\nAASCBKcwggSjAgEAAoIBAQC7VJTUt9\nshort\n-----END KEY-----\n y`))
}

func TestSecretsError(t *testing.T) {
	var none *scrub.Secrets
	assert.NoError(t, none.Error(nil))
	inner := errors.New("the token t0k3n-abc is bad")
	assert.Same(t, inner, none.Error(inner))

	var secrets scrub.Secrets
	secrets.Add("t0k3n-abc")
	err := secrets.Error(fmt.Errorf("try: %w", inner))
	assert.EqualError(t, err, "try: the token [redacted] is bad")
	assert.ErrorIs(t, err, inner)
	plain := errors.New("plain")
	assert.Same(t, plain, secrets.Error(plain))
	assert.NotContains(t, fmt.Sprintf("%v %+v %#v %q", err, err, err, err), "t0k3n-abc")
}

// A private key has more lines than tokens are remembered.
func TestSecretsOfManyLines(t *testing.T) {
	var secrets scrub.Secrets
	var key strings.Builder
	for i := range 30 {
		fmt.Fprintf(&key, "a line of the key %02d\n", i)
	}
	secrets.Add(key.String())
	assert.Equal(t, "[redacted] [redacted]", secrets.Text("a line of the key 00 a line of the key 29"))
}

// Tokens are renewed for as long as a daemon runs: the last 16 are known, and
// what was added for good.
func TestSecretsRememberLastTokens(t *testing.T) {
	var secrets scrub.Secrets
	secrets.Add("for-good")
	var wg sync.WaitGroup
	for i := range 4 {
		wg.Go(func() {
			for n := range 50 {
				secrets.AddToken(fmt.Sprintf("token-%d-%03d", i, n))
				secrets.Text("token-0-000")
			}
		})
	}
	wg.Wait()
	for i := range 16 {
		secrets.AddToken(fmt.Sprintf("renewed-%03d", i))
		secrets.AddToken("for-good")
		secrets.AddToken("renewed-000")
	}
	assert.Equal(t, "[redacted] [redacted] token-0-049 [redacted]", secrets.Text("renewed-000 renewed-015 token-0-049 for-good"))
	secrets.AddToken("one more")
	assert.Equal(t, "renewed-000 [redacted] [redacted] [redacted]", secrets.Text("renewed-000 renewed-001 one more for-good"))
}

// A client has its Secrets in a field that fmt shows without asking.
func TestSecretsAreNotShown(t *testing.T) {
	var holder struct{ secrets scrub.Secrets }
	holder.secrets.Add("t0p-secret")
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%d", "%x"} {
		assert.NotContains(t, fmt.Sprintf(verb, &holder), "t0p-secret", verb)
		assert.NotContains(t, fmt.Sprintf(verb, struct{ h any }{&holder}), "t0p-secret", verb)
	}
}

// Secrets in common are those of each client that includes them, also those that are added later.
func TestInclude(t *testing.T) {
	var common, own scrub.Secrets
	own.Add("own-secret")
	own.Include(&common)
	common.Add("common-secret")
	assert.Equal(t, "[redacted] [redacted]", own.Text("own-secret common-secret"))
	assert.Equal(t, "own-secret [redacted]", common.Text("own-secret common-secret"))
}
