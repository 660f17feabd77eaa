package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A bar is as long as an operation takes; one that takes less than can be measured has one, too.
func TestDraw(t *testing.T) {
	cmd := &bench{svg: filepath.Join(t.TempDir(), "bench.svg")}
	require.NoError(t, cmd.draw([]measure{{Name: "none", P50: 0}, {Name: "short", P50: 1e-3, P99: 1e-2}, {Name: "long", P50: 0.5, P99: 1}}))
	svg, err := os.ReadFile(cmd.svg)
	require.NoError(t, err)
	var widths []float64
	for _, found := range regexp.MustCompile(`<rect x="[0-9]+" y="[0-9]+" width="([0-9.]+)"`).FindAllStringSubmatch(string(svg), -1) {
		width, err := strconv.ParseFloat(found[1], 64)
		require.NoError(t, err)
		widths = append(widths, width)
	}
	require.Len(t, widths, 3)
	assert.Positive(t, widths[0])
	assert.Greater(t, widths[1], 2*widths[0])
	assert.Greater(t, widths[2], widths[1])

	cmd.svg = filepath.Join(t.TempDir(), "missing", "bench.svg")
	require.ErrorIs(t, cmd.draw(nil), fs.ErrNotExist)
}
