package archtest

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

// layer is a kind of package, and which kinds it may import.
type layer string

const (
	internal     layer = "internal"
	testkit      layer = "what tests use"
	library      layer = "root"
	toolbox      layer = "what backends are made of"
	part         layer = "what one backend is made of"
	backendLayer layer = "backend"
	extension    layer = "what not everybody compiles with a backend"
	wrapper      layer = "wrapper"
	shared       layer = "what wrappers share"
	ground       layer = "what the suite and wrappers are tested on"
	suite        layer = "suite"
	tool         layer = "tool"
	program      layer = "program"
)

// below says what each layer's production code may import of this module.
// Layers point down only.
var below = map[layer][]layer{
	internal:     {internal},
	testkit:      {internal, library, toolbox, testkit, suite},
	library:      {internal},
	toolbox:      {internal, library, toolbox},
	part:         {internal, library, toolbox, part},
	backendLayer: {internal, library, toolbox, part},
	extension:    {internal, library, toolbox, backendLayer},
	wrapper:      {internal, library, toolbox, shared, tool},
	shared:       {internal, library, toolbox, shared},
	ground:       {internal, testkit, library, toolbox, backendLayer, suite, ground},
	suite:        {library, toolbox},
	tool:         {internal, library, toolbox, tool},
	program:      {internal, library, toolbox, backendLayer, extension, wrapper, suite, tool, program},
}

// layerOf places a package. Every package of the module has a place, so that a
// new folder cannot escape the rules.
func layerOf(importPath string, backends []string) (layer, error) {
	rel := strings.TrimPrefix(strings.TrimPrefix(importPath, module), "/")
	top, _, nested := strings.Cut(rel, "/")
	switch {
	case rel == "":
		return library, nil
	case rel == "internal/testkit/wraptest", rel == "internal/testkit/mockstore", rel == "internal/testkit/s3store":
		return ground, nil
	case within(rel, "internal/testkit"):
		return testkit, nil
	case top == "internal":
		return internal, nil
	case top == "backend":
		return toolbox, nil
	case slices.Contains(backends, top) && !nested:
		return backendLayer, nil
	case slices.Contains(backends, top) && strings.HasPrefix(rel, top+"/internal/"):
		return part, nil
	case slices.Contains(backends, top):
		return extension, nil
	case within(rel, "wrap/internal"):
		return shared, nil
	case top == "wrap":
		return wrapper, nil
	case rel == "testing/replicatest":
		return suite, nil
	case rel == "restore", rel == "verify", rel == "transfer", rel == "v03":
		return tool, nil
	case top == "cmd", top == "config", rel == "backends":
		return program, nil
	}
	return "", fmt.Errorf("%s is in no layer: add it to layerOf", importPath)
}

// upward returns every import that does not point down.
func upward(pkgs map[string]pkg, backends []string) []string {
	var wrong []string
	for _, from := range slices.Sorted(maps.Keys(pkgs)) {
		if !ours(from) {
			continue
		}
		fromLayer, err := layerOf(from, backends)
		if err != nil {
			wrong = append(wrong, err.Error())
			continue
		}
		for _, to := range pkgs[from].Imports {
			if !ours(to) {
				continue
			}
			if toLayer, err := layerOf(to, backends); err != nil || !slices.Contains(below[fromLayer], toLayer) {
				wrong = append(wrong, fmt.Sprintf("%s (%s) imports %s (%s)", from, fromLayer, to, toLayer))
			}
		}
	}
	return wrong
}

// foreign returns what a package compiles beside the standard library, this
// module and the allowed modules.
func foreign(pkgs map[string]pkg, importPath string, allowed ...string) []string {
	var found []string
	for _, dep := range pkgs[importPath].Deps {
		if pkgs[dep].Standard || ours(dep) || slices.ContainsFunc(allowed, func(mod string) bool { return within(dep, mod) }) {
			continue
		}
		found = append(found, dep)
	}
	return found
}

func ours(importPath string) bool { return within(importPath, module) }

func within(importPath, mod string) bool {
	return importPath == mod || strings.HasPrefix(importPath, mod+"/")
}

func TestLayersPointDown(t *testing.T) {
	pkgs := goList(t, "", "./...")
	assert.Contains(t, pkgs, module)
	assert.Contains(t, pkgs, module+"/testing/replicatest")
	assert.Empty(t, upward(pkgs, backends(t)))
}

// An importer that wants a disk, or a test, compiles no SDK of a cloud, no
// retry library and no HTTP stack, on any system.
func TestImportersCompileLittle(t *testing.T) {
	light := []string{module, module + "/file", module + "/mock", module + "/testing/replicatest",
		module + "/restore", module + "/verify", module + "/transfer", module + "/v03"}
	for _, goos := range []string{"linux", "darwin", "windows"} {
		pkgs := goList(t, goos, light...)
		for _, importPath := range light {
			assert.Contains(t, pkgs, importPath)
			assert.Contains(t, pkgs[importPath].Deps, "github.com/superfly/ltx")
			assert.Empty(t, foreign(pkgs, importPath, "github.com/superfly/ltx", "github.com/pierrec/lz4/v4"), "%s compiles on %s", importPath, goos)
			assert.NotContains(t, pkgs[importPath].Deps, "net/http", "%s on %s", importPath, goos)
		}
	}
}

// A daemon that reads its configuration compiles YAML, and the backends and
// wrappers that it imports itself.
func TestConfigCompilesNoBackend(t *testing.T) {
	pkgs := goList(t, "", module+"/config")
	config := pkgs[module+"/config"]
	assert.Empty(t, foreign(pkgs, config.ImportPath, "github.com/superfly/ltx", "github.com/pierrec/lz4/v4", "go.yaml.in/yaml/v4"))
	for _, name := range backends(t) {
		assert.NotContains(t, config.Deps, module+"/"+name)
	}
	for _, name := range wrappers(t) {
		assert.NotContains(t, config.Deps, module+"/wrap/"+name)
	}
}

// A wrapper compiles the library that it is made of, and no other's.
func TestWrappersCompileTheirOwn(t *testing.T) {
	const lru = "github.com/hashicorp/golang-lru/v2"
	own := map[string][]string{
		"cache":    {lru},
		"compress": {"github.com/klauspost/compress", lru},
		"crypt":    {"filippo.io", "golang.org/x/crypto", "golang.org/x/sys", lru},
		"mirror":   nil,
		"metrics":  {"github.com/prometheus", "github.com/beorn7/perks", "github.com/cespare/xxhash/v2", "github.com/munnerz/goautoneg", "golang.org/x/sys", "google.golang.org/protobuf"},
		"readonly": nil,
		"retry":    nil,
		"trace":    {"go.opentelemetry.io/otel", "go.opentelemetry.io/auto/sdk", "github.com/go-logr", "github.com/cespare/xxhash/v2"},
		"checksum": {lru}, // through wrap/internal/codec
		"throttle": {"golang.org/x/time"},
	}
	pkgs := goList(t, "", "./wrap/...")
	for _, name := range wrappers(t) {
		mods, ok := own[name]
		assert.True(t, ok, "%s is not listed here", name)
		assert.Empty(t, foreign(pkgs, module+"/wrap/"+name, append(mods, "github.com/superfly/ltx", "github.com/pierrec/lz4/v4")...), "wrap/%s compiles", name)
	}
	assert.Empty(t, foreign(pkgs, module+"/wrap", "github.com/superfly/ltx", "github.com/pierrec/lz4/v4"))
}

func TestLayerRulesBite(t *testing.T) {
	kinds := []string{"file", "s3"}
	for _, tt := range []struct {
		from, to string
		wrong    bool
	}{
		{"", "internal/flow", false},
		{"", "file", true},
		{"internal/retry", "internal/flow", false},
		{"internal/retry", "", true},
		{"file", "", false},
		{"file", "backend/oplog", false},
		{"file", "s3", true},
		{"s3", "wrap/checksum", true},
		{"wrap/checksum", "file", true},
		{"wrap/checksum", "wrap/internal/codec", false},
		{"wrap/internal/codec", "wrap/checksum", true},
		{"wrap/internal/codec", "wrap/internal/layer", false},
		{"file", "wrap/internal/codec", true},
		{"wrap/checksum", "wrap/internal/layer", false},
		{"wrap/checksum", "internal/testkit/wraptest", true},
		{"wrap/internal/layer", "wrap/checksum", true},
		{"wrap/internal/layer", "file", true},
		{"internal/testkit/wraptest", "file", false},
		{"file", "wrap/internal/layer", true},
		{"testing/replicatest", "", false},
		{"testing/replicatest", "backend", false},
		{"testing/replicatest", "internal/ltxio", true},
		{"testing/replicatest", "file", true},
		{"restore", "", false},
		{"verify", "restore", false},
		{"restore", "file", true},
		{"transfer", "wrap/checksum", true},
		{"transfer", "testing/replicatest", true},
		{"", "restore", true},
		{"file", "transfer", true},
		{"cmd/ltxstore", "restore", false},
		{"cmd/ltxstore", "s3", false},
		{"elsewhere", "", true},
	} {
		from, to := path.Join(module, tt.from), path.Join(module, tt.to)
		got := upward(map[string]pkg{from: {ImportPath: from, Imports: []string{to, "fmt"}}}, kinds)
		assert.Equal(t, tt.wrong, len(got) > 0, "%s imports %s: %v", tt.from, tt.to, got)
	}

	pkgs := map[string]pkg{
		module:             {Deps: []string{"fmt", module + "/internal/flow", "example.com/sdk", "example.com/sdkother/x", "example.com/sdk/y"}},
		"fmt":              {Standard: true},
		"example.com/sdk":  {},
		"example.com/sdk/": {},
	}
	assert.Equal(t, []string{"example.com/sdkother/x"}, foreign(pkgs, module, "example.com/sdk"))
}

// The backend that stands for a stranger's imports public packages only, and
// is small.
func TestThirdPartyImportsPublicPackages(t *testing.T) {
	lines, imports := 0, 0
	for _, name := range files(t, ".go") {
		if path.Dir(name) != "interop/thirdparty" {
			continue
		}
		source := read(t, name)
		if !strings.HasSuffix(name, "_test.go") {
			lines += strings.Count(source, "\n")
		}
		imports += strings.Count(source, `"`+module+`/backend/object"`)
		assert.NotContains(t, source, `"`+module+`/internal/`, name)
		assert.NotContains(t, source, `"`+module+`/interop/`, name)
	}
	assert.Positive(t, imports, "it is a backend on the object client")
	assert.LessOrEqual(t, lines, 300, "production lines")
}
