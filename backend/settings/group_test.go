package settings

import (
	"io/fs"
	"reflect"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ltxstore/ltxstore"
)

type sizes struct {
	Part  int64 `ltx:"part-size,size" default:"8MiB" help:"Bytes of a part."`
	Page  int   `ltx:"page-size" default:"1000" help:"Files of a page."`
	Reads int   `ltx:"reads" default:"8" help:"Reads at once."`
}

type grouped struct {
	Sizes sizes          `ltx:"" part-size:"chunk-size,min=1MiB,max=1GiB; 4MiB; Bytes, of a chunk; or so." page-size:",max=50" reads:"-"`
	Retry ltxstore.Retry `ltx:"retry" max-attempts:"; 3"`
}

// A struct can be in several Configs, each of which has its own names, limits and defaults.
func TestGroupIsChangedByItsField(t *testing.T) {
	table := newTable(reflect.TypeFor[grouped]())
	assert.Equal(t, []string{"chunk-size", "page-size", "retry-max-attempts", "retry-base-delay", "retry-max-delay"}, table.Names())
	document := table.Markdown()
	assert.Contains(t, document, "| `chunk-size` | size | 4MiB | Bytes, of a chunk; or so. |\n")
	assert.Contains(t, document, "| `page-size` | number | 1000 | Files of a page. |\n")
	assert.Regexp(t, "`retry-max-attempts` \\| number \\| 3 \\|", document)

	cfg, _, err := decodeAs[grouped](ltxstore.Source{Settings: map[string]string{"chunkSize": "2MiB", "page-size": "50"}})
	require.NoError(t, err)
	assert.Equal(t, grouped{Sizes: sizes{Part: 2 << 20, Page: 50}}, cfg)
	for key, text := range map[string]string{
		"chunk-size": "1000",
		"page-size":  "51",
		"part-size":  "2MiB",
		"reads":      "8",
	} {
		_, _, err := decodeAs[grouped](ltxstore.Source{Settings: map[string]string{key: text}})
		require.Error(t, err, key)
		assert.Contains(t, err.Error(), map[string]string{
			"chunk-size": "want 0 (default), or 1 MiB to 1 GiB in bytes",
			"page-size":  "want 0 (default), or at most 50",
			"part-size":  `unknown setting "part-size"`,
			"reads":      `unknown setting "reads"`,
		}[key])
	}
}

// What a Config does not have is refused in code too.
func TestRemovedSettingMustBeZero(t *testing.T) {
	assert.NoError(t, Validate("toy", grouped{}))
	err := Validate("toy", grouped{Sizes: sizes{Reads: 1}})
	require.ErrorIs(t, err, fs.ErrInvalid)
	assert.ErrorContains(t, err, "Sizes.Reads is 1: want the zero value: there is nothing of the kind here")
}
