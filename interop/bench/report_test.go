package bench_test

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// ratio is how many times our time Litestream needs.
func (l line) ratio() float64 {
	return float64(l.results[1].Time) / float64(l.results[0].Time)
}

// heading is the first line of each row's text.
func (l line) heading() string {
	return fmt.Sprintf("%s (%s): %s", l.row.backend, l.server, l.title)
}

// text is the row as the terminal shows it.
func (l line) text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %.2fx Litestream\n", l.heading(), l.ratio())
	for _, r := range l.results {
		fmt.Fprintf(&b, "  %-10s %s\n", r.Name, strings.Join(l.cells(r), "  "))
	}
	return b.String()
}

// cells are a contestant's values, with their units.
func (l line) cells(r result) []string {
	wire := []string{"–", "–"}
	if l.counted {
		wire = []string{fmt.Sprintf("%.4g", r.Requests), bytesText(r.WireBytes)}
	}
	return append(append([]string{timeText(r.Time), timeText(r.Min) + "–" + timeText(r.Max), timeText(r.CPU)}, wire...),
		fmt.Sprintf("%.0f", r.Allocs), bytesText(r.Bytes), bytesText(float64(r.Peak)))
}

func timeText(d time.Duration) string {
	switch {
	case d >= time.Second:
		return fmt.Sprintf("%.2f s", d.Seconds())
	case d >= time.Millisecond:
		return fmt.Sprintf("%.3g ms", float64(d)/1e6)
	}
	return fmt.Sprintf("%.3g µs", float64(d)/1e3)
}

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }

func bytesText(n float64) string {
	switch {
	case n >= mib:
		return fmt.Sprintf("%.1f MiB", n/mib)
	case n >= 1<<10:
		return fmt.Sprintf("%.1f KiB", n/(1<<10))
	}
	return fmt.Sprintf("%.0f B", n)
}

const lead = `# Benchmarks

Written by ` + "`make bench`" + `: do not edit. Our clients, Litestream v0.5.18's, and bare calls of the SDK or the system do the same
work on the same server, with default settings, on a machine with %d CPUs (%s, %s).

`

const profile = `## Where the CPU time of a restore goes

Of a restore of 512 MiB from a disk, by a CPU profile (1.2 s for each GiB):

| part | share |
|---|--:|
| writing the pages: ` + "`" + `pwrite` + "`" + `, 32 KiB at a time | 59 % |
| checksums of pages, file and database: one CRC-64 for all three | 19 % |
| reading the file | 11 % |
| copies, clearing of memory and the order of batches | 6 % |
| LZ4, of pages that do not compress | 3 % |
| ` + "`" + `sync_file_range` + "`" + `, so that the fsync at the end has little left | 2 % |

Checksums and LZ4 are done on all CPUs, beside the reading and writing.

`

const repeat = `## Repeat it

` + "```sh" + `
make bench                                                          # all of it, into this page: about 20 minutes
make bench BENCH_FLAGS='-rows "s3: restore" -rounds 3'              # some rows, to the terminal
` + "```" + `

Close what else runs: the figures are of one machine, and of its load. What is compared within a row is measured in turn, so
that ratios hold better than times do. What the requests cost is in [cost.md](cost.md), what many databases need in [scale.md](scale.md).

`

const preamble = `## All rows

One process does the work of all contestants, in turn within each round. Servers and the network run in processes of their own.

- The time is the median of %d rounds, or of at least %d where they take long, of one operation; the spread is from the fastest round to the slowest.
- The CPU time is this process's on all CPUs, in its own code and in the system's: other programs on the machine change
  it less than the time.
- Requests and bytes on the wire, with all headers, are counted by a proxy on loopback, which also makes a server
  20 ms away or a connection slow, in the rows that say so. The gcs server is internal/testkit/gcsfake, which is its own proxy.
- Allocations are those of the whole process, the client's only. The peak of the heap is above what was there before,
  in a run of its own with a collector that runs often (GOGC=5).
- Bare writes to a disk fsync the file and its folder, as ours and Litestream's do. PutObject takes no pipe. A bare
  restore from a disk is ltx's decoder of a snapshot into a file; from a bucket it is the download of all files alone, by as
  many connections as a restore has, of which nothing is decoded or written: the limit of the wire and the server.
- The ratio in bold is Litestream's time divided by ours.
- A listing of S3 or GCS is one page in memory at a time for all three: what the peak shows is the SDK's decoder. Both
  clients seek on GCS; on a disk and S3 Litestream v0.5.18 lists the level from its beginning.
- The servers of abs and oss are this library's own doubles, those of sftp, webdav and nats are Go servers of these
  protocols. Requests of SFTP and NATS are not counted, and these five have no bare calls.
- In a large write to abs or oss our client sends the MD5 of each part, by which the service refuses a part that was
  damaged on its way. Litestream sends none. With the server on the same machine, computing the sums on both sides takes
  longer than the transfer.

| row | | time | spread | CPU | requests | wire | allocations | allocated | peak heap |
|---|---|--:|--:|--:|--:|--:|--:|--:|--:|
`

// table returns all rows.
func table(lines []line) string {
	var b strings.Builder
	for _, l := range lines {
		for i, r := range l.results {
			head := ""
			if i == 0 {
				head = fmt.Sprintf("%s: **%.2f×**", l.heading(), l.ratio())
			}
			fmt.Fprintf(&b, "| %s | %s | %s |\n", head, r.Name, strings.Join(l.cells(r), " | "))
		}
	}
	return b.String()
}

// writeReport writes benchmarks.md and its charts into the folder.
func writeReport(dir string, lines []line, rounds int) error {
	charts, err := writeFigures(dir, lines)
	if err != nil {
		return err
	}
	text := fmt.Sprintf(lead, runtime.NumCPU(), runtime.GOOS+"/"+runtime.GOARCH, runtime.Version()) + charts +
		"## Where ltxstore is behind\n\nRows in which Litestream's client needs less time (by more than the rounds differ), requests or memory:\n\n" +
		whereBehind(lines) + "\n" + profile + repeat + fmt.Sprintf(preamble, rounds, min(rounds, fewest)) + table(lines)
	return os.WriteFile(filepath.Join(dir, "benchmarks.md"), []byte(text), 0o644)
}

func TestReport(t *testing.T) {
	lines := []line{{
		row: row{backend: "gcs"}, title: "delete all of 250 files, 20ms away", server: "gcsfake", counted: true,
		results: []result{
			{Name: ours, Time: 50 * time.Millisecond, Min: 40 * time.Millisecond, Max: 2 * time.Second, CPU: 30 * time.Millisecond, Requests: 251, WireBytes: 3 << 20, Allocs: 12, Bytes: 2048, Peak: 100},
			{Name: stock, Time: time.Second, Min: time.Second, Max: time.Second},
		},
	}}
	dir := t.TempDir()
	require.NoError(t, writeReport(dir, lines, 7))
	text, err := os.ReadFile(filepath.Join(dir, "benchmarks.md"))
	require.NoError(t, err)
	assert.Contains(t, string(text), "| gcs (gcsfake): delete all of 250 files, 20ms away: **20.00×** | ours | 50 ms | 40 ms–2.00 s | 30 ms | 251 | 3.0 MiB | 12 | 2.0 KiB | 100 B |\n"+
		"|  | litestream | 1.00 s | ")
	assert.Contains(t, string(text), "![Listing and deleting: Ours needs less time than Litestream's in 1 of 1 rows; the largest difference is 20.0×")
	assert.Contains(t, string(text), "requests (251, Litestream 0)")
	svg, err := os.ReadFile(filepath.Join(dir, "benchmarks", "listings.svg"))
	require.NoError(t, err)
	assert.Contains(t, string(svg), "gcs: delete all of 250 files, 20ms away")
	assert.Contains(t, lines[0].text(), "20.00x Litestream")
}
