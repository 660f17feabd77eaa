package settings

import (
	"io/fs"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ltxstore/ltxstore"
	internal "github.com/ltxstore/ltxstore/internal/settings"
)

type layout string

func (l *layout) UnmarshalText(text []byte) error { *l = layout(text); return nil }

type nested struct {
	Attempts int `ltx:"attempts,not=count" default:"d" help:"h"`
}

type config struct {
	Place   string            `ltx:"place" default:"d" help:"h"`
	Secret  string            `ltx:"secret-key,secret" default:"d" help:"h"`
	On      bool              `ltx:"on" default:"d" help:"h"`
	Maybe   *bool             `ltx:"maybe-so|old-name|MAYBE" default:"d" help:"h"`
	Count   int               `ltx:"count" default:"d" help:"h"`
	Size    int64             `ltx:"part-size,size" default:"d" help:"h"`
	Wait    time.Duration     `ltx:"wait" default:"d" help:"h"`
	Mode    fs.FileMode       `ltx:"mode" default:"d" help:"h"`
	Key     []byte            `ltx:"key,base64,secret" default:"d" help:"h"`
	Tags    map[string]string `ltx:"tags" default:"d" help:"h"`
	Layout  layout            `ltx:"layout,kind=layout" default:"d" help:"h"`
	Nested  nested            `ltx:""`
	Handler func()            `ltx:"-"`
}

func toy() *Table { return newTable(reflect.TypeFor[config]()) }

// toyPlace is the Place of a toy's URL.
func toyPlace(u URL) (map[string]string, error) {
	if u.Host == "" {
		return nil, nil
	}
	return map[string]string{"place": u.Host + u.Path}, nil
}

// whole returns the part of t if all of src belongs to it.
func whole(t *Table, src ltxstore.Source, place func(URL) (map[string]string, error)) part {
	inURL, err := t.fromURL(src.URL, place)
	p := part{Table: t, err: err}
	for _, v := range slices.Concat(inURL, fromFile(src.Settings, src.Where, false), fromFile(src.Defaults, src.Where, true)) {
		p.add(v)
	}
	return p
}

// decodeAs decodes src into a Config by its tags alone.
func decodeAs[C any](src ltxstore.Source) (cfg C, findLayout bool, err error) {
	t, v := newTable(reflect.TypeFor[C]()), reflect.ValueOf(&cfg).Elem()
	findLayout, err = whole(t, src, func(URL) (map[string]string, error) { return nil, nil }).decode(src.Layout, v)
	return cfg, findLayout, internal.Join(err, t.validate("settings", v))
}

func decode(t *Table, src ltxstore.Source) (cfg config, findLayout bool, err error) {
	findLayout, err = whole(t, src, toyPlace).decode(src.Layout, reflect.ValueOf(&cfg).Elem())
	return cfg, findLayout, err
}

func TestResolve(t *testing.T) {
	yes := true
	want := config{Place: "host/a b", Secret: "s+/=", On: true, Maybe: &yes, Count: 3, Size: 5 << 20, Wait: 90 * time.Second,
		Mode: 0o750, Key: []byte("key"), Tags: map[string]string{"env": "a,b=c", "x.y": "z"}, Layout: "flat"}
	fromURL, auto, err := decode(toy(), ltxstore.Source{
		URL: "toy://host/a%20b?secret-key=s%2B/=&on=Yes&maybeSo=1&count=3&partSize=5MiB&wait=1m30s&mode=0750&key=a2V5&tags.env=a,b=c&tags.x.y=z&layout=flat"})
	require.NoError(t, err)
	assert.False(t, auto)
	assert.Equal(t, want, fromURL)

	sparse, _, err := decode(toy(), ltxstore.Source{URL: "toy://host?&count=3&&on=1&"})
	require.NoError(t, err)
	assert.Equal(t, config{Place: "host", Count: 3, On: true}, sparse, "what is after an empty part counts")

	fromFile, _, err := decode(toy(), ltxstore.Source{Settings: map[string]string{"place": "host/a b", "secret-key": "s+/=",
		"on": "true", "MAYBE": "t", "count": "3", "part-size": "5242880", "wait": "90s", "mode": "0o750", "key": "a2V5",
		"tags.env": "a,b=c", "tags.x.y": "z", "layout": "flat"}})
	require.NoError(t, err)
	assert.Equal(t, want, fromFile)
}

func TestPrecedence(t *testing.T) {
	cfg, _, err := decode(toy(), ltxstore.Source{
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
		cfg, auto, err := decode(toy(), ltxstore.Source{URL: tt.url, Layout: tt.given})
		require.NoError(t, err)
		assert.Equal(t, tt.want, cfg.Layout, tt)
		assert.Equal(t, tt.auto, auto, tt)
	}
}

func TestRefusals(t *testing.T) {
	line := func(key string) (line, column int) { return map[string]int{"part-size": 3, "count": 4}[key], 0 }
	for _, tt := range []struct {
		src  ltxstore.Source
		says string
	}{
		{ltxstore.Source{URL: "toy://h?part-sise=1"}, "unknown setting \"part-sise\" in the URL: did you mean part-size?"},
		{ltxstore.Source{URL: "toy://h?frobnicate=1"}, `unknown setting "frobnicate" in the URL (known: MAYBE, attempts, count, key, layout, maybe-so, mode, old-name, on, part-size, place, secret-key, tags, wait)`},
		{ltxstore.Source{URL: "toy://h?on=ture"}, `on in the URL is "ture": want true or false`},
		{ltxstore.Source{URL: "toy://h?on"}, "has a setting without a value"},
		{ltxstore.Source{URL: "toy://h?=1"}, "whose name cannot be read"},
		{ltxstore.Source{URL: "toy://h?on=%zz"}, "on, in the URL's query, has a % that"},
		{ltxstore.Source{URL: "toy://h/%zz"}, "path has a %"},
		{ltxstore.Source{URL: "toy://a:%zz@h/"}, "user or password has a %"},
		{ltxstore.Source{URL: "toy://h%41/"}, "host has a %"},
		{ltxstore.Source{URL: "toy://h#x"}, "has a fragment"},
		{ltxstore.Source{URL: "toy://h&count=1"}, "the setting count is in the URL's path: want ? before the first setting"},
		{ltxstore.Source{URL: "toy://h/a&b=c;secret-key=hush?count=1"}, "the setting secret-key is in the URL's path"},
		{ltxstore.Source{URL: "host/path"}, "has no scheme"},
		{ltxstore.Source{URL: `C:\replica`}, "has no scheme"},
		{ltxstore.Source{URL: "1x://h"}, "has no scheme"},
		{ltxstore.Source{URL: "toy://h?count=1&count=2"}, `count in the URL is "1" and count in the URL is "2": want one of them`},
		{ltxstore.Source{URL: "toy://h?partSize=1&part-size=2"}, `partSize in the URL is "1" and part-size in the URL is "2"`},
		{ltxstore.Source{URL: "toy://h?place=other"}, `place in the URL is "h" and place in the URL is "other"`},
		{ltxstore.Source{URL: "toy://h?count=1&attempts=2"}, "are the same setting: want one of them"},
		{ltxstore.Source{URL: "toy://h?count=1", Settings: map[string]string{"count": "2"}, Where: line}, `count in the URL is "1" and count (line 4) is "2": want one of them`},
		{ltxstore.Source{Settings: map[string]string{"part-size": "5 parsecs"}, Where: line}, `part-size (line 3) is "5 parsecs": want a size in bytes such as 5242880, 5MiB or 1.5GB`},
		{ltxstore.Source{URL: "toy://h?count=-1"}, "want a whole number"},
		{ltxstore.Source{URL: "toy://h?wait=90"}, "with its unit"},
		{ltxstore.Source{URL: "toy://h?wait=-1s"}, "with its unit"},
		{ltxstore.Source{URL: "toy://h?mode=488"}, "in octal"},
		{ltxstore.Source{URL: "toy://h?mode=0888"}, "in octal"},
		{ltxstore.Source{URL: "toy://h?tags=a"}, "tags in the URL has no name of its own: want tags.NAME"},
		{ltxstore.Source{URL: "toy://h?tags.=a&tags.=b"}, "want one of them"},
		{ltxstore.Source{URL: "toy://h?count.x=1"}, "unknown setting"},
		{ltxstore.Source{URL: "toy://h?place=http://me:hush@h"}, "place in the URL is not shown"},
		{ltxstore.Source{URL: "toy://h?secret-key=hush&secretKey=hush2"}, "secret-key in the URL is not shown and secretKey in the URL is not shown"},
		{ltxstore.Source{URL: "toy://h?key=hush!"}, "key in the URL is not shown: want base64"},
		{ltxstore.Source{Defaults: map[string]string{"nothing": "1"}}, `unknown setting "nothing"`},
	} {
		_, _, err := decode(toy(), tt.src)
		if assert.Error(t, err, tt.src.URL) {
			assert.Contains(t, err.Error(), tt.says)
			assert.NotContains(t, err.Error(), "hush")
			assert.NotContains(t, err.Error(), "\n")
		}
	}
}

func TestNoPlace(t *testing.T) {
	require.NoError(t, whole(toy(), ltxstore.Source{URL: "toy://?count=1"}, noPlace).err)
	for _, u := range []string{"toy://h", "toy:///p", "toy:p", "toy://u@"} {
		assert.ErrorContains(t, whole(toy(), ltxstore.Source{URL: u}, noPlace).err, "names a place", u)
	}
}

func TestLookup(t *testing.T) {
	for key, want := range map[string]string{"part-size": "part-size", "partSize": "part-size", "old-name": "maybe-so", "oldName": "maybe-so",
		"MAYBE": "maybe-so", "tags.env": "tags.env", "tags": "", "partsize": "", "PartSize": "", "": "", "x": ""} {
		name, secret, ok := toy().Lookup(key)
		assert.Equal(t, want, name, key)
		assert.Equal(t, want != "", ok, key)
		assert.False(t, secret)
	}
	_, secret, _ := toy().Lookup("secretKey")
	assert.True(t, secret)
}

func TestMarkdown(t *testing.T) {
	text := toy().Markdown()
	assert.Contains(t, text, "| `maybe-so`, `old-name`, `MAYBE` | true or false | d | h |\n")
	assert.Contains(t, text, "| `secret-key` | text | d | h Secret: never shown. |\n")
	assert.Contains(t, text, "| `tags.NAME` | map | d | h |\n")
	assert.Contains(t, text, "\nOnly code can set: `Handler`.\n")
}

func TestParseSize(t *testing.T) {
	for text, want := range map[string]int64{
		"0": 0, "5242880": 5242880, "5MiB": 5 << 20, "5mib": 5 << 20, "5 MiB": 5 << 20, "5M": 5e6, "5MB": 5e6, "1.5GB": 15e8,
		"64Ki": 64 << 10, "10B": 10, "2TiB": 2 << 40, "0.5KiB": 512, "1.9B": 2, "1.005kB": 1005, "9007199254740992": 1 << 53,
	} {
		got, err := ParseSize(text)
		require.NoError(t, err, text)
		assert.Equal(t, want, got, text)
	}
	for _, text := range []string{"", "MiB", "-1", "+1", "1/3", "1e9", "1.2.3", "5 parsecs", "5MiBB", "0x10", "9007199254740994", "99999999TiB", "1.", ".", "NaN", "0.1B", ".9",
		"111111111111111111111111111111111"} {
		n, err := ParseSize(text)
		if text == "1." { // as ParseFloat reads it
			require.NoError(t, err)
			continue
		}
		assert.Error(t, err, "%s is %d", text, n)
	}
}

func TestNumber(t *testing.T) {
	type numbers struct {
		Rate *float64 `ltx:"rate"`
		Size *int64   `ltx:"size,size"`
	}
	rate := func(text string) (float64, error) {
		cfg, _, err := decodeAs[numbers](ltxstore.Source{Settings: map[string]string{"rate": text}})
		if err != nil {
			return 0, err
		}
		return *cfg.Rate, nil
	}
	for text, want := range map[string]float64{"10": 10, "0.5": 0.5, ".5": 0.5, "3.": 3} {
		got, err := rate(text)
		require.NoError(t, err, text)
		assert.Equal(t, want, got, text)
	}
	for _, text := range []string{"", ".", "-1", "+1", "1e9", "0x10", "Inf", "NaN", "1_0", "1.2.3", "ten", strings.Repeat("9", 400)} {
		_, err := rate(text)
		assert.ErrorContains(t, err, "want a number such as 10 or 0.5", text)
	}
	_, err := rate("0")
	assert.ErrorContains(t, err, "want more than 0")
	_, _, err = decodeAs[numbers](ltxstore.Source{Settings: map[string]string{"size": "0MiB"}})
	assert.ErrorContains(t, err, `size is "0MiB": want more than 0`)
}

// All that is wrong is told at once, a line each.
func TestEveryMistake(t *testing.T) {
	type bounded struct {
		Size  int64  `ltx:"part-size,size,max=1KiB"`
		Count int    `ltx:"count"`
		Class string `ltx:"class,oneof=hot|cold"`
	}
	_, _, err := decodeAs[bounded](ltxstore.Source{
		URL:      "toy://h?count=x&class=warm",
		Settings: map[string]string{"part-sise": "1", "part-size": "2KiB"},
		Defaults: map[string]string{"clas": "hot"},
	})
	require.Error(t, err)
	lines := strings.Split(err.Error(), "\n")
	require.Len(t, lines, 5, err)
	for i, says := range []string{"did you mean part-size?", "did you mean class?", `count in the URL is "x"`, "Size is 2048: want 0 (default), or at most 1 KiB", `Class is "warm"`} {
		assert.Contains(t, lines[i], says)
	}
}

// An empty value is the default, and leaves what is inherited.
func TestEmptyValues(t *testing.T) {
	defaults := map[string]string{"wait": "3s", "maybe-so": "true", "place": "p"}
	cfg, _, err := decodeAs[config](ltxstore.Source{URL: "toy:?wait=&on=", Settings: map[string]string{"maybe-so": "", "place": "", "count": "", "layout": ""}, Defaults: defaults})
	require.NoError(t, err)
	want, _, err := decodeAs[config](ltxstore.Source{Settings: defaults})
	require.NoError(t, err)
	assert.Equal(t, want, cfg)

	type limited struct {
		Rate *int64            `ltx:"rate,size"`
		Tags map[string]string `ltx:"tags"`
	}
	_, _, err = decodeAs[limited](ltxstore.Source{Settings: map[string]string{"rate": ""}})
	assert.ErrorContains(t, err, `rate is "": want a size`, "an empty limit is not no limit")
	tagged, _, err := decodeAs[limited](ltxstore.Source{Settings: map[string]string{"tags.env": ""}})
	require.NoError(t, err)
	assert.Equal(t, map[string]string{"env": ""}, tagged.Tags)
}

func TestNothingIsAllowed(t *testing.T) {
	cfg, _, err := decodeAs[config](ltxstore.Source{Settings: map[string]string{"wait": "0s", "count": "0", "part-size": "0"}})
	require.NoError(t, err)
	assert.Equal(t, config{}, cfg)
}

// A client retries if its Config says so, not for having a nested struct.
func TestRetries(t *testing.T) {
	type retrying struct {
		Nested nested         `ltx:"nested"`
		Retry  ltxstore.Retry `ltx:"retry"`
	}
	for text, want := range map[string]bool{"0": true, "1": false, "2": true} {
		cfg, _, err := decodeAs[retrying](ltxstore.Source{Settings: map[string]string{"retry-max-attempts": text}})
		require.NoError(t, err)
		assert.Equal(t, want, tableOf(reflect.TypeFor[retrying]()).retries(reflect.ValueOf(cfg)), text)
	}
	assert.False(t, toy().retries(reflect.ValueOf(config{Nested: nested{Attempts: 3}})))
}
