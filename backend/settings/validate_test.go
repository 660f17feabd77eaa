package settings

import (
	"io/fs"
	"reflect"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ltxstore/ltxstore"
)

// checked has a field for each thing that Validate checks.
type checked struct {
	Count   int               `ltx:"count,max=9"`
	Least   int               `ltx:"least,min=3"`
	Part    int64             `ltx:"part,size,min=1KiB,max=1MiB"`
	Big     int64             `ltx:"big,size,max=1MiB"`
	Wait    time.Duration     `ltx:"wait"`
	Kind    string            `ltx:"kind,oneof=one|two|three"`
	Word    string            `ltx:"word" match:"^[a-z]+$" want:"lower-case letters"`
	Path    string            `ltx:"path,path"`
	Layout  ltxstore.Layout   `ltx:"layout"`
	Secret  string            `ltx:"secret,secret" match:"^s" want:"an s"`
	List    []string          `ltx:"list,not=kind"`
	Tags    map[string]string `ltx:"tags,not=word"`
	Pointer *int              `ltx:"pointer,not=missing"`
	Retry   ltxstore.Retry    `ltx:"retry"`
}

func TestValidate(t *testing.T) {
	for name, cfg := range map[string]checked{
		"the zero value":       {},
		"the bounds":           {Count: 9, Least: 3, Part: 1 << 10, Big: 1 << 20},
		"the upper bound":      {Part: 1 << 20},
		"what is listed first": {Kind: "one"},
		"what is listed last":  {Kind: "three"},
		"all else":             {Wait: time.Hour, Word: "abc", Path: "a/b", Layout: ltxstore.LayoutLitestream, Secret: "s3"},
		"an empty list":        {List: []string{}, Kind: "two"},
		"an empty map":         {Tags: map[string]string{}, Word: "a"},
		"a list alone":         {List: []string{"a"}},
		"a pointer":            {Pointer: new(int)},
		"retries":              {Retry: ltxstore.Retry{MaxAttempts: 3}},
	} {
		assert.NoError(t, Validate("toy", cfg), name)
	}
	for want, cfg := range map[string]checked{
		"toy: init: invalid argument: Count is -1: want 0 (default), or at most 9":                    {Count: -1},
		"toy: init: invalid argument: Count is 10: want 0 (default), or at most 9":                    {Count: 10},
		"toy: init: invalid argument: Least is 2: want 0 (default), or at least 3":                    {Least: 2},
		"toy: init: invalid argument: Part is 1023: want 0 (default), or 1 KiB to 1 MiB in bytes":     {Part: 1<<10 - 1},
		"toy: init: invalid argument: Part is 1048577: want 0 (default), or 1 KiB to 1 MiB in bytes":  {Part: 1<<20 + 1},
		"toy: init: invalid argument: Big is 1048577: want 0 (default), or at most 1 MiB in bytes":    {Big: 1<<20 + 1},
		"toy: init: invalid argument: Wait is -1s: want 0 (default) or more":                          {Wait: -time.Second},
		`toy: init: invalid argument: Kind is "four": want "", "one", "two" or "three"`:               {Kind: "four"},
		`toy: init: invalid argument: Word is "A": want lower-case letters`:                           {Word: "A"},
		`toy: init: invalid argument: Secret is not shown: want an s`:                                 {Secret: "hidden"},
		"toy: init: Layout: layout is layout(9): want one of default, litestream, litestream-s3":      {Layout: 9},
		`toy: init: invalid argument: List is []string{"a"}: want it, or Kind, not both`:              {List: []string{"a"}, Kind: "one"},
		`toy: init: invalid argument: Tags is map[string]string{"a":"b"}: want it, or Word, not both`: {Tags: map[string]string{"a": "b"}, Word: "a"},
		"toy: init: Retry.MaxAttempts is -1: want 0 (default) or more":                                {Retry: ltxstore.Retry{MaxAttempts: -1}},
	} {
		err := Validate("toy", cfg)
		require.ErrorIs(t, err, fs.ErrInvalid, want)
		assert.Contains(t, err.Error(), want)
	}
	require.ErrorIs(t, Validate("toy", checked{Path: "a/../b"}), fs.ErrInvalid)
}

// TestValidateAfterRetry: what follows a Retry is checked too, which has several settings.
func TestValidateAfterRetry(t *testing.T) {
	type config struct {
		Retry ltxstore.Retry `ltx:"retry"`
		Count int            `ltx:"count,not=nothing,not=other"`
		Other int            `ltx:"other"`
	}
	require.ErrorContains(t, Validate("toy", config{Count: -1}), "Count is -1")
	require.ErrorContains(t, Validate("toy", config{Count: 1, Other: 1}), "want it, or Other, not both")
}

// A Config is not copied for each of its settings.
func TestValidateCopiesNothing(t *testing.T) {
	type wide struct {
		A, B, C, D, E, F, G, H int `ltx:"-"`

		Zone  string         `ltx:"zone"`
		Class string         `ltx:"class,oneof=hot|cold"`
		Count int            `ltx:"count"`
		Retry ltxstore.Retry `ltx:"retry"`
	}
	table, cfg := newTable(reflect.TypeFor[wide]()), reflect.ValueOf(&wide{Count: 3}).Elem()
	allocs := testing.AllocsPerRun(100, func() { _ = table.validate("toy", cfg) })
	assert.LessOrEqual(t, allocs, float64(len(table.rows)), "one for each value")
}
