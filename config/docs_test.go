package config_test

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ltxstore/ltxstore/internal/settings"
	_ "github.com/ltxstore/ltxstore/wrap/cache"
	_ "github.com/ltxstore/ltxstore/wrap/checksum"
	_ "github.com/ltxstore/ltxstore/wrap/compress"
	_ "github.com/ltxstore/ltxstore/wrap/crypt"
	_ "github.com/ltxstore/ltxstore/wrap/metrics"
	_ "github.com/ltxstore/ltxstore/wrap/mirror"
	_ "github.com/ltxstore/ltxstore/wrap/readonly"
	_ "github.com/ltxstore/ltxstore/wrap/retry"
	_ "github.com/ltxstore/ltxstore/wrap/throttle"
	_ "github.com/ltxstore/ltxstore/wrap/trace"
)

var update = flag.Bool("update", false, "write the tables of docs/configuration.md")

const (
	document   = "../docs/configuration.md"
	regenerate = "run: go test ./config -run TestDocument -update"
)

// drivers returns those of every backend and wrapper, by their names in the
// document.
func drivers() map[string]settings.Table {
	all := make(map[string]settings.Table)
	for _, scheme := range settings.Drivers().Names() {
		all[scheme] = settings.Drivers().Get(scheme)
	}
	for _, name := range settings.Wrappers().Names() {
		all[name] = settings.Wrappers().Get(name)
	}
	return all
}

// docs/configuration.md has the table of every backend and wrapper, as its code
// has it.
func TestDocument(t *testing.T) {
	content, err := os.ReadFile(document)
	require.NoError(t, err)
	text := string(content)
	for _, name := range settings.Order() {
		require.NotNil(t, settings.Wrappers().Get(name), "%s is not imported here", name)
	}
	tables := 0
	for scheme, driver := range drivers() {
		begins, ends := fmt.Sprintf("<!-- settings of %s, written by: go test ./config -run TestDocument -update -->\n", scheme), "<!-- end of the settings -->\n"
		before, rest, ok := strings.Cut(text, begins)
		require.True(t, ok, "%s has no line %q", document, begins)
		table, after, ok := strings.Cut(rest, ends)
		require.True(t, ok, "%s has no line %q", document, ends)
		tables++
		if *update {
			text = before + begins + driver.Markdown() + ends + after
			continue
		}
		assert.Equal(t, driver.Markdown(), table, "settings of %s: %s", scheme, regenerate)
	}
	assert.Equal(t, tables, strings.Count(text, "<!-- settings of "))
	if *update {
		require.NoError(t, os.WriteFile(document, []byte(text), 0o644))
	}
}
