package archtest

import (
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var (
	fuzzList = regexp.MustCompile(`(?m)^FUZZ := ((?:.*\\\n)*.*)$`)
	fuzzFunc = regexp.MustCompile(`(?m)^func (Fuzz\w+)\(`)
)

// make fuzz runs every fuzz target that the library has, and no other.
func TestMakefileNamesFuzzTargets(t *testing.T) {
	m := fuzzList.FindStringSubmatch(read(t, "Makefile"))
	require.NotNil(t, m)
	named := strings.Fields(strings.ReplaceAll(m[1], "\\\n", " "))

	var found []string
	for _, name := range files(t, "_test.go") {
		for _, m := range fuzzFunc.FindAllStringSubmatch(read(t, name), -1) {
			found = append(found, "./"+strings.TrimPrefix(path.Dir(name), ".")+":"+m[1])
		}
	}
	for i, target := range found {
		found[i] = strings.Replace(target, "./:", ".:", 1)
	}
	slices.Sort(found)
	slices.Sort(named)
	assert.NotEmpty(t, found)
	assert.Equal(t, found, named, "FUZZ in the Makefile")
}

// The workflow runs what a contributor runs.
func TestWorkflowCallsRun(t *testing.T) {
	assert.Contains(t, read(t, ".github/workflows/ci.yml"), "- run: .ci/run\n")
	run := read(t, ".ci/run")
	for _, target := range []string{"lint", "test", "cover", "fuzz", "demo"} {
		assert.Regexp(t, `(?m)^step make `+target+`\b`, run)
		assert.Regexp(t, `(?m)^`+target+`:`, read(t, "Makefile"))
	}
}
