package archtest

import (
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ltxstore/ltxstore/testing/replicatest"
)

var update = flag.Bool("update", false, "write the table of docs/contract.md and the snippets of all documents")

const (
	regenerate  = "run: go test ./internal/archtest -run TestContract -update"
	tableBegins = "<!-- the table is written by: go test ./internal/archtest -run TestContract -update -->\n"
	tableEnds   = "<!-- end of the table -->\n"
)

// groups are the letters of the clauses, in the order of the document.
var groups = []struct{ letter, title string }{
	{"W", "Write"}, {"T", "Time"}, {"O", "Open"}, {"L", "List"}, {"D", "Delete"}, {"C", "All methods"},
}

// docs/contract.md says of every clause what replica_client.go says, and names
// exactly the cases that name the clause.
func TestContract(t *testing.T) {
	clauses := clausesOf(t, read(t, "replica_client.go"))
	cases := make(map[string][]string)
	for _, c := range replicatest.Cases() {
		require.NotEmpty(t, c.Clauses, "case %s proves nothing", c.ID)
		for _, clause := range c.Clauses {
			assert.Contains(t, clauses, clause, "case %s names a clause that replica_client.go does not have", c.ID)
			cases[clause] = append(cases[clause], c.ID)
		}
	}
	for clause := range clauses {
		assert.NotEmpty(t, cases[clause], "no case proves clause %s", clause)
	}

	document := read(t, "docs/contract.md")
	before, rest, ok := strings.Cut(document, tableBegins)
	require.True(t, ok, "docs/contract.md has no line %q", tableBegins)
	_, after, ok := strings.Cut(rest, tableEnds)
	require.True(t, ok, "docs/contract.md has no line %q", tableEnds)
	want := before + tableBegins + table(clauses, cases) + tableEnds + after
	if *update {
		require.NoError(t, os.WriteFile(filepath.Join(root, "docs", "contract.md"), []byte(want), 0o644))
		return
	}
	wanted, found := strings.Split(want, "\n"), strings.Split(document, "\n")
	for i := range min(len(wanted), len(found)) {
		require.Equal(t, wanted[i], found[i], "docs/contract.md, line %d: %s", i+1, regenerate)
	}
	require.Len(t, found, len(wanted), regenerate)
}

// Case IDs are what people look for when one fails: each is there once.
func TestCaseIDsAreUnique(t *testing.T) {
	seen := make(map[string]bool)
	for _, c := range replicatest.Cases() {
		assert.False(t, seen[c.ID], "two cases are called %s", c.ID)
		seen[c.ID] = true
		assert.NotEmpty(t, c.Rule, "case %s has no rule", c.ID)
	}
	assert.GreaterOrEqual(t, len(seen), 45)
}

func table(clauses map[string]string, cases map[string][]string) string {
	var b strings.Builder
	written := 0
	for _, group := range groups {
		fmt.Fprintf(&b, "\n## %s\n\n| Clause | Rule | Proved by |\n|---|---|---|\n", group.title)
		for _, clause := range slices.Sorted(maps.Keys(clauses)) {
			if !strings.HasPrefix(clause, group.letter) {
				continue
			}
			written++
			ids := make([]string, len(cases[clause]))
			for i, id := range cases[clause] {
				ids[i] = "`" + id + "`"
			}
			fmt.Fprintf(&b, "| %s | %s | %s |\n", clause, strings.ReplaceAll(clauses[clause], "|", `\|`), strings.Join(ids, "<br>"))
		}
	}
	if written != len(clauses) {
		panic("a clause has a letter that groups does not have")
	}
	b.WriteString("\n")
	return b.String()
}

var clauseStart = regexp.MustCompile(`^\s*- ([A-Z][0-9]+): (.*)$`)

// clausesOf returns the clauses in the comments of ReplicaClient, each on one
// line. More than one method has clauses about times.
func clausesOf(t *testing.T, source string) map[string]string {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "", source, parser.ParseComments|parser.SkipObjectResolution)
	require.NoError(t, err)
	clauses := make(map[string]string)
	add := func(clause, words string) {
		words = strings.TrimSuffix(strings.TrimSpace(words), ".")
		if clauses[clause] != "" {
			words = clauses[clause] + ". " + strings.ToUpper(words[:1]) + words[1:]
		}
		clauses[clause] = words
	}
	for _, decl := range file.Decls {
		gen, ok := decl.(*ast.GenDecl)
		if !ok || gen.Tok != token.TYPE {
			continue
		}
		ast.Inspect(gen, func(n ast.Node) bool {
			if group, ok := n.(*ast.CommentGroup); ok {
				for _, found := range inComment(group.Text()) {
					add(found[0], found[1])
				}
			}
			return true
		})
	}
	for clause := range clauses {
		clauses[clause] += "."
	}
	require.Contains(t, clauses, "C4")
	require.Contains(t, clauses, "W9")
	return clauses
}

// inComment returns the clauses of a comment and their words, in order. A
// clause is an item of a list.
func inComment(comment string) (found [][2]string) {
	open := false
	for line := range strings.Lines(comment) {
		line = strings.TrimSuffix(line, "\n")
		if m := clauseStart.FindStringSubmatch(line); m != nil {
			found, open = append(found, [2]string{m[1], m[2]}), true
		} else if open = open && strings.HasPrefix(line, " ") && strings.TrimSpace(line) != ""; open {
			found[len(found)-1][1] += " " + strings.TrimSpace(line)
		}
	}

	return found
}

func TestClausesAreRead(t *testing.T) {
	assert.Equal(t, [][2]string{{"L1", "one two"}, {"T1", "three"}, {"L2", "five"}},
		inComment("Text.\n\n  - L1: one\n    two\n  - T1: three\n  - L2: five\n\nMore.\n  not a part\n"))
}
