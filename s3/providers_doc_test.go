package s3

import (
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// differences says in words what a row of the table of providers holds.
func (p provider) differences() string {
	var words []string
	add := func(holds bool, text string) {
		if holds {
			words = append(words, text)
		}
	}
	add(p.virtualHost && p.name != "aws", "the bucket is in the host's name")
	add(p.name == "aws", "checksums are verified")
	add(p.maxParts > 0, strconv.Itoa(p.maxParts)+" parts")
	add(p.equalParts, "parts of one size")
	add(p.maxConcurrency > 0, strconv.Itoa(p.maxConcurrency)+" parts at once")
	add(p.noConditional, "no `WriteOnce`")
	add(p.noBatchDelete, "files are deleted one by one")
	add(p.noDeleteMD5, "no Content-MD5 on deletions")
	add(p.unsorted, "a level is listed whole, unsorted")
	return strings.Join(words, ", ")
}

// The table of providers in docs/stores/s3.md is the code's.
func TestDocumentProviders(t *testing.T) {
	const begin, end = "| Service | The endpoint's host ends with | What differs |\n|---|---|---|\n", "\n\n"
	var want strings.Builder
	for _, p := range providers() {
		shortest := slices.MinFunc(p.hosts, func(a, b string) int { return len(a) - len(b) })
		host := shortest + p.path
		if host != "" {
			host = "`" + host + "`"
		} else {
			host = "any other"
		}
		want.WriteString("| " + p.name + " | " + host + " | " + p.differences() + " |\n")
	}
	path := filepath.Join("..", "docs", "stores", "s3.md")
	page, err := os.ReadFile(path)
	require.NoError(t, err)
	before, rest, ok := strings.Cut(string(page), begin)
	require.True(t, ok, "%s has no table of providers", path)
	got, after, ok := strings.Cut(rest, end)
	require.True(t, ok)
	if *update {
		text := before + begin + strings.TrimSuffix(want.String(), "\n") + end + after
		require.NoError(t, os.WriteFile(path, []byte(text), 0o644))
		return
	}
	assert.Equal(t, want.String(), got+"\n", "go test ./s3 -run TestDocumentProviders -update")
}
