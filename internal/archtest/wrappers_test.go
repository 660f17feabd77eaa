package archtest

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ltxstore/ltxstore/internal/settings"
)

// operations are what every wrapper writes out, so that none goes past it, and abilities
// what the base of all has.
var (
	operations = []string{"LTXFiles", "OpenLTXFile", "WriteLTXFile", "DeleteLTXFiles", "DeleteAll"}
	abilities  = []string{"Type", "Init", "SetLogger", "Close", "Unwrap"}
)

// wrappersBase is the folder of the Client that wrappers may embed instead. They make it by New, or package
// codec does for them.
const wrappersBase = "wrap/internal/layer"

var makesBase = regexp.MustCompile(`\b(layer|codec)\.New\(`)

// wrappers returns the folders of wrap that hold one.
func wrappers(t *testing.T) (names []string) {
	t.Helper()
	entries, err := os.ReadDir(filepath.Join(root, "wrap"))
	require.NoError(t, err)
	for _, entry := range entries {
		if entry.IsDir() && entry.Name() != "internal" {
			names = append(names, entry.Name())
		}
	}
	require.NotEmpty(t, names)
	return names
}

func TestWrappersAreAlike(t *testing.T) {
	for _, name := range wrappers(t) {
		folder := path.Join("wrap", name)
		there := exported(t, folder)
		for _, want := range []string{"New", "Client", "Config"} {
			assert.True(t, there[want], "%s has no %s", folder, want)
		}
		examples, err := filepath.Glob(filepath.Join(root, folder, "example*_test.go"))
		require.NoError(t, err)
		assert.NotEmpty(t, examples, "%s has no example", folder)
		embeds := slices.ContainsFunc(production(t), func(name string) bool {
			return path.Dir(name) == folder && makesBase.MatchString(read(t, name))
		})
		for _, method := range slices.Concat(operations, abilities) {
			assert.True(t, there["Client."+method] || embeds, "%s: Client does not write out %s", folder, method)
		}
	}
	there := exported(t, wrappersBase)
	for _, method := range slices.Concat(operations, abilities) {
		assert.True(t, there["Client."+method], "%s: Client does not write out %s", wrappersBase, method)
	}
}

// A wrapper that embeds a client lets the next method of the interface go past
// it unseen.
func TestWrappersEmbedNoClient(t *testing.T) {
	for _, name := range production(t) {
		if !strings.HasPrefix(name, "wrap/") {
			continue
		}
		found, err := embedded(read(t, name))
		require.NoError(t, err)
		assert.NotContains(t, found, "ltxstore.ReplicaClient", name)
	}
	found, err := embedded("package p\ntype a struct {\n\tltxstore.ReplicaClient\n\t*b\n\tnext ltxstore.ReplicaClient\n}\n")
	require.NoError(t, err)
	assert.Equal(t, []string{"ltxstore.ReplicaClient", "b"}, found)
}

// embedded returns what the structs of a file embed.
func embedded(source string) (found []string, err error) {
	file, err := parser.ParseFile(token.NewFileSet(), "", source, parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	ast.Inspect(file, func(n ast.Node) bool {
		if typ, ok := n.(*ast.StructType); ok {
			for _, field := range typ.Fields.List {
				if len(field.Names) == 0 {
					found = append(found, receiver(field.Type))
				}
			}
		}
		return true
	})
	return found, nil
}

// bullet is a wrapper in the list of package wrap's documentation.
var bullet = regexp.MustCompile(`(?m)^//   - \[github\.com/ltxstore/ltxstore/wrap/(\w+)\] `)

// The documents of wrappers have all of them, and no other.
func TestWrappersDocument(t *testing.T) {
	var named []string
	for _, m := range bullet.FindAllStringSubmatch(read(t, "wrap/wrap.go"), -1) {
		named = append(named, m[1])
	}
	slices.Sort(named)
	assert.Equal(t, wrappers(t), named, "wrap/wrap.go")

	var listed []string
	for _, row := range rows(read(t, "docs/wrappers.md"))[1:] {
		require.Len(t, row, 4)
		listed = append(listed, strings.Trim(row[0], "`"))
		assert.NotContains(t, row, "", row)
	}
	slices.Sort(listed)
	assert.Equal(t, wrappers(t), listed)
}

// inChain is a wrapper in the order that wrap.Chain documents.
var inChain = regexp.MustCompile(`(?m)^//\t(\w+)\b`)

// Settings stack wrappers in the order that is documented, and every one of them.
func TestWrappersOrder(t *testing.T) {
	var documented []string
	for _, m := range inChain.FindAllStringSubmatch(read(t, "wrap/chain.go"), -1) {
		documented = append(documented, m[1])
	}
	order := settings.Order()
	assert.Equal(t, append(slices.Clone(order), "store"), documented, "wrap/chain.go")
	slices.Sort(order)
	assert.Equal(t, wrappers(t), order)
}
