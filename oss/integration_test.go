//go:build integration

package oss_test

import (
	"testing"

	"github.com/ltxstore/ltxstore/internal/testkit/live"
)

// TestIntegration runs on the service. Credentials come from the environment.
// CONTRIBUTING.md has the variable.
func TestIntegration(t *testing.T) {
	live.Run(t, live.Config{
		Variable: "LTXSTORE_TEST_OSS_URL", Example: "oss://bucket.oss-cn-hangzhou.aliyuncs.com/tests",
		Secrets: []string{"OSS_ACCESS_KEY_SECRET"},
	})
}
