//go:build integration

package gcs_test

import (
	"testing"

	_ "github.com/ltxstore/ltxstore/gcs"
	"github.com/ltxstore/ltxstore/internal/testkit/live"
)

// TestIntegration runs on Google Cloud Storage. Credentials
// come from the environment, as they do without settings. CONTRIBUTING.md has
// the variables.
func TestIntegration(t *testing.T) {
	live.Run(t, live.Config{Variable: "LTXSTORE_TEST_GCS_URL", Example: "gs://bucket/tests"})
}
