package ltxstore_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/ltxstore/ltxstore"
)

func TestRedact(t *testing.T) {
	registerMarkers()
	red := register(&recorder{})
	for raw, want := range map[string]string{
		red + "://a:b@h/p?open=1&hidden=2&unknown=3": red + "://[redacted]@h/p?open=1&hidden=[redacted]&unknown=[redacted]",
		"strange://h/p?open=1":                       "strange://h/p?open=[redacted]",
		"no url at all":                              "no url at all",

		"mem://?crypt.recipients=hush&age=hush": "mem://?crypt.recipients=[redacted]&age=[redacted]", // is not imported
		"mem://?mirror=true&alpha=FALSE":        "mem://?mirror=true&alpha=FALSE",
		"mem://?mirror=s3:%2F%2Fkey@b":          "mem://?mirror=[redacted]",
		"mem://?mirror=hush&mirror.x=y":         "mem://?mirror=[redacted]&mirror.x=y",
	} {
		assert.Equal(t, want, ltxstore.Redact(raw), raw)
	}
}

func TestSourceString(t *testing.T) {
	red := register(&recorder{})
	given := map[string]string{"hidden": "hush", "open": "1", "unknown": "hush"}
	const shown = `["hidden" "open" "unknown"]`
	for name, tt := range map[string]struct {
		src  ltxstore.Source
		want string
	}{
		"by its type": {ltxstore.Source{Type: red, Settings: given, Layout: "flat"},
			`Type:"` + red + `" URL:"" Settings:` + shown + ` Defaults:[] Layout:"flat"`},
		"by its URL": {ltxstore.Source{URL: red + "://a:hush@h?open=2&hidden=hush", Defaults: given},
			`Type:"" URL:"` + red + `://[redacted]@h?open=2&hidden=[redacted]" Settings:[] Defaults:` + shown + ` Layout:""`},
		"neither": {ltxstore.Source{Settings: map[string]string{"open": "hush"}},
			`Type:"" URL:"" Settings:["open"] Defaults:[] Layout:""`},
		"mirrors": {ltxstore.Source{Type: red, Mirrors: []ltxstore.Source{{Type: red, Settings: given}}},
			`Type:"` + red + `" URL:"" Settings:[] Defaults:[] Layout:"" Mirrors:[ltxstore.Source{Type:"` + red + `" URL:"" Settings:` + shown + ` Defaults:[] Layout:""}]`},
	} {
		assert.Equal(t, "ltxstore.Source{"+tt.want+"}", tt.src.String(), name)
	}
}
