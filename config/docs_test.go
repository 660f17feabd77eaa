package config_test

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ltxstore/ltxstore"
)

var update = flag.Bool("update", false, "write the tables of docs/configuration.md")

const (
	document   = "../docs/configuration.md"
	regenerate = "run: go test ./config -run TestDocument -update"
)

// docs/configuration.md has the table of every backend, as its code has it.
func TestDocument(t *testing.T) {
	content, err := os.ReadFile(document)
	require.NoError(t, err)
	text := string(content)
	tables := 0
	for _, scheme := range ltxstore.Schemes() {
		driver, ok := ltxstore.LookupDriver(scheme).(interface{ Markdown() string })
		require.True(t, ok, scheme)
		if scheme == "gcs" { // the other name of gs
			continue
		}
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
