//go:build integration

package s3_test

import (
	"testing"

	"github.com/ltxstore/ltxstore/internal/testkit/live"
	_ "github.com/ltxstore/ltxstore/s3"
)

// TestIntegration runs on S3, or a service that is compatible with it. Credentials
// come from the environment, as they do without settings. CONTRIBUTING.md has
// the variables.
func TestIntegration(t *testing.T) {
	live.Run(t, live.Config{Variable: "LTXSTORE_TEST_S3_URL", Example: "s3://bucket/tests?region=eu-central-1",
		Secrets: []string{"AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"}})
}
