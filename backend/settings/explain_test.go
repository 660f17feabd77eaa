package settings

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/internal/settings"
)

func TestExplain(t *testing.T) {
	line := func(key string) (line, column int) { return map[string]int{"part-size": 3, "tags.env": 4}[key], 0 }
	file := ltxstore.Source{Settings: map[string]string{"part-size": "4MiB", "tags.env": "x", "secret-key": "hush"}, Defaults: map[string]string{"count": "9"}, Where: line}
	for _, tt := range []struct {
		src   ltxstore.Source
		wrong settings.FieldError
		says  string
	}{
		{file, settings.FieldError{Field: "Size", Value: 4 << 20, Want: "want more"}, `part-size (line 3) is "4MiB": want more`},
		{file, settings.FieldError{Field: "Config.Size", Value: 4 << 20, Want: "want more"}, `part-size (line 3) is "4MiB": want more`},
		{file, settings.FieldError{Field: "Count", Value: 9, Want: "want less"}, `count is "9": want less`},
		{file, settings.FieldError{Field: "Tags[env]", Value: "x", Want: "want less"}, `tags.env (line 4) is "x": want less`},
		{file, settings.FieldError{Field: "Tags", Value: "env", Want: "want less"}, `tags.env (line 4) is "x": want less`},
		{file, settings.FieldError{Field: "Tags", Value: 11, Want: "want less"}, "tags is 11: want less"},
		{file, settings.FieldError{Field: "Secret", Value: "ok", Want: "want more"}, "secret-key is not shown: want more"},
		{file, settings.FieldError{Field: "Place", Value: "", Want: "want one"}, "place is missing: want one"},
		{file, settings.FieldError{Field: "Key", Value: []byte{}, Want: "want one"}, "key is missing: want one"},
		{file, settings.FieldError{Field: "Key", Value: []byte(nil), Want: "want one"}, "key is missing: want one"},
		{file, settings.FieldError{Field: "Handler", Want: "want one"}, ""},
		{file, settings.FieldError{Field: "Maybe", Value: nil, Want: "want one"}, "maybe-so is missing: want one"},
		{file, settings.FieldError{Field: "Nested.Attempts", Value: 7, Want: "want at most Count, which Nested.Attempts is for"}, "attempts is 7: want at most count, which attempts is for"},
		{file, settings.FieldError{Field: "Size", Err: errors.New("Size: too small")}, "part-size (line 3): part-size: too small"},
		{file, settings.FieldError{Field: "Place", Err: errors.New("none")}, "place: none"},

		// Whole words alone, and none of a path or in quotes.
		{file, settings.FieldError{Field: "Count", Value: 9, Want: `Size, Sizes, OnSize, SSE-Size, Size-x, /a/Size, "Size", Size_, 1Size, x.Size, Size`},
			`count is "9": part-size, Sizes, OnSize, SSE-Size, Size-x, /a/Size, "Size", Size_, 1Size, x.Size, part-size`},

		{ltxstore.Source{URL: "toy://h?partSize=1"}, settings.FieldError{Field: "Size", Value: 1, Want: "want more"}, `partSize in the URL is "1": want more`},
		{ltxstore.Source{URL: "toy://h"}, settings.FieldError{Field: "Place", Value: "h", Want: "want more"}, `place in the URL is "h": want more`},
		{ltxstore.Source{URL: "toy://h?unknown=1"}, settings.FieldError{Field: "Place", Value: "h", Want: "want more"}, `place in the URL is "h": want more`},
	} {
		failed := &ltxstore.Error{Op: "init", Backend: "toy", Err: &tt.wrong}
		told := whole(toy(), tt.src, toyPlace).explain(failed)
		if tt.says == "" {
			assert.Same(t, failed, told)
			continue
		}
		assert.EqualError(t, told.Err, tt.says)
		assert.ErrorIs(t, told, &tt.wrong)
	}
}

func TestExplainWrapper(t *testing.T) {
	src := ltxstore.Source{URL: "toy:?old.level=3&toy.keys=a&old.keys=b", Settings: map[string]string{"toy.frame-size": "4KiB"}, Where: func(string) (line, column int) { return 3, 0 }}
	for _, tt := range []struct {
		wrong settings.FieldError
		says  string
	}{
		{settings.FieldError{Field: "Level", Value: "3", Want: "want Keys"}, `old.level in the URL is "3": want toy.keys`},
		{settings.FieldError{Field: "Sizes", Value: 4096, Want: "want less"}, `toy.frame-size (line 3) is "4KiB": want less`},
		{settings.FieldError{Field: "Keys[0]", Value: "a", Want: "want none"}, `toy.keys in the URL is "a": want none`},
		{settings.FieldError{Field: "Keys[1]", Value: "b", Want: "want none"}, `old.keys in the URL is "b": want none`},
		{settings.FieldError{Field: "Keys", Value: []string{"a", "b"}, Want: "want none"}, `toy.keys in the URL is "a": want none`},
		{settings.FieldError{Field: "Hidden", Value: []string(nil), Want: "want some"}, "toy.hidden is missing: want some"},
	} {
		assert.EqualError(t, whole(wrapperToy(), src, noPlace).explain(&ltxstore.Error{Err: &tt.wrong}).Err, tt.says)
	}
}
