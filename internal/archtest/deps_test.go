package archtest

import (
	"encoding/json"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// allowed are the modules that the library may require directly. Each has a
// line in docs/design.md that says what for.
var allowed = []string{
	"cloud.google.com/go/auth",
	"cloud.google.com/go/storage",
	"filippo.io/age",
	"github.com/Azure/azure-sdk-for-go/sdk/azcore",
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity",
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob",
	"github.com/aliyun/alibabacloud-oss-go-sdk-v2",
	"github.com/aws/aws-sdk-go-v2",
	"github.com/aws/aws-sdk-go-v2/config",
	"github.com/aws/aws-sdk-go-v2/credentials",
	"github.com/aws/aws-sdk-go-v2/service/s3",
	"github.com/aws/aws-sdk-go-v2/service/sts",
	"github.com/aws/smithy-go",
	"github.com/hashicorp/golang-lru/v2",
	"github.com/klauspost/compress",
	"github.com/nats-io/jwt/v2",
	"github.com/nats-io/nats-server/v2",
	"github.com/nats-io/nats.go",
	"github.com/nats-io/nkeys",
	"github.com/nats-io/nuid",
	"github.com/pierrec/lz4/v4",
	"github.com/pkg/sftp",
	"github.com/prometheus/client_golang",
	"github.com/skeema/knownhosts",
	"github.com/stretchr/testify",
	"github.com/superfly/ltx",
	"go.opentelemetry.io/otel",
	"go.opentelemetry.io/otel/sdk",
	"go.opentelemetry.io/otel/trace",
	"go.yaml.in/yaml/v4",
	"golang.org/x/crypto",
	"golang.org/x/net",
	"golang.org/x/term",
	"golang.org/x/time",
	"google.golang.org/api",
	"google.golang.org/grpc",
}

// testOnly are those that no production file imports.
var testOnly = []string{"github.com/nats-io/jwt/v2", "github.com/nats-io/nats-server/v2", "github.com/stretchr/testify", "go.opentelemetry.io/otel/sdk"}

func TestDirectDependencies(t *testing.T) {
	read(t, "go.mod") // so that a cached result is not used when it changes
	cmd := exec.CommandContext(t.Context(), "go", "mod", "edit", "-json")
	cmd.Dir = root
	out, err := cmd.Output()
	require.NoError(t, err)
	var mod struct {
		Module  struct{ Path string }
		Require []struct {
			Path     string
			Indirect bool
		}
		Replace []json.RawMessage
	}
	require.NoError(t, json.Unmarshal(out, &mod))
	require.Equal(t, module, mod.Module.Path)
	assert.Empty(t, mod.Replace, "an importer does not see a replacement")

	var direct []string
	for _, r := range mod.Require {
		if !r.Indirect {
			direct = append(direct, r.Path)
		}
	}
	slices.Sort(direct)
	assert.Equal(t, allowed, direct)
	for _, path := range allowed {
		assert.True(t, justifies(read(t, "docs/design.md"), path), "docs/design.md has no line of the table of dependencies for %s", path)
	}
	assert.False(t, justifies("| `github.com/superfly/ltx` | |", "github.com/superfly/ltx"), "an empty reason is none")
}

func TestProductionImportsNoTestDependency(t *testing.T) {
	for importPath, p := range goList(t, "", "./...") {
		if !ours(importPath) {
			continue
		}
		for _, imported := range p.Imports {
			wrong := slices.ContainsFunc(testOnly, func(mod string) bool { return within(imported, mod) })
			assert.False(t, wrong, "%s imports %s", importPath, imported)
		}
	}
}

// justifies reports whether a table in the document has a row of that name
// with something in its second column.
func justifies(document, name string) bool {
	for _, row := range rows(document) {
		if len(row) > 1 && row[0] == "`"+name+"`" && row[1] != "" {
			return true
		}
	}
	return false
}

// rows returns the rows of all tables in a Markdown text, cell by cell.
func rows(text string) [][]string {
	var found [][]string
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if !strings.HasPrefix(line, "|") || !strings.HasSuffix(line, "|") || strings.HasPrefix(line, "|---") {
			continue
		}
		cells := strings.Split(strings.Trim(line, "|"), "|")
		for i, cell := range cells {
			cells[i] = strings.TrimSpace(cell)
		}
		found = append(found, cells)
	}
	return found
}
