//go:build integration

package abs_test

import (
	"testing"

	_ "github.com/ltxstore/ltxstore/abs/entra"
	"github.com/ltxstore/ltxstore/internal/testkit/live"
)

// TestIntegration runs on Azure Blob Storage. Credentials come from the
// environment. CONTRIBUTING.md has the variable.
func TestIntegration(t *testing.T) {
	live.Run(t, live.Config{
		Variable: "LTXSTORE_TEST_ABS_URL", Example: "abs://account@container/tests",
		Secrets: []string{"LITESTREAM_AZURE_ACCOUNT_KEY", "AZURE_STORAGE_KEY", "LITESTREAM_AZURE_SAS_TOKEN"},
	})
}
