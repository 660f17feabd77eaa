//go:build integration

package nats_test

import (
	"testing"

	"github.com/ltxstore/ltxstore/internal/testkit/live"
	_ "github.com/ltxstore/ltxstore/nats"
)

// TestIntegration runs on a NATS server. CONTRIBUTING.md has the variable.
func TestIntegration(t *testing.T) {
	live.Run(t, live.Config{Variable: "LTXSTORE_TEST_NATS_URL", Example: "nats://host:4222/bucket/tests"})
}
