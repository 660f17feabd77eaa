// Package comparison_test runs the suite against Litestream's own clients: each
// must fail the cases that name its defects, for that reason, and no others.
package comparison_test

import (
	"flag"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
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
		{name: "s3", cfg: stockS3(t), bites: bitesS3, chance: chanceHTTP},
		{name: "gs", cfg: stockGS(t), bites: bitesGS, chance: chanceGS},
		{name: "abs", cfg: stockABS(t), bites: bitesABS, chance: chanceHTTP},
		{name: "oss", cfg: stockOSS(t), bites: bitesOSS, chance: chanceHTTP},
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

// tries is how often a case is run whose outcome is not the known one. Some of the
// clients have timers of their own, such as the 200 ms for which NATS lets a write
// stall, or share a temporary file for a moment: what a case finds first is then
// left to the scheduler.
const tries = 5

func (c *contestant) run(t *testing.T) {
	cfg := c.cfg
	cfg.BodySize, cfg.Timeout, cfg.Prompt = 1<<20, 10*time.Second, 2*time.Second
	var err error
	c.report, err = replicatest.Check(t.Context(), cfg)
	require.NoError(t, err)
	for i, res := range c.report {
		cfg.Select = func(other replicatest.Case) bool { return other.ID == res.Case.ID }
		why := c.unknown(res)
		for n := 1; n < tries && why != ""; n++ {
			t.Logf("once more: %s", why)
			again, err := replicatest.Check(t.Context(), cfg)
			require.NoError(t, err)
			c.report[i] = again[i]
			why = c.unknown(again[i])
		}
		assert.Empty(t, why)
	}
}

// unknown says what is not as the defects of the client would have it, and nothing
// if all is.
func (c *contestant) unknown(res replicatest.Result) string {
	id := res.Case.ID
	by, bites := c.bites[id]
	if byChance, ok := c.chance[id]; ok && res.Err != nil {
		by, bites = byChance, true
	}
	switch {
	case res.Skipped != "" && !strings.Contains(res.Skipped, "declared to lack"):
		return id + " is skipped: " + res.Skipped
	case bites && res.Err == nil:
		return fmt.Sprintf("%s holds, although %s", id, by.what)
	case !bites && res.Err != nil:
		return fmt.Sprintf("%s fails, and no known defect explains it: %v", id, res.Err)
	case bites && !regexp.MustCompile(by.says).MatchString(res.Err.Error()):
		return fmt.Sprintf("%s should fail because %s, not by: %v", id, by.what, res.Err)
	}
	return ""
}
