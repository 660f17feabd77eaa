package bench_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ltxstore/ltxstore/internal/chart"
)

// figure is one of the charts that lead docs/benchmarks.md.
type figure struct {
	file, title string
	rows        *regexp.Regexp // by their titles
	memory      bool           // it shows the peak of the heap instead of the time
	says        string         // what it means
}

var figures = []figure{
	{
		file: "small-writes.svg", title: "Writing a small file", rows: regexp.MustCompile(`^write \d+ (bytes|KiB)$`),
		says: "Each sync of a database waits for such a write. Nearly all the time is spent in the store and the SDK, as bare calls show.",
	}, {
		file: "large-writes.svg", title: "Writing a large file", rows: regexp.MustCompile(`^write \d+ [MG]iB `),
		says: "A snapshot waits for such a write. In a real network, the bandwidth is decisive; here, on one machine, it is the CPU time of client and server.",
	}, {
		file: "listings.svg", title: "Listing and deleting", rows: regexp.MustCompile(`^(list|delete) `),
		says: "A restore, a compaction and retention begin with listings. If the client seeks, a listing that starts late in a long level costs one request.",
	}, {
		file: "restores.svg", title: "Restoring a database", rows: regexp.MustCompile(`^restore `),
		says: "The time of a restore is that of an outage. Ours reads ranges of large files over several connections, and decodes pages on all CPUs.",
	}, {
		file: "memory.svg", title: "Memory at the peak of large writes and restores", rows: regexp.MustCompile(`^(restore|write \d+ [MG]iB )`), memory: true,
		says: "The memory in addition to that of the program. Ranges that a restore reads ahead use a pool of bounded size, which the process shares.",
	},
}

// of returns the figure's part of the lines.
func (f figure) of(lines []line) []line {
	return slices.DeleteFunc(slices.Clone(lines), func(l line) bool { return !f.rows.MatchString(l.title) })
}

// value is what the figure shows of a result, and as text.
func (f figure) value(r result) (value, high float64, text string) {
	if f.memory {
		return max(float64(r.Peak), 1), 0, bytesText(float64(r.Peak))
	}
	return r.Time.Seconds(), r.Max.Seconds(), timeText(r.Time)
}

// draw returns the chart of the lines.
func (f figure) draw(lines []line) ([]byte, error) {
	c := chart.Chart{Title: f.title + ": less is better", Note: "the bar ends at the median, the thin line at the slowest round; each line of the grid is ten times the one before"}
	c.Tick = func(v float64) string { return strings.Replace(timeText(seconds(v)), ".00 s", " s", 1) }
	if f.memory {
		c.Note = "each line of the grid is ten times the one before"
		c.Tick = func(v float64) string { return bytesText(v) }
	}
	for _, l := range lines {
		for i, r := range l.results {
			series := slices.Index(c.Names, r.Name)
			if series < 0 {
				series = len(c.Names)
				c.Names = append(c.Names, r.Name)
			}
			value, high, text := f.value(r)
			bar := chart.Bar{Value: value, High: high, Text: text, Series: series}
			if i == 0 {
				bar.Label = l.row.backend + ": " + l.title
			}
			c.Bars = append(c.Bars, bar)
		}
	}
	var svg bytes.Buffer
	err := c.Write(&svg)
	return svg.Bytes(), err
}

// summary says in a sentence how ours and Litestream's compare.
func (f figure) summary(lines []line) string {
	ahead := 0
	best, most := lines[0], 0.0
	for _, l := range lines {
		ours, _, _ := f.value(l.results[0])
		theirs, _, _ := f.value(l.results[1])
		ratio := theirs / ours
		if ratio > 1 {
			ahead++
		}
		if ratio > most {
			best, most = l, ratio
		}
	}
	less := "time"
	if f.memory {
		less = "memory"
	}
	text := fmt.Sprintf("Ours needs less %s than Litestream's in %d of %d rows", less, ahead, len(lines))
	if most > 1 {
		text += fmt.Sprintf("; the largest difference is %.1f×, in “%s: %s”", most, best.row.backend, best.title)
	}
	return text + "."
}

// writeFigures writes the charts into the folder, and returns the text with them.
func writeFigures(dir string, lines []line) (string, error) {
	if err := os.MkdirAll(filepath.Join(dir, "benchmarks"), 0o755); err != nil {
		return "", err
	}
	var b strings.Builder
	for _, f := range figures {
		part := f.of(lines)
		if len(part) == 0 {
			continue
		}
		svg, err := f.draw(part)
		if err != nil {
			return "", err
		}
		if err := os.WriteFile(filepath.Join(dir, "benchmarks", f.file), svg, 0o644); err != nil {
			return "", err
		}
		summary := f.summary(part)
		fmt.Fprintf(&b, "### %s\n\n%s %s\n\n![%s: %s](benchmarks/%s)\n\n", f.title, f.says, summary, f.title, strings.TrimSuffix(summary, "."), f.file)
	}
	return b.String(), nil
}

// TestEachRowHasAFigure: what is measured is shown to people too, once by its time.
func TestEachRowHasAFigure(t *testing.T) {
	for _, r := range rows() {
		title, in := r.title(r.sized(0)), 0
		for _, f := range figures {
			if !f.memory && f.rows.MatchString(title) {
				in++
			}
		}
		assert.Equal(t, 1, in, "%s: %s", r.backend, title)
	}
}

// TestFiguresAreThere: the document shows charts that exist and say in words what
// they show.
func TestFiguresAreThere(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(docs, "benchmarks.md"))
	require.NoError(t, err)
	for _, f := range figures {
		assert.Contains(t, string(text), "](benchmarks/"+f.file+")")
		svg, err := os.ReadFile(filepath.Join(docs, "benchmarks", f.file))
		require.NoError(t, err)
		assert.Contains(t, string(svg), "<desc")
	}
}
