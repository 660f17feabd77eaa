package settings

import (
	"errors"
	"reflect"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ltxstore/ltxstore"
)

type outer struct {
	Level  string   `ltx:"level" default:"d" help:"h"`
	Sizes  int      `ltx:"frame-size,size" default:"d" help:"h"`
	Keys   []string `ltx:"keys" default:"d" help:"h"`
	Hidden []string `ltx:"hidden,secret" default:"d" help:"h"`
}

func wrapperToy() *Table {
	t := newTable(reflect.TypeFor[outer]())
	t.wrapper = []string{"toy", "old"}
	return t
}

// wrap returns the Config that src makes, or nil where the wrapper is off.
func wrap(t *Table, src ltxstore.Source) (made *outer, err error) {
	w := newWrapper(Wrapper[outer, ltxstore.ReplicaClient]{
		Names: t.wrapper,
		Check: func(cfg outer, _ bool) error {
			if cfg.Level == "refused" {
				return errors.New("no such level")
			}
			return nil
		},
	})
	l := &layer{part: whole(t, src, noPlace), wrapper: w, mirrors: src.Mirrors}
	if err := l.decode(false); err != nil || l.cfg == nil {
		return nil, err
	}
	return l.cfg.(*outer), nil
}

func TestWrap(t *testing.T) {
	all := &outer{Level: "3", Sizes: 4096, Keys: []string{"a", "b,c", "a"}, Hidden: []string{"k"}}
	every := map[string]string{"old.level": "3", "toy.frameSize": "4KiB", "toy.keys.0": "a", "toy.keys.1": "b,c", "toy.keys.2": "a", "toy.hidden": "k"}
	for name, tt := range map[string]struct {
		src  ltxstore.Source
		want *outer
	}{
		"a URL":                 {ltxstore.Source{URL: "toy:?toy.level=3&old.frame-size=4KiB&toy.keys=a&old.keys=b,c&toy.keys=a&toy.hidden=k"}, all},
		"a file":                {ltxstore.Source{Settings: every}, all},
		"what is inherited":     {ltxstore.Source{Defaults: every}, all},
		"both, alike":           {ltxstore.Source{URL: "toy:?toy.level=3&toy.frame-size=4KiB", Settings: every}, all},
		"items in a URL":        {ltxstore.Source{URL: "toy:?toy.keys.2=b&toy.keys.10=z"}, &outer{Keys: []string{"b", "z"}}},
		"items in a file":       {ltxstore.Source{Settings: map[string]string{"toy.keys.10": "z", "toy.keys.2": "b"}}, &outer{Keys: []string{"b", "z"}}},
		"lists are replaced":    {ltxstore.Source{URL: "toy:?toy.keys=z", Defaults: every}, &outer{Level: "3", Sizes: 4096, Keys: []string{"z"}, Hidden: []string{"k"}}},
		"its name is enough":    {ltxstore.Source{URL: "toy:?old=true"}, &outer{}},
		"so is the switch":      {ltxstore.Source{URL: "toy:?old.enabled=yes&toy=yes"}, &outer{}},
		"off":                   {ltxstore.Source{URL: "toy:?toy=false"}, nil},
		"off beside defaults":   {ltxstore.Source{URL: "toy:?toy=0", Defaults: every}, nil},
		"off by default":        {ltxstore.Source{Defaults: map[string]string{"toy": "off"}}, nil},
		"on beside off":         {ltxstore.Source{URL: "toy:?toy=1", Defaults: map[string]string{"toy": "off"}}, &outer{}},
		"a setting beside off":  {ltxstore.Source{URL: "toy:?toy.level=1", Defaults: map[string]string{"toy": "off"}}, &outer{Level: "1"}},
		"on beside what is not": {ltxstore.Source{URL: "toy:?toy=1&toy.level=2"}, &outer{Level: "2"}},
	} {
		got, err := wrap(wrapperToy(), tt.src)
		require.NoError(t, err, name)
		assert.Equal(t, tt.want, got, name)
	}
}

// A wrapper that is locked may be turned off where nothing is inherited.
func TestWrapLocked(t *testing.T) {
	locked := wrapperToy()
	locked.locked = true
	for _, src := range []ltxstore.Source{
		{URL: "toy:?old=0"}, {Settings: map[string]string{"toy": "false"}}, {Defaults: map[string]string{"toy": "off"}},
		{URL: "toy:?old=0", Defaults: map[string]string{"toy": "off"}},
	} {
		got, err := wrap(locked, src)
		require.NoError(t, err)
		assert.Nil(t, got)
	}
	_, err := wrap(locked, ltxstore.Source{URL: "toy:?old=0", Defaults: map[string]string{"toy": "perhaps"}})
	assert.ErrorContains(t, err, `toy is "perhaps": want true or false`)
}

func TestWrapRefusals(t *testing.T) {
	locked := wrapperToy()
	locked.locked = true
	line := func(key string) (line, column int) { return map[string]int{"toy.level": 3}[key], 0 }
	for _, tt := range []struct {
		table *Table
		src   ltxstore.Source
		says  string
	}{
		{wrapperToy(), ltxstore.Source{URL: "toy:?toy.levle=3"}, `unknown setting "toy.levle" in the URL: did you mean toy.level?`},
		{wrapperToy(), ltxstore.Source{URL: "toy:?old.enable=1"}, "did you mean old.enabled?"},
		{wrapperToy(), ltxstore.Source{URL: "toy:?toy.=1"}, `unknown setting "toy." in the URL`},
		{wrapperToy(), ltxstore.Source{URL: "toy:?toy=ja"}, `toy in the URL is "ja": want true or false`},
		{wrapperToy(), ltxstore.Source{URL: "toy:?toy=1&toy.enabled=0"}, `toy in the URL is "1" and toy.enabled in the URL is "0": want one of them`},
		{wrapperToy(), ltxstore.Source{URL: "toy:?toy=0&toy.level=3"}, "toy in the URL is false, and toy.level in the URL is set: want one of them"},
		{wrapperToy(), ltxstore.Source{Defaults: map[string]string{"toy": "0", "toy.level": "3"}, Where: line}, "toy is false, and toy.level (line 3) is set"},
		{locked, ltxstore.Source{URL: "toy:?old=0", Defaults: map[string]string{"toy.level": "3"}, Where: line}, "old in the URL is false, and toy.level (line 3) is set: want one of them"},
		{locked, ltxstore.Source{URL: "toy:?old=0", Defaults: map[string]string{"toy.enabled": "true"}}, "old in the URL is false, and toy.enabled is set: want one of them"},
		{wrapperToy(), ltxstore.Source{URL: "toy:?toy.level=refused"}, "no such level"},
		{wrapperToy(), ltxstore.Source{URL: "toy:?toy.keys.x=1"}, `unknown setting "toy.keys.x" in the URL`},
		{wrapperToy(), ltxstore.Source{URL: "toy:?toy.keys.1=a&toy.keys.1=b"}, `toy.keys.1 in the URL is "a" and toy.keys.1 in the URL is "b"`},
		{wrapperToy(), ltxstore.Source{URL: "toy:?toy.keys=a", Settings: map[string]string{"toy.keys": "b"}}, `toy.keys in the URL is "a" and toy.keys is "b"`},
		{wrapperToy(), ltxstore.Source{URL: "toy:?toy.hidden=hush", Settings: map[string]string{"toy.hidden": "hush2"}}, "toy.hidden in the URL is not shown"},
		{wrapperToy(), ltxstore.Source{URL: "toy:?toy.frame-size=9999999999TiB"}, "want a size in bytes"},
		{wrapperToy(), ltxstore.Source{URL: "toy:?level=3"}, `unknown setting "level" in the URL`},
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
		name, secret, ok := wrapperToy().Lookup(key)
		assert.Equal(t, want, name, key)
		assert.Equal(t, want != "", ok, key)
		assert.False(t, secret)
	}
	_, secret, _ := wrapperToy().Lookup("old.hidden.7")
	assert.True(t, secret)
	assert.Contains(t, wrapperToy().Markdown(), "| `toy.enabled`, `toy`, `old` | true or false |")
	assert.Contains(t, wrapperToy().Markdown(), "| `toy.keys` | list | d | h |\n")
}
