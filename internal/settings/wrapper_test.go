package settings_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ltxstore/ltxstore/internal/settings"
)

type wrapping struct {
	Level  string
	Sizes  int
	Keys   []string
	Hidden []string
}

func wrapperTable() settings.Table[wrapping] {
	return settings.Table[wrapping]{
		Wrapper: []string{"toy", "old"},
		Rows: []settings.Row[wrapping]{
			{Name: "level", Default: "d", Help: "h", To: settings.Text(func(c *wrapping) *string { return &c.Level })},
			{Name: "frame-size", Default: "d", Help: "h", To: settings.Size(func(c *wrapping) *int { return &c.Sizes })},
			{Name: "keys", Default: "d", Help: "h", To: settings.List(func(c *wrapping) *[]string { return &c.Keys })},
			{Name: "hidden", Default: "d", Help: "h", Secret: true, To: settings.List(func(c *wrapping) *[]string { return &c.Hidden })},
		},
	}
}

// wrap returns the Config that src makes, or nil where the wrapper is off.
func wrap(t settings.Table[wrapping], src settings.Source) (*wrapping, error) {
	refuse := func(cfg wrapping) error {
		if cfg.Level == "refused" {
			return errors.New("no such level")
		}
		return nil
	}
	return settings.Wrap(t, src, nil, refuse, func(_ *wrapping, cfg wrapping) *wrapping { return &cfg })
}

func TestWrap(t *testing.T) {
	all := &wrapping{Level: "3", Sizes: 4096, Keys: []string{"a", "b,c", "a"}, Hidden: []string{"k"}}
	every := map[string]string{"old.level": "3", "toy.frameSize": "4KiB", "toy.keys.0": "a", "toy.keys.1": "b,c", "toy.keys.2": "a", "toy.hidden": "k"}
	for name, tt := range map[string]struct {
		src  settings.Source
		want *wrapping
	}{
		"a URL":                 {settings.Source{URL: "toy:?toy.level=3&old.frame-size=4KiB&toy.keys=a&old.keys=b,c&toy.keys=a&toy.hidden=k"}, all},
		"a file":                {settings.Source{Settings: every}, all},
		"what is inherited":     {settings.Source{Defaults: every}, all},
		"both, alike":           {settings.Source{URL: "toy:?toy.keys=a&toy.keys=b,c&toy.keys=a", Settings: every}, all},
		"items in a URL":        {settings.Source{URL: "toy:?toy.keys.10=z&toy.keys.2=b"}, &wrapping{Keys: []string{"b", "z"}}},
		"items in a file":       {settings.Source{Settings: map[string]string{"toy.keys.10": "z", "toy.keys.2": "b"}}, &wrapping{Keys: []string{"b", "z"}}},
		"lists are replaced":    {settings.Source{URL: "toy:?toy.keys=z", Defaults: every}, &wrapping{Level: "3", Sizes: 4096, Keys: []string{"z"}, Hidden: []string{"k"}}},
		"its name is enough":    {settings.Source{URL: "toy:?old=true"}, &wrapping{}},
		"so is the switch":      {settings.Source{URL: "toy:?old.enabled=yes&toy=yes"}, &wrapping{}},
		"off":                   {settings.Source{URL: "toy:?toy=false"}, nil},
		"off beside defaults":   {settings.Source{URL: "toy:?toy=0", Defaults: every}, nil},
		"off by default":        {settings.Source{Defaults: map[string]string{"toy": "off"}}, nil},
		"on beside off":         {settings.Source{URL: "toy:?toy=1", Defaults: map[string]string{"toy": "off"}}, &wrapping{}},
		"a setting beside off":  {settings.Source{URL: "toy:?toy.level=1", Defaults: map[string]string{"toy": "off"}}, &wrapping{Level: "1"}},
		"on beside what is not": {settings.Source{URL: "toy:?toy=1&toy.level=2"}, &wrapping{Level: "2"}},
	} {
		got, err := wrap(wrapperTable(), tt.src)
		require.NoError(t, err, name)
		assert.Equal(t, tt.want, got, name)
	}
}

// A wrapper that is locked may be turned off where nothing is inherited.
func TestWrapLocked(t *testing.T) {
	locked := wrapperTable()
	locked.Locked = true
	for _, src := range []settings.Source{
		{URL: "toy:?old=0"}, {Settings: map[string]string{"toy": "false"}}, {Defaults: map[string]string{"toy": "off"}},
		{URL: "toy:?old=0", Defaults: map[string]string{"toy": "off"}},
	} {
		got, err := wrap(locked, src)
		require.NoError(t, err)
		assert.Nil(t, got)
	}
	_, err := wrap(locked, settings.Source{URL: "toy:?old=0", Defaults: map[string]string{"toy": "perhaps"}})
	assert.ErrorContains(t, err, `toy is "perhaps": want true or false`)
}

func TestWrapRefusals(t *testing.T) {
	locked := wrapperTable()
	locked.Locked = true
	line := func(key string) string { return map[string]string{"toy.level": "line 3"}[key] }
	for _, tt := range []struct {
		table settings.Table[wrapping]
		src   settings.Source
		says  string
	}{
		{wrapperTable(), settings.Source{URL: "toy:?toy.levle=3"}, "toy.levle in the URL is no setting: did you mean toy.level? known are toy.enabled, toy.frame-size, toy.hidden, toy.keys, toy.level"},
		{wrapperTable(), settings.Source{URL: "toy:?old.enable=1"}, "did you mean old.enabled?"},
		{wrapperTable(), settings.Source{URL: "toy:?toy.=1"}, "toy. in the URL is no setting"},
		{wrapperTable(), settings.Source{URL: "toy:?toy=ja"}, `toy in the URL is "ja": want true or false`},
		{wrapperTable(), settings.Source{URL: "toy:?toy=1&toy.enabled=0"}, `toy in the URL is "1" and toy.enabled in the URL is "0": want one of them`},
		{wrapperTable(), settings.Source{URL: "toy:?toy=0&toy.level=3"}, "toy in the URL is false beside toy.level in the URL: want one of them"},
		{wrapperTable(), settings.Source{Defaults: map[string]string{"toy": "0", "toy.level": "3"}, Where: line}, "toy is false beside toy.level (line 3)"},
		{locked, settings.Source{URL: "toy:?old=0", Defaults: map[string]string{"toy.level": "3"}, Where: line}, "old in the URL is false beside toy.level (line 3): want one of them"},
		{locked, settings.Source{URL: "toy:?old=0", Defaults: map[string]string{"toy.enabled": "true"}}, "old in the URL is false beside toy.enabled: want one of them"},
		{wrapperTable(), settings.Source{URL: "toy:?toy.level=refused"}, "no such level"},
		{wrapperTable(), settings.Source{URL: "toy:?toy.keys.x=1"}, "toy.keys.x in the URL is no setting"},
		{wrapperTable(), settings.Source{URL: "toy:?toy.keys.1=a&toy.keys.1=b"}, `toy.keys.1 in the URL is "a" and toy.keys.1 in the URL is "b"`},
		{wrapperTable(), settings.Source{URL: "toy:?toy.keys=a", Settings: map[string]string{"toy.keys": "b"}}, `toy.keys in the URL is "a" and toy.keys is "b"`},
		{wrapperTable(), settings.Source{URL: "toy:?toy.hidden=hush", Settings: map[string]string{"toy.hidden": "hush2"}}, "toy.hidden in the URL is not shown"},
		{wrapperTable(), settings.Source{URL: "toy:?toy.frame-size=9999999999TiB"}, "want a size in bytes"},
		{wrapperTable(), settings.Source{URL: "toy:?level=3"}, "level in the URL is no setting"},
	} {
		_, err := wrap(tt.table, tt.src)
		if assert.Error(t, err, tt.src) {
			assert.ErrorContains(t, err, tt.says)
			assert.NotContains(t, err.Error(), "hush")
		}
	}
}

func TestWrapperLookup(t *testing.T) {
	for key, want := range map[string]string{"toy": "toy.enabled", "old.enabled": "toy.enabled", "old.frameSize": "toy.frame-size",
		"toy.keys.3": "toy.keys", "toy.keys": "toy.keys", "level": "", "toy.none": "", "toy.keys.x": "", "": ""} {
		name, secret, ok := wrapperTable().Lookup(key)
		assert.Equal(t, want, name, key)
		assert.Equal(t, want != "", ok, key)
		assert.False(t, secret)
	}
	_, secret, _ := wrapperTable().Lookup("old.hidden.7")
	assert.True(t, secret)
	assert.Empty(t, wrapperTable().Check())
	assert.Contains(t, wrapperTable().Markdown(), "| `toy.enabled`, `toy`, `old` | true or false |")
	assert.Contains(t, wrapperTable().Markdown(), "| `toy.keys` | list | d | h |\n")
}

func TestPeel(t *testing.T) {
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
	store, of, err := settings.Peel(settings.Source{
		Type: "s3", URL: "s3://b/p%20q?toy.level=%33&a=%31&&old=1&tags.toy=x&b=2", Layout: "flat",
		Settings: map[string]string{"toy.keys": "a", "c": "3"}, Defaults: map[string]string{"old.level": "9", "d": "4"},
	}, owner)
	require.NoError(t, err)
	assert.Equal(t, settings.Source{Type: "s3", URL: "s3://b/p%20q?a=%31&&tags.toy=x&b=2", Layout: "flat",
		Settings: map[string]string{"c": "3"}, Defaults: map[string]string{"d": "4"}}, store)
	assert.Equal(t, map[string]settings.Source{"toy": {URL: "toy:?toy.level=%33&old=1",
		Settings: map[string]string{"toy.keys": "a"}, Defaults: map[string]string{"old.level": "9"}}}, of)

	for _, raw := range []string{"", "s3://b", "s3://b?", "s3://b?a=1", "s3://b#toy=1", "s3://b?toy", "s3://b?%zz=1"} {
		store, of, err := settings.Peel(settings.Source{URL: raw}, owner)
		require.NoError(t, err)
		assert.Equal(t, raw, store.URL, "it is as it was")
		assert.Empty(t, of)
	}
	store, _, err = settings.Peel(settings.Source{URL: "s3://b?toy=1"}, owner)
	require.NoError(t, err)
	assert.Equal(t, "s3://b", store.URL)

	where := func(string) string { return "line 3" }
	for _, src := range []settings.Source{{URL: "s3://b?a=1&gone.x=1"}, {Settings: map[string]string{"gone.x": "1"}}, {Defaults: map[string]string{"gone.x": "1"}}} {
		src.Where = where
		_, _, err := settings.Peel(src, owner)
		assert.Regexp(t, `^gone\.x( in the URL| \(line 3\)) is of nobody$`, err)
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
