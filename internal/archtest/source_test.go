package archtest

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// longest is the maximum number of lines of a production file.
const longest = 400

// verbs are the files that every backend has, so that they are found in the same
// way in all of them.
var verbs = []string{"replica_client.go", "config.go", "settings.go", "validate.go", "error.go"}

func TestFilesAreShort(t *testing.T) {
	for _, name := range production(t) {
		if lines := strings.Count(read(t, name), "\n"); lines > longest {
			t.Errorf("%s has %d lines: want at most %d", name, lines, longest)
		}
	}
}

func TestBackendsHaveTheSameFiles(t *testing.T) {
	for _, backend := range backends(t) {
		for _, name := range verbs {
			_, err := os.Stat(filepath.Join(root, backend, name))
			assert.NoError(t, err)
		}
	}
}

// State that a package keeps is shared by all of its clients: there is none,
// but for errors, pools and tables that nobody changes.
func TestNoPackageState(t *testing.T) {
	folders := make(map[string]map[string]string)
	for _, name := range production(t) {
		if folders[path.Dir(name)] == nil {
			folders[path.Dir(name)] = make(map[string]string)
		}
		folders[path.Dir(name)][name] = read(t, name)
	}
	var wrong []string
	for _, sources := range folders {
		of, err := packageState(sources)
		require.NoError(t, err)
		wrong = append(wrong, of...)
	}
	// The exceptions: the schemes of the backends that were imported, as
	// database/sql has its drivers, the source of identities for abs, the pools and
	// connections that the clients of a process share, as net/http has its DefaultTransport, and what is known
	// about types, as in encoding/json.
	slices.Sort(wrong)
	require.Len(t, wrong, 6, wrong)
	assert.Regexp(t, `^abs/credential\.go:\d+:\d+: variable identity could hold state$`, wrong[0])
	assert.Regexp(t, `^backend/rangeio/pool\.go:\d+:\d+: variable shared could hold state$`, wrong[1])
	assert.Regexp(t, `^backend/settings/settings\.go:\d+:\d+: variable tables could hold state$`, wrong[2])
	assert.Regexp(t, `^backend/transport/shared\.go:\d+:\d+: variable pool could hold state$`, wrong[3])
	assert.Regexp(t, `^internal/settings/registry\.go:\d+:\d+: variable registered could hold state$`, wrong[4])
	assert.Regexp(t, `^nats/bucket\.go:\d+:\d+: variable links could hold state$`, wrong[5])
}

// An init function registers the schemes of its backend, or its wrapper, and does
// nothing else.
func TestInitOnlyRegisters(t *testing.T) {
	there := make(map[string]bool)
	for _, name := range production(t) {
		wrong, found, err := initCalls(name, read(t, name))
		require.NoError(t, err)
		assert.Empty(t, wrong)
		if found {
			there[name] = true
		}
	}
	want := map[string]bool{"abs/entra/entra.go": true, "litestream/register.go": true, "interop/thirdparty/client.go": true}
	for _, backend := range backends(t) {
		want[backend+"/settings.go"] = true
	}
	for _, wrapper := range wrappers(t) {
		want["wrap/"+wrapper+"/settings.go"] = true
	}
	assert.Equal(t, want, there, "files with an init function")
}

// initCalls returns the calls in a file's init functions that register nothing,
// and whether there is such a function. What a function literal calls is called
// later.
func initCalls(name, source string) (wrong []string, found bool, err error) {
	fset := token.NewFileSet()
	file, err := parser.ParseFile(fset, name, source, parser.SkipObjectResolution)
	if err != nil {
		return nil, false, err
	}
	for _, decl := range file.Decls {
		fn, ok := decl.(*ast.FuncDecl)
		if !ok || fn.Name.Name != "init" || fn.Recv != nil {
			continue
		}
		found = true
		ast.Inspect(fn.Body, func(n ast.Node) bool {
			if _, later := n.(*ast.FuncLit); later {
				return false
			}
			if call, ok := n.(*ast.CallExpr); ok {
				switch called := text(call.Fun); called {
				case "settings.Register", "settings.RegisterWrapper", "abs.RegisterIdentity", "Register":
				default:
					wrong = append(wrong, fmt.Sprintf("%v: init calls %s", fset.Position(n.Pos()), called))
				}
			}
			return true
		})
	}
	return wrong, found, nil
}

func TestInitRuleBites(t *testing.T) {
	for code, want := range map[string]int{
		`func init() { settings.Register(settings.Backend[Config, *C]{New: func(c Config) *C { return New(c) }}) }`: 0,
		`func init() { settings.RegisterWrapper(settings.Wrapper[Config, *Client]{New: New}) }`:                     0,
		`func init() { go serve() }`: 1,
		`func init() { settings.Register(settings.Backend[Config, *C]{Schemes: dial()}) }`: 1,
		`func f() { serve() }`: 0,
	} {
		wrong, _, err := initCalls("a.go", "package p\n"+code)
		require.NoError(t, err)
		assert.Len(t, wrong, want, code)
	}
}

// production returns every Go file that is no test.
func production(t *testing.T) []string {
	t.Helper()
	return slices.DeleteFunc(files(t, ".go"), func(name string) bool { return strings.HasSuffix(name, "_test.go") })
}

// packageState returns the package variables of a folder's files that could
// hold state.
func packageState(sources map[string]string) (wrong []string, err error) {
	fset := token.NewFileSet()
	tables := make(map[string]token.Pos)
	var parsed []*ast.File
	for name, text := range sources {
		file, err := parser.ParseFile(fset, name, text, parser.SkipObjectResolution)
		if err != nil {
			return nil, err
		}
		parsed = append(parsed, file)
	}
	mutable := changingTypes(parsed)
	for _, file := range parsed {
		for _, decl := range file.Decls {
			if gen, ok := decl.(*ast.GenDecl); ok && gen.Tok == token.VAR {
				for _, spec := range gen.Specs {
					wrong = append(wrong, judge(fset, spec.(*ast.ValueSpec), mutable, tables)...)
				}
			}
		}
	}
	for _, file := range parsed {
		ast.Inspect(file, func(n ast.Node) bool {
			for _, changed := range changes(n) {
				if _, ok := tables[changed]; ok {
					wrong = append(wrong, fmt.Sprintf("%v: table %s is changed", fset.Position(n.Pos()), changed))
				}
			}
			return true
		})
	}
	slices.Sort(wrong)
	return wrong, nil
}

// changingTypes returns the types that have a method on their pointer, which
// may change them.
func changingTypes(parsed []*ast.File) map[string]bool {
	types := make(map[string]bool)
	for _, file := range parsed {
		for _, decl := range file.Decls {
			fn, ok := decl.(*ast.FuncDecl)
			if !ok || fn.Recv == nil {
				continue
			}
			if star, ok := fn.Recv.List[0].Type.(*ast.StarExpr); ok {
				types[text(star.X)] = true
			}
		}
	}
	return types
}

// judge allows assertions about types, errors, regular expressions and pools,
// notes tables, and returns what is left. A struct that only has methods on its value is a
// table too, and what Go has in place of a constant.
func judge(fset *token.FileSet, spec *ast.ValueSpec, mutable map[string]bool, tables map[string]token.Pos) (wrong []string) {
	for i, name := range spec.Names {
		if name.Name == "_" {
			continue
		}
		var value ast.Expr
		if i < len(spec.Values) {
			value = spec.Values[i]
		}
		isError := strings.HasPrefix(name.Name, "Err") || strings.HasPrefix(name.Name, "err")
		switch v := value.(type) {
		case *ast.CallExpr:
			called := text(v.Fun)
			if isError && (called == "errors.New" || called == "fmt.Errorf") {
				continue
			}
			if called == "regexp.MustCompile" {
				tables[name.Name] = name.Pos()
				continue
			}
		case *ast.CompositeLit:
			if text(v.Type) == "sync.Pool" {
				continue
			}
			switch typ := v.Type.(type) {
			case *ast.ArrayType, *ast.MapType:
				tables[name.Name] = name.Pos()
				continue
			case *ast.Ident:
				if len(v.Elts) > 0 && !mutable[typ.Name] {
					tables[name.Name] = name.Pos()
					continue
				}
			}
		}
		wrong = append(wrong, fmt.Sprintf("%v: variable %s could hold state", fset.Position(name.Pos()), name.Name))
	}
	return wrong
}

// changes returns the names of variables that a statement assigns to, as a
// whole or in part, or takes the address of.
func changes(n ast.Node) (names []string) {
	switch n := n.(type) {
	case *ast.AssignStmt:
		if n.Tok != token.DEFINE {
			for _, to := range n.Lhs {
				names = append(names, base(to))
			}
		}
	case *ast.IncDecStmt:
		names = append(names, base(n.X))
	case *ast.UnaryExpr:
		if n.Op == token.AND {
			names = append(names, base(n.X))
		}
	case *ast.CallExpr:
		if called := text(n.Fun); len(n.Args) > 0 && (called == "delete" || called == "clear" || called == "copy") {
			names = append(names, base(n.Args[0]))
		}
	}
	return names
}

// base returns the variable that an expression such as a[i].b is a part of.
func base(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.Ident:
		return e.Name
	case *ast.IndexExpr:
		return base(e.X)
	case *ast.SliceExpr:
		return base(e.X)
	case *ast.SelectorExpr:
		return base(e.X)
	case *ast.ParenExpr:
		return base(e.X)
	}
	return ""
}

func text(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.Ident:
		return e.Name
	case *ast.SelectorExpr:
		return text(e.X) + "." + e.Sel.Name
	case *ast.IndexExpr: // a generic type
		return text(e.X)
	case *ast.IndexListExpr:
		return text(e.X)
	}
	return ""
}

func TestPackageStateBites(t *testing.T) {
	for _, tt := range []struct {
		code  string
		wrong bool
	}{
		{`var n int`, true},
		{`var n = 1`, true},
		{`var cache = make(map[string]int)`, true},
		{`var client = &http.Client{}`, true},
		{`var mu sync.Mutex`, true},
		{`var Errors = collect()`, true},
		{`var ErrGone = errors.New("gone")`, false},
		{`var errGone = fmt.Errorf("gone: %w", fs.ErrClosed)`, false},
		{`var gone = errors.New("gone")`, true},
		{`var _ io.Reader = (*T)(nil)`, false},
		{`var pool = sync.Pool{New: f}`, false},
		{`var word = regexp.MustCompile("[a-z]+")`, false},
		{`var word = regexp.MustCompile("[a-z]+"); func f() { word = nil }`, true},
		{`var names = [...]string{"a", "b"}`, false},
		{`var names = map[string]int{"a": 1}`, false},
		{`var origin = point{0, 1}; func (p point) abs() int { return p.x }`, false},
		{`var origin = point{0, 1}; func (p *point) move() { p.x++ }`, true},
		{`var origin = point{0, 1}; func f() { origin.x = 1 }`, true},
		{`var origin = point{}`, true},
		{`var names = []string{"a"}; func f() { names = nil }`, true},
		{`var names = []string{"a"}; func f() { names[0] = "b" }`, true},
		{`var names = map[string]int{"a": 1}; func f() { delete(names, "a") }`, true},
		{`var names = map[string]int{"a": 1}; func f() { names["a"]++ }`, true},
		{`var names = [1]int{1}; func f() *int { return &names[0] }`, true},
		{`var names = [1]int{1}; func f() int { other := names[0]; other++; return other }`, false},
	} {
		wrong, err := packageState(map[string]string{"a.go": "package p\n" + tt.code})
		require.NoError(t, err)
		assert.Equal(t, tt.wrong, len(wrong) > 0, "%s: %v", tt.code, wrong)
	}
}

// The root is what a daemon needs. What only the author of a backend or a wrapper
// needs is in package backend.
func TestRootExportsLittle(t *testing.T) {
	var names []string
	for name := range exported(t, ".") {
		if ast.IsExported(name) && !strings.Contains(name, ".") {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	assert.LessOrEqual(t, len(names), 37, "%v", names)
}
