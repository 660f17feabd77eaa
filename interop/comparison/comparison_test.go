// Package comparison_test runs the suite against Litestream's own clients: each
// must fail the cases that name its defects, for that reason, and no others.
package comparison_test

import (
	"flag"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ltxstore/ltxstore/testing/replicatest"
)

var update = flag.Bool("update", false, "write docs/comparison.md")

const document = "../../docs/comparison.md"

// contestant is one of Litestream's clients.
type contestant struct {
	name  string
	cfg   replicatest.Config
	bites map[string]*defect // by the IDs of cases

	// chance are cases that fail or not, as it happens.
	chance map[string]*defect

	report replicatest.Report
}

func TestComparison(t *testing.T) {
	all := []*contestant{
		{name: "file", cfg: stockFile(t), bites: bitesFile},
		{name: "s3", cfg: stockS3(t), bites: bitesS3, chance: chanceS3},
		{name: "gs", cfg: stockGS(t), bites: bitesGS, chance: chanceGS},
		{name: "sftp", cfg: stockSFTP(t), bites: bitesSFTP},
		{name: "webdav", cfg: stockWebDAV(t), bites: bitesWebDAV},
		{name: "nats", cfg: stockNATS(t), bites: bitesNATS, chance: chanceNATS},
	}
	t.Run("clients", func(t *testing.T) {
		for _, c := range all {
			t.Run(c.name, func(t *testing.T) {
				if slices.Contains(c.cfg.Lacks, replicatest.BoundedMemory) { // nobody watches the heap
					t.Parallel()
				}
				c.run(t)
			})
		}
	})
	if t.Failed() {
		return
	}
	text := table(all)
	if *update {
		require.NoError(t, os.WriteFile(document, []byte(text), 0o644))
	}
	written, err := os.ReadFile(document)
	require.NoError(t, err)
	assert.Equal(t, text, string(written), "docs/comparison.md is not of this run: go test ./comparison -update")
}

func (c *contestant) run(t *testing.T) {
	cfg := c.cfg
	cfg.BodySize, cfg.Timeout, cfg.Prompt = 1<<20, 10*time.Second, 2*time.Second
	var err error
	c.report, err = replicatest.Check(t.Context(), cfg)
	require.NoError(t, err)
	failed := make(map[string]bool)
	for _, res := range c.report.Failed() {
		id := res.Case.ID
		failed[id] = true
		why, ok := c.chance[id]
		if !ok {
			why, ok = c.bites[id]
		}
		if assert.True(t, ok, "%s fails, and no known defect explains it: %v", id, res.Err) {
			assert.Regexp(t, why.says, res.Err.Error(), "%s should fail because %s", id, why.what)
		}
	}
	for id, why := range c.bites {
		assert.True(t, failed[id], "%s holds, although %s", id, why.what)
	}
	for _, res := range c.report.Skipped() {
		assert.Contains(t, res.Skipped, "declared to lack", res.Case.ID)
	}
}
