// Package scale_test simulates a hundred thousand databases on one store, with our
// clients over doubles that refuse what the services refuse, in the time of
// testing/synctest, and writes the figures into docs/scale.md.
package scale_test

import (
	"flag"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "write the table of docs/scale.md")

const (
	document = "../../docs/scale.md"
	begins   = "<!-- the table is written by: cd interop && go test ./scale -update -->\n"
	ends     = "<!-- end of the table -->\n"
)

// title is the beginning of the scenario's row.
func (s scenario) title() string {
	service := map[string]string{"s3": "S3, %s", "gcs": "Google, %s", "abs": "Azure, %s"}[s.store]
	part := map[string]string{"s3": "partition", "gcs": "bucket", "abs": "account"}[s.store]
	if s.spread != 1 {
		part += "s"
	}
	at := "at once"
	if s.jitter {
		at = "spread"
	}
	return fmt.Sprintf("| "+service+" | %v | %s | %v |", fmt.Sprintf("%d %s", s.spread, part), s.interval, at, s.time)
}

func (s scenario) row(o outcome) string {
	lag := func(part float64) string { return o.lag.At(part).Round(10 * time.Millisecond).String() }
	return fmt.Sprintf("%s %.0f %% | %.1f | %s | %s | %.0f %% | %d |\n", s.title(), 100*o.refused, o.attempts, lag(0.5), lag(0.99), 100*o.late, o.gaveUp*factor)
}

// TestScale plays all scenarios and holds the document to them. Waits before attempts
// are random: what is refused may differ by 15 points.
func TestScale(t *testing.T) {
	rows := make([]string, len(scenarios()))
	t.Run("play", func(t *testing.T) {
		var mu sync.Mutex
		for i, s := range scenarios() {
			t.Run(s.title(), func(t *testing.T) {
				t.Parallel()
				o := s.play(t)
				mu.Lock()
				defer mu.Unlock()
				rows[i] = s.row(o)
			})
		}
	})
	if t.Failed() {
		return
	}
	text, err := os.ReadFile(document)
	require.NoError(t, err)
	head, rest, found := strings.Cut(string(text), begins)
	old, tail, closed := strings.Cut(rest, ends)
	require.True(t, found && closed, "the marks of the table are gone from docs/scale.md")
	const header = "| Store | Sync interval | Syncs | Simulated | Refused | Requests per file | Lag p50 | Lag p99 | Late | Gave up |\n" +
		"|---|--:|---|--:|--:|--:|--:|--:|--:|--:|\n"
	if *update {
		require.NoError(t, os.WriteFile(document, []byte(head+begins+header+strings.Join(rows, "")+ends+tail), 0o644))
		return
	}
	for i, s := range scenarios() {
		_, was, found := strings.Cut(old, s.title())
		require.True(t, found, "docs/scale.md lacks %q; run: cd interop && go test ./scale -update", s.title())
		assert.InDelta(t, percent(t, was), percent(t, strings.TrimPrefix(rows[i], s.title())), 15, s.title())
	}
}

// percent returns the number before the first percent sign.
func percent(t *testing.T, cells string) float64 {
	text, _, _ := strings.Cut(cells, "%")
	n, err := strconv.ParseFloat(strings.TrimSpace(text), 64)
	require.NoError(t, err)
	return n
}
