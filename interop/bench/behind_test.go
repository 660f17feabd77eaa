package bench_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// unexplained stands where a row that is behind has no reason yet. It must not be
// in the document.
const unexplained = "**no reason is known yet**"

// behind says by what measures ours is behind Litestream's client: time, requests and
// memory. What is within the spread of the rounds, or too little to matter, does not
// count.
func (l line) behind() []string {
	ours, theirs := l.results[0], l.results[1]
	var by []string
	if float64(ours.Time) > 1.05*float64(theirs.Time) && ours.Min > theirs.Time {
		by = append(by, fmt.Sprintf("time (%s, Litestream %s)", timeText(ours.Time), timeText(theirs.Time)))
	}
	if ours.Requests > 1.02*theirs.Requests {
		by = append(by, fmt.Sprintf("requests (%.4g, Litestream %.4g)", ours.Requests, theirs.Requests))
	}
	if float64(ours.Peak) > 1.2*float64(theirs.Peak) && ours.Peak > theirs.Peak+mib {
		by = append(by, fmt.Sprintf("memory (%s, Litestream %s)", bytesText(float64(ours.Peak)), bytesText(float64(theirs.Peak))))
	}
	return by
}

// whereBehind lists the rows that are behind, each with its reason.
func whereBehind(lines []line) string {
	var b strings.Builder
	for _, l := range lines {
		by := l.behind()
		if len(by) == 0 {
			continue
		}
		why := l.row.behind
		if why == "" {
			why = unexplained
		}
		fmt.Fprintf(&b, "- %s: %s: %s.\n", l.heading(), strings.Join(by, ", "), strings.TrimSuffix(why, "."))
	}
	if b.Len() == 0 {
		return "Nowhere in this run.\n"
	}
	return b.String()
}

// TestBehindHasReasons holds the document to its promise.
func TestBehindHasReasons(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(docs, "benchmarks.md"))
	require.NoError(t, err)
	assert.Contains(t, string(text), "\n## Where ltxstore is behind\n")
	assert.NotContains(t, string(text), unexplained, "give the row its reason, in the field behind of rows()")
}

func TestWhereBehind(t *testing.T) {
	slow := line{row: row{backend: "s3"}, title: "write", server: "minio", results: []result{
		{Time: 20, Min: 19, Requests: 2, Peak: 5 * mib}, {Time: 10, Min: 9, Requests: 1, Peak: mib},
	}}
	assert.Contains(t, whereBehind([]line{slow}), "s3 (minio): write: time (0.02 µs, Litestream 0.01 µs), requests (2, Litestream 1), memory (5.0 MiB, Litestream 1.0 MiB): "+unexplained)
	slow.row.behind = "It asks twice."
	assert.Contains(t, whereBehind([]line{slow}), ": It asks twice.\n")
	chance := line{results: []result{{Time: 12, Min: 9, Peak: 10}, {Time: 10, Min: 9}}}
	assert.Equal(t, "Nowhere in this run.\n", whereBehind([]line{chance}))
}
