package replicatest_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ltxstore/ltxstore/testing/replicatest"
)

// TestCorrect is the other half of TestMutants: a client that keeps the
// contract fails nothing, and nothing is left out but what memory cannot do.
func TestCorrect(t *testing.T) {
	report, err := replicatest.Check(t.Context(), newConfig(correct))
	require.NoError(t, err)
	require.NoError(t, report.Err())
	assert.Len(t, report, len(replicatest.Cases()))
	for _, res := range report.Skipped() {
		assert.Equal(t, "write/large-memory", res.Case.ID)
	}
}
