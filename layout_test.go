package ltxstore_test

import (
	"fmt"
	"io/fs"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/backend"
)

var layouts = []ltxstore.Layout{ltxstore.LayoutDefault, ltxstore.LayoutLitestream, ltxstore.LayoutLitestreamS3}

func TestLayoutText(t *testing.T) {
	for _, layout := range layouts {
		got, err := ltxstore.ParseLayout(layout.String())
		require.NoError(t, err)
		assert.Equal(t, layout, got)

		text, err := layout.MarshalText()
		require.NoError(t, err)
		got = ltxstore.Layout(99)
		require.NoError(t, got.UnmarshalText(text))
		assert.Equal(t, layout, got)
	}
	got, err := ltxstore.ParseLayout("")
	require.NoError(t, err)
	assert.Equal(t, ltxstore.LayoutDefault, got)
	assert.Equal(t, []string{"default", "litestream", "litestream-s3"},
		[]string{layouts[0].String(), layouts[1].String(), layouts[2].String()})

	first := ltxstore.LayoutLitestreamS3 + 1
	assert.Equal(t, "layout(3)", first.String())
	_, err = first.MarshalText()
	assert.ErrorIs(t, err, fs.ErrInvalid)
	_, err = backend.NewKeys(first, "")
	assert.ErrorIs(t, err, fs.ErrInvalid)

	unknown := ltxstore.Layout(77)
	assert.Equal(t, "layout(77)", unknown.String())
	_, err = unknown.MarshalText()
	assert.ErrorIs(t, err, fs.ErrInvalid)
	for _, name := range []string{"Default", "auto", "s3", " default"} {
		_, err := ltxstore.ParseLayout(name)
		assert.ErrorIs(t, err, fs.ErrInvalid)
		assert.ErrorContains(t, err, fmt.Sprintf("layout is %q: want one of default, litestream, litestream-s3", name))
	}
	got = ltxstore.LayoutLitestream
	assert.ErrorIs(t, got.UnmarshalText([]byte("x")), fs.ErrInvalid)
	assert.Equal(t, ltxstore.LayoutLitestream, got, "a failed UnmarshalText changes nothing")

	_, err = backend.NewKeys(unknown, "db")
	assert.ErrorIs(t, err, fs.ErrInvalid)
	assert.ErrorContains(t, err, "layout is layout(77)")
}
