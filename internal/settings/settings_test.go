package settings_test

import (
	"encoding"
	"io/fs"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ltxstore/ltxstore/internal/settings"
)

type layout string

func (l *layout) UnmarshalText(text []byte) error { *l = layout(text); return nil }

type nested struct{ Attempts int }

type config struct {
	Place   string
	Secret  string
	On      bool
	Maybe   *bool
	Count   int
	Size    int64
	Wait    time.Duration
	Mode    fs.FileMode
	Key     []byte
	Tags    map[string]string
	Layout  layout
	Nested  nested
	Handler func()
}

type row = settings.Row[config]

func rows() []row {
	return []row{
		{Name: "place", To: settings.Text(func(c *config) *string { return &c.Place })},
		{Name: "secret-key", Secret: true, To: settings.Text(func(c *config) *string { return &c.Secret })},
		{Name: "on", To: settings.Bool(func(c *config) *bool { return &c.On })},
		{Name: "maybe-so", Aliases: []string{"old-name", "MAYBE"}, To: settings.OptionalBool(func(c *config) **bool { return &c.Maybe })},
		{Name: "count", To: settings.Int(func(c *config) *int { return &c.Count })},
		{Name: "part-size", To: settings.Size(func(c *config) *int64 { return &c.Size })},
		{Name: "wait", To: settings.Duration(func(c *config) *time.Duration { return &c.Wait })},
		{Name: "mode", To: settings.Mode(func(c *config) *fs.FileMode { return &c.Mode })},
		{Name: "key", Secret: true, To: settings.Base64(func(c *config) *[]byte { return &c.Key })},
		{Name: "tags", To: settings.Pairs(func(c *config) *map[string]string { return &c.Tags })},
		{Name: settings.LayoutName, To: settings.Layout(func(c *config) encoding.TextUnmarshaler { return &c.Layout })},
		{Name: "attempts", To: settings.Int(func(c *config) *int { return &c.Nested.Attempts })},
	}
}

func table() settings.Table[config] {
	t := settings.Table[config]{
		Rows:     rows(),
		CodeOnly: []string{"Handler"},
		Exclude:  [][2]string{{"count", "attempts"}},
		Place: func(u settings.URL) (map[string]string, error) {
			if u.Host == "" {
				return nil, nil
			}
			return map[string]string{"place": u.Host + u.Path}, nil
		},
	}
	for i := range t.Rows {
		t.Rows[i].Default, t.Rows[i].Help = "d", "h"
	}
	return t
}

func TestResolve(t *testing.T) {
	yes := true
	want := config{Place: "host/a b", Secret: "s+/=", On: true, Maybe: &yes, Count: 3, Size: 5 << 20, Wait: 90 * time.Second,
		Mode: 0o750, Key: []byte("key"), Tags: map[string]string{"env": "a,b=c", "x.y": "z"}, Layout: "flat"}
	fromURL, auto, err := table().Resolve(settings.Source{
		URL: "toy://host/a%20b?secret-key=s%2B/=&on=Yes&maybeSo=1&count=3&partSize=5MiB&wait=1m30s&mode=0750&key=a2V5&tags.env=a,b=c&tags.x.y=z&layout=flat"})
	require.NoError(t, err)
	assert.False(t, auto)
	assert.Equal(t, want, fromURL)

	sparse, _, err := table().Resolve(settings.Source{URL: "toy://host?&count=3&&on=1&"})
	require.NoError(t, err)
	assert.Equal(t, config{Place: "host", Count: 3, On: true}, sparse, "what is after an empty part counts")

	fromFile, _, err := table().Resolve(settings.Source{Settings: map[string]string{"place": "host/a b", "secret-key": "s+/=",
		"on": "true", "MAYBE": "t", "count": "3", "part-size": "5242880", "wait": "90s", "mode": "0o750", "key": "a2V5",
		"tags.env": "a,b=c", "tags.x.y": "z", "layout": "flat"}})
	require.NoError(t, err)
	assert.Equal(t, want, fromFile)
}

func TestPrecedence(t *testing.T) {
	cfg, _, err := table().Resolve(settings.Source{
		URL:      "toy://host?count=1",
		Settings: map[string]string{"wait": "2s", "count": "1"},
		Defaults: map[string]string{"count": "9", "wait": "9s", "on": "true", "place": "elsewhere", "attempts": "4"},
	})
	require.NoError(t, err)
	assert.Equal(t, config{Place: "host", Count: 1, Wait: 2 * time.Second, On: true}, cfg)
}

func TestLayout(t *testing.T) {
	for _, tt := range []struct {
		url, given string
		want       layout
		auto       bool
	}{
		{"toy://h", "", "", false},
		{"toy://h", "flat", "flat", false},
		{"toy://h", "auto", "", true},
		{"toy://h?layout=deep", "auto", "deep", false},
		{"toy://h?layout=deep", "flat", "deep", false},
		{"toy://h?layout=auto", "flat", "flat", true},
		{"toy://h?layout=auto", "", "", true},
	} {
		cfg, auto, err := table().Resolve(settings.Source{URL: tt.url, Layout: tt.given})
		require.NoError(t, err)
		assert.Equal(t, tt.want, cfg.Layout, tt)
		assert.Equal(t, tt.auto, auto, tt)
	}
}

func TestRefusals(t *testing.T) {
	line := func(key string) string { return map[string]string{"part-size": "line 3", "count": "line 4"}[key] }
	for _, tt := range []struct {
		src  settings.Source
		says string
	}{
		{settings.Source{URL: "toy://h?part-sise=1"}, "part-sise in the URL is no setting: did you mean part-size? known are attempts, count, key, layout, maybe-so, mode, on, part-size, place, secret-key, tags.…, wait"},
		{settings.Source{URL: "toy://h?frobnicate=1"}, "frobnicate in the URL is no setting: known are"},
		{settings.Source{URL: "toy://h?on=ture"}, `on in the URL is "ture": want true or false`},
		{settings.Source{URL: "toy://h?on="}, `on in the URL is "": want true or false`},
		{settings.Source{URL: "toy://h?on"}, "has a setting without a value"},
		{settings.Source{URL: "toy://h?=1"}, "whose name cannot be read"},
		{settings.Source{URL: "toy://h?on=%zz"}, "on, in the URL's query, has a % that"},
		{settings.Source{URL: "toy://h/%zz"}, "path has a %"},
		{settings.Source{URL: "toy://a:%zz@h/"}, "user or password has a %"},
		{settings.Source{URL: "toy://h%41/"}, "host has a %"},
		{settings.Source{URL: "toy://h#x"}, "has a fragment"},
		{settings.Source{URL: "host/path"}, "has no scheme"},
		{settings.Source{URL: `C:\replica`}, "has no scheme"},
		{settings.Source{URL: "1x://h"}, "has no scheme"},
		{settings.Source{URL: "toy://h?count=1&count=2"}, `count in the URL is "1" and count in the URL is "2": want one of them`},
		{settings.Source{URL: "toy://h?partSize=1&part-size=2"}, `partSize in the URL is "1" and part-size in the URL is "2"`},
		{settings.Source{URL: "toy://h?place=other"}, `place in the URL is "h" and place in the URL is "other"`},
		{settings.Source{URL: "toy://h?count=1&attempts=2"}, "say the same thing: want one of them"},
		{settings.Source{URL: "toy://h?count=1", Settings: map[string]string{"count": "2"}, Where: line}, `count in the URL is "1" and count (line 4) is "2": want one of them`},
		{settings.Source{Settings: map[string]string{"part-size": "5 parsecs"}, Where: line}, `part-size (line 3) is "5 parsecs": want a size in bytes such as 5242880, 5MiB or 1.5GB`},
		{settings.Source{URL: "toy://h?count=-1"}, "want a whole number"},
		{settings.Source{URL: "toy://h?wait=90"}, "with its unit"},
		{settings.Source{URL: "toy://h?wait=-1s"}, "with its unit"},
		{settings.Source{URL: "toy://h?mode=488"}, "in octal"},
		{settings.Source{URL: "toy://h?mode=0888"}, "in octal"},
		{settings.Source{URL: "toy://h?tags=a"}, "tags in the URL has no name of its own: want tags.NAME"},
		{settings.Source{URL: "toy://h?tags.=a&tags.=b"}, "want one of them"},
		{settings.Source{URL: "toy://h?count.x=1"}, "is no setting"},
		{settings.Source{URL: "toy://h?place=http://me:hush@h"}, "place in the URL is not shown"},
		{settings.Source{URL: "toy://h?secret-key=hush&secretKey=hush2"}, "secret-key in the URL is not shown and secretKey in the URL is not shown"},
		{settings.Source{URL: "toy://h?key=hush!"}, "key in the URL is not shown: want base64"},
		{settings.Source{Defaults: map[string]string{"nothing": "1"}}, "nothing is no setting"},
	} {
		_, _, err := table().Resolve(tt.src)
		if assert.Error(t, err, tt.src.URL) {
			assert.Contains(t, err.Error(), tt.says)
			assert.NotContains(t, err.Error(), "hush")
			assert.NotContains(t, err.Error(), "\n")
		}
	}
}

func TestNoPlace(t *testing.T) {
	nowhere := settings.Table[config]{Rows: rows()}
	_, _, err := nowhere.Resolve(settings.Source{URL: "toy://?count=1"})
	require.NoError(t, err)
	for _, u := range []string{"toy://h", "toy:///p", "toy:p", "toy://u@"} {
		_, _, err := nowhere.Resolve(settings.Source{URL: u})
		assert.ErrorContains(t, err, "names a place", u)
	}
}

func TestLookup(t *testing.T) {
	for key, want := range map[string]string{"part-size": "part-size", "partSize": "part-size", "old-name": "maybe-so", "oldName": "maybe-so",
		"MAYBE": "maybe-so", "tags.env": "tags.env", "tags": "", "partsize": "", "PartSize": "", "": "", "x": ""} {
		name, secret, ok := table().Lookup(key)
		assert.Equal(t, want, name, key)
		assert.Equal(t, want != "", ok, key)
		assert.False(t, secret)
	}
	_, secret, _ := table().Lookup("secretKey")
	assert.True(t, secret)
}

func TestCheck(t *testing.T) {
	assert.Empty(t, table().Check())
	bad := table()
	bad.Rows = bad.Rows[1:]
	bad.Rows[0].Aliases = []string{"on"}
	bad.Rows[1].Help = ""
	bad.Rows = append(bad.Rows, row{Name: "twice", Default: "d", Help: "h", To: settings.Bool(func(c *config) *bool { return &c.On })})
	bad.CodeOnly = append(bad.CodeOnly, "Gone")
	assert.Equal(t, []string{
		"CodeOnly names Gone, which is no field",
		"field Place has no row and is not CodeOnly",
		"on has no default, no help or no field",
		"on is a name of secret-key and of on",
		"twice sets what is no field, is CodeOnly, or has another row",
	}, bad.Check())
}

func TestMarkdown(t *testing.T) {
	text := table().Markdown()
	assert.Contains(t, text, "| `maybe-so`, `old-name`, `MAYBE` | true or false | d | h |\n")
	assert.Contains(t, text, "| `secret-key` | text | d | h Secret: never shown. |\n")
	assert.Contains(t, text, "| `tags.NAME` | map | d | h |\n")
	assert.Contains(t, text, "\nOnly code can set: `Handler`.\n")
}

func TestParseSize(t *testing.T) {
	for text, want := range map[string]int64{
		"0": 0, "5242880": 5242880, "5MiB": 5 << 20, "5mib": 5 << 20, "5 MiB": 5 << 20, "5M": 5e6, "5MB": 5e6, "1.5GB": 15e8,
		"64Ki": 64 << 10, "10B": 10, "2TiB": 2 << 40, "0.5KiB": 512, "1.9B": 1, "9223372036854775807": 1<<63 - 1,
	} {
		got, err := settings.ParseSize(text)
		require.NoError(t, err, text)
		assert.Equal(t, want, got, text)
	}
	for _, text := range []string{"", "MiB", "-1", "+1", "1/3", "1e9", "1.2.3", "5 parsecs", "5MiBB", "0x10", "9223372036854775808", "99999999TiB", "1.", ".", "NaN",
		"111111111111111111111111111111111"} {
		n, err := settings.ParseSize(text)
		if text == "1." { // as big.Rat reads it
			require.NoError(t, err)
			continue
		}
		assert.Error(t, err, "%s is %d", text, n)
	}
}

func TestNearest(t *testing.T) {
	names := []string{"region", "endpoint", "secret-access-key"}
	for key, want := range map[string]string{"regoin": "region", "end-point": "endpoint", "secret-acces-key": "secret-access-key", "xyz": "", "": "", "REGION": "region"} {
		assert.Equal(t, want, settings.Nearest(key, names), key)
	}
}

func TestParseNumber(t *testing.T) {
	for text, want := range map[string]float64{"0": 0, "10": 10, "0.5": 0.5, ".5": 0.5, "3.": 3} {
		got, err := settings.ParseNumber(text)
		require.NoError(t, err, text)
		assert.Equal(t, want, got, text)
	}
	for _, text := range []string{"", ".", "-1", "+1", "1e9", "0x10", "Inf", "NaN", "1_0", "1.2.3", "ten", strings.Repeat("9", 400)} {
		_, err := settings.ParseNumber(text)
		assert.EqualError(t, err, "want a number such as 10 or 0.5", text)
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
