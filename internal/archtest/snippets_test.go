package archtest

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A Go snippet in a document is an Example's body, or a whole function that an
// Example calls, so that the tests compile and run it. The line above the
// snippet names it.
//
//	<!-- from mock/example_test.go#ExampleReplicaClient_Script -->
var marker = regexp.MustCompile(`^<!-- from (\S+)#(\w+) -->$`)

// snippet is a fenced block of Go and the function it comes from.
type snippet struct {
	line       int // of the fence, from 1
	file, name string
	code       string
}

// snippets returns the Go blocks of a Markdown text.
func snippets(markdown string) (found []snippet, err error) {
	lines := strings.Split(markdown, "\n")
	for i := 0; i < len(lines); i++ {
		fence, isFence := strings.CutPrefix(lines[i], "```")
		if !isFence {
			continue
		}
		end := slices.Index(lines[i+1:], "```")
		if end < 0 {
			return nil, fmt.Errorf("line %d: the block has no end", i+1)
		}
		if fence == "go" {
			s := snippet{line: i + 1, code: strings.Join(append(lines[i+1:i+1+end:i+1+end], ""), "\n")}
			if i > 0 {
				if m := marker.FindStringSubmatch(lines[i-1]); m != nil {
					s.file, s.name = m[1], m[2]
				}
			}
			found = append(found, s)
		}
		i += end + 1
	}
	return found, nil
}

// code returns what a document shows of a function: all of it, or of an example
// the body, without the indentation and the comment that says what it prints.
func code(source, name string) (string, error) {
	fset := token.NewFileSet()
	file, err := parser.ParseFile(fset, "", source, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return "", err
	}
	for _, decl := range file.Decls {
		fn, ok := decl.(*ast.FuncDecl)
		if !ok || fn.Recv != nil || fn.Name.Name != name {
			continue
		}
		if !strings.HasPrefix(name, "Example") {
			start := fn.Pos()
			if fn.Doc != nil {
				start = fn.Doc.Pos()
			}
			return source[fset.Position(start).Offset:fset.Position(fn.End()).Offset] + "\n", nil
		}
		start, end := fset.Position(fn.Body.Lbrace).Offset+1, fset.Position(fn.Body.Rbrace).Offset
		for _, comment := range file.Comments {
			at := fset.Position(comment.Pos()).Offset
			if at > start && at < end && (strings.HasPrefix(comment.Text(), "Output:") || strings.HasPrefix(comment.Text(), "Unordered output:")) {
				end = at
			}
		}
		var b strings.Builder
		for line := range strings.Lines(strings.Trim(strings.TrimRight(source[start:end], " \t\n"), "\n") + "\n") {
			b.WriteString(strings.TrimPrefix(line, "\t"))
		}
		return b.String(), nil
	}
	return "", fmt.Errorf("there is no function %s", name)
}

func TestSnippetsAreExamples(t *testing.T) {
	count := 0
	for _, name := range files(t, ".md") {
		document := read(t, name)
		found, err := snippets(document)
		require.NoError(t, err, name)
		for _, s := range found {
			at := fmt.Sprintf("%s:%d", name, s.line)
			if s.file == "" {
				t.Errorf("%s: no line <!-- from FILE#FUNCTION --> above the snippet", at)
				continue
			}
			count++
			assert.True(t, strings.HasSuffix(s.file, "_test.go"), "%s: %s is no test, so that nothing runs it", at, s.file)
			want, err := code(read(t, s.file), s.name)
			require.NoError(t, err, "%s: %s", at, s.file)
			if *update {
				head := fmt.Sprintf("<!-- from %s#%s -->\n```go\n", s.file, s.name)
				document = strings.Replace(document, head+s.code+"```\n", head+want+"```\n", 1)
				require.NoError(t, os.WriteFile(filepath.Join(root, filepath.FromSlash(name)), []byte(document), 0o644))
				continue
			}
			assert.Equal(t, want, s.code, "%s differs from %s#%s", at, s.file, s.name)
		}
	}
	assert.GreaterOrEqual(t, count, 5, "snippets found")
}

func TestSnippetRulesBite(t *testing.T) {
	const source = "package p\n\nfunc ExampleX() {\n\tif a {\n\t\tb()\n\t}\n\n\t// why\n\tc()\n\t// Output:\n\t// 1\n}\n\n// f is.\nfunc f() {\n\tc()\n}\n"
	const want = "if a {\n\tb()\n}\n\n// why\nc()\n"
	got, err := code(source, "ExampleX")
	require.NoError(t, err)
	assert.Equal(t, want, got)
	got, err = code(source, "f")
	require.NoError(t, err)
	assert.Equal(t, "// f is.\nfunc f() {\n\tc()\n}\n", got)
	_, err = code(source, "ExampleY")
	assert.Error(t, err)

	found, err := snippets("text\n\n<!-- from a_test.go#ExampleX -->\n```go\n" + want + "```\n```sh\nmake\n```\n\n```go\nx\n```\n")
	require.NoError(t, err)
	require.Len(t, found, 2)
	assert.Equal(t, snippet{line: 4, file: "a_test.go", name: "ExampleX", code: want}, found[0])
	assert.Equal(t, snippet{line: 16, code: "x\n"}, found[1])
	_, err = snippets("```go\nx\n")
	assert.Error(t, err)
}

var link = regexp.MustCompile(`\]\(([^)\s]+)\)`)

// A link inside the tree leads somewhere.
func TestLinksLead(t *testing.T) {
	count := 0
	for _, name := range files(t, ".md") {
		for _, m := range link.FindAllStringSubmatch(read(t, name), -1) {
			target, _, _ := strings.Cut(m[1], "#")
			if target == "" || strings.Contains(target, "://") {
				continue
			}
			count++
			_, err := os.Stat(filepath.Join(root, filepath.FromSlash(path.Join(path.Dir(name), target))))
			assert.NoError(t, err, "%s links to %s", name, m[1])
		}
	}
	assert.Positive(t, count)
}

var mention = regexp.MustCompile("`(ltxstore|file|mock|s3|gcs|abs|sftp|webdav|object|tree|config|settings|restore|verify|transfer|replicatest|retry|rangeio|ltxio|flow|oplog|backend)\\.([A-Z]\\w*[a-z]\\w*)(?:\\.([A-Z]\\w*))?")

// What the documents call by name exists.
func TestNamesExist(t *testing.T) {
	folders := map[string]string{"ltxstore": ".", "file": "file", "mock": "mock", "s3": "s3", "gcs": "gcs", "config": "config", "settings": "backend/settings",
		"restore": "restore", "verify": "verify", "transfer": "transfer",
		"replicatest": "testing/replicatest",
		"retry":       "internal/retry", "rangeio": "backend/rangeio", "ltxio": "internal/ltxio", "flow": "internal/flow", "backend": "backend", "oplog": "backend/oplog", "object": "backend/object", "tree": "backend/tree", "abs": "abs", "sftp": "sftp", "webdav": "webdav"}
	known := make(map[string]map[string]bool)
	for pkgName, folder := range folders {
		known[pkgName] = exported(t, folder)
	}
	maps.Copy(known["settings"], exported(t, "internal/settings"))
	count := 0
	for _, name := range files(t, ".md") {
		for _, m := range mention.FindAllStringSubmatch(read(t, name), -1) {
			called := m[2]
			if m[3] != "" {
				called += "." + m[3]
			}
			count++
			assert.True(t, known[m[1]][called], "%s mentions %s.%s, which does not exist", name, m[1], called)
		}
	}
	assert.Positive(t, count)
}

// exported returns a package's exported names, and those of its types' methods
// and fields after the type's.
func exported(t *testing.T, folder string) map[string]bool {
	t.Helper()
	names := make(map[string]bool)
	sources, err := filepath.Glob(filepath.Join(root, folder, "*.go"))
	require.NoError(t, err)
	for _, source := range sources {
		if strings.HasSuffix(source, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), source, nil, parser.SkipObjectResolution)
		require.NoError(t, err)
		for _, decl := range file.Decls {
			switch decl := decl.(type) {
			case *ast.FuncDecl:
				name := decl.Name.Name
				if decl.Recv != nil {
					name = strings.TrimPrefix(receiver(decl.Recv.List[0].Type), "*") + "." + name
				}
				names[name] = true
			case *ast.GenDecl:
				for _, spec := range decl.Specs {
					addSpec(names, spec)
				}
			}
		}
	}
	require.NotEmpty(t, names, folder)
	return names
}

func receiver(e ast.Expr) string {
	if star, ok := e.(*ast.StarExpr); ok {
		return text(star.X)
	}
	return text(e)
}

func addSpec(names map[string]bool, spec ast.Spec) {
	switch spec := spec.(type) {
	case *ast.ValueSpec:
		for _, name := range spec.Names {
			names[name.Name] = true
		}
	case *ast.TypeSpec:
		names[spec.Name.Name] = true
		var members *ast.FieldList
		switch typ := spec.Type.(type) {
		case *ast.StructType:
			members = typ.Fields
		case *ast.InterfaceType:
			members = typ.Methods
		default:
			return
		}
		for _, field := range members.List {
			for _, name := range field.Names {
				names[spec.Name.Name+"."+name.Name] = true
			}
		}
	}
}
